//! Claims about media types and statuses of GraphQL over HTTP, beyond what audits ask for.

use harness::{Client, Shop, test};
use serde_json::{Value, json};

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: (&str, &str) = ("content-type", "application/json");
/// What urql sends: whatever there is.
const ANY: &str = "application/graphql-response+json, application/graphql+json, application/json, \
    text/event-stream, multipart/mixed";

/// Status, media type and body of an answer to a query.
async fn answered(client: &Client, accept: &str, query: &str) -> (u16, String, Value) {
    let body = json!({ "query": query }).to_string().into_bytes();
    let headers = [JSON, ("accept", accept)];
    let (status, headers, text) = client.send("POST", "/graphql", &headers, body).await;
    let kind = headers["content-type"].to_str().expect("a media type").to_owned();
    (status, kind, serde_json::from_str(&text).unwrap_or_default())
}

#[test]
fn a_status_tells_whoever_takes_graphqls_own_media_type_what_became_of_a_request() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        app.settled().await;
        let deep = format!("{{ {}__typename{} }}", "... { ".repeat(70), " }".repeat(70));
        for (query, status, has_data) in [
            ("{ organization { slug } }", 200, true),
            // It was executed, and failed.
            ("{ order(id: \"x\") { id } }", 200, true),
            ("mutation { publishProduct(input: { productId: \"x\" }) { recordId } }", 200, true),
            ("{", 400, false),
            ("{ nothing }", 400, false),
            (&deep, 400, false),
            ("query a { __typename } query b { __typename }", 400, false),
            ("query($n: Int!) { orders(first: $n) { nodes { id } } }", 400, false),
        ] {
            for accept in [GRAPHQL, ANY] {
                let (told, kind, body) = answered(&shop.client, accept, query).await;
                assert_eq!(kind, format!("{GRAPHQL}; charset=utf-8"), "{query}: {body}");
                assert_eq!(
                    (told, body.get("data").is_some()),
                    (status, has_data),
                    "{query}: {body}"
                );
            }
            let (told, kind, body) = answered(&shop.client, "application/json", query).await;
            assert_eq!((told, kind.as_str()), (200, "application/json"), "{query}: {body}");
            assert_eq!(body.get("data").is_some(), has_data, "{query}: {body}");
        }
        let nobody = app.anonymous();
        let (status, kind, _) = answered(&nobody, GRAPHQL, "{ __typename }").await;
        assert_eq!((status, kind), (401, format!("{GRAPHQL}; charset=utf-8")));
    });
}

#[test]
fn what_is_not_json_and_what_takes_nothing_that_there_is_are_refused() {
    test(async |app| {
        let (client, query) = (app.administrator(), br#"{"query":"{ __typename }"}"#.to_vec());
        for kind in
            ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"]
        {
            let kinds = [("content-type", kind)];
            let (status, _, text) = client.send("POST", "/graphql", &kinds, query.clone()).await;
            assert_eq!(status, 415, "{kind}: {text}");
            assert!(text.contains("UNSUPPORTED_MEDIA_TYPE"), "{text}");
        }
        let (status, _, text) = client.send("POST", "/graphql", &[], query.clone()).await;
        assert_eq!(status, 415, "{text}");
        let accept = ("accept", "text/html, application/json;q=0");
        let (status, _, text) = client.send("POST", "/graphql", &[JSON, accept], query).await;
        assert_eq!(status, 406, "{text}");
        assert!(text.contains("NOT_ACCEPTABLE") && text.contains(GRAPHQL), "{text}");
    });
}

#[test]
fn whoever_takes_anything_gets_a_stream_where_only_a_stream_can_tell() {
    test(async |app| {
        Shop::open(&app.administrator(), "acme").await;
        app.settled().await;
        let client = app.administrator().with("accept", ANY);
        let filter = "(filter:%7BcustomerId:%7Beq:%22x%22%7D%7D)";
        let path = format!("/graphql?query=subscription%7BordersChanged{filter}%7Bkind%7D%7D");
        let (status, headers, text) = client.get(&path).await;
        assert_eq!(
            (status, &headers["content-type"]),
            (200, &"text/event-stream".parse().unwrap())
        );
        assert!(text.starts_with("event: next\n") && text.contains("INVALID_INPUT"), "{text}");
        assert!(text.trim_end().ends_with("event: complete"), "{text}");
    });
}
