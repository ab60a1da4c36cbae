//! Claims about requests that are none: bodies, methods, paths. Errors are JSON with a code, too.

use gateway::config::Config;
use harness::{Client, Shop, test, test_with};
use serde_json::{Value, json};

use super::Told;

const JSON: (&str, &str) = ("content-type", "application/json");

async fn sent(client: &Client, method: &str, path: &str, body: impl Into<Vec<u8>>) -> (u16, Told) {
    let (status, headers, text) = client.send(method, path, &[JSON], body.into()).await;
    assert_eq!(headers["content-type"], "application/json", "{method} {path}: {text}");
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
    (status, Told::of(&body))
}

#[test]
fn a_body_that_is_too_large_is_refused_with_the_limit() {
    let mut config = Config::default();
    config.server.body_bytes_max = 10_000;
    test_with(config, async |app| {
        let client = app.administrator();
        let query = |bytes: usize| {
            let frame = json!({ "query": "{ __typename }", "pad": "" }).to_string().len();
            let pad = "x".repeat(bytes - frame);
            json!({ "query": "{ __typename }", "pad": pad }).to_string()
        };
        let (status, _, _) = client.send("POST", "/graphql", &[JSON], query(10_000).into()).await;
        assert_eq!(status, 200);
        for bytes in [10_001, 1_000_000] {
            let (status, told) = sent(&client, "POST", "/graphql", query(bytes)).await;
            assert_eq!(status, 413);
            told.is("PAYLOAD_TOO_LARGE", "", "larger than 10000 bytes");
        }
    });
}

#[test]
fn a_body_that_is_no_graphql_request_says_what_one_is() {
    test(async |app| {
        let client = app.administrator();
        let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let variables =
            format!("{{\"query\":\"{{ __typename }}\",\"variables\":{{\"a\":{nested}}}}}");
        for body in [
            &b""[..],
            b"{ orders { nodes { id } } }",
            b"{\"query\":",
            b"\xff\xfe{}",
            b"17",
            b"null",
            b"\"{ __typename }\"",
            b"{\"query\": 17}",
            b"{\"query\": \"{ __typename }\", \"variables\": [1]}",
            nested.as_bytes(),
            variables.as_bytes(),
        ] {
            let (status, told) = sent(&client, "POST", "/graphql", body).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert_eq!(status, 400, "{shown}");
            told.is("INVALID_QUERY", "", "the body is no GraphQL request");
            assert!(told.message.contains("send JSON"), "{told:?}");
        }
    });
}

#[test]
fn a_request_without_a_query_says_so() {
    test(async |app| {
        let client = app.administrator();
        for body in ["{}", "{\"variables\": {}}", "{\"query\": \"\"}", "{\"query\": \" \"}"] {
            let (_, told) = sent(&client, "POST", "/graphql", body).await;
            told.is("INVALID_QUERY", "", "query");
        }
        for path in ["/graphql", "/graphql?", "/graphql?query=", "/graphql?variables=%7B%7D"] {
            let (_, told) = sent(&client, "GET", path, "").await;
            told.is("INVALID_QUERY", "", "query");
        }
        let (_, told) =
            sent(&client, "GET", "/graphql?query=%7B__typename%7D&variables=x", "").await;
        told.is("INVALID_QUERY", "", "variables");
    });
}

#[test]
fn an_unknown_path_and_a_wrong_method_are_told_in_json() {
    test(async |app| {
        for client in [app.administrator(), app.anonymous()] {
            for path in ["/nothing", "/graphql/", "/graphiql/none.js", "/health", "/..%2f..%2fetc"]
            {
                let (status, told) = sent(&client, "GET", path, "").await;
                assert_eq!(status, 404, "{path}");
                told.is("NOT_FOUND", "", "GraphQL is at /graphql");
            }
            for (method, path) in [
                ("DELETE", "/graphql"),
                ("PUT", "/graphql"),
                ("POST", "/metrics"),
                ("POST", "/health/live"),
                ("DELETE", "/health/ready"),
                ("POST", "/graphiql"),
            ] {
                let (status, told) = sent(&client, method, path, "").await;
                assert_eq!(status, 405, "{method} {path}");
                told.is("METHOD_NOT_ALLOWED", "", &format!("{path} does not take {method}"));
            }
        }
    });
}

#[test]
fn a_link_changes_nothing() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let before = app.facts().await;
        let mutation = "mutation{openCustomer(input:{name:\"Bolt\"}){recordId}}";
        let fragment =
            "query a{__typename} mutation b{openCustomer(input:{name:\"Bolt\"}){recordId}}";
        let encoded =
            |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
        for (query, operation) in [(mutation, ""), (fragment, "&operationName=b")] {
            let path = format!("/graphql?query={}{operation}", encoded(query));
            let (status, told) = sent(&shop.client, "GET", &path, "").await;
            assert_eq!(status, 405);
            told.is("METHOD_NOT_ALLOWED", "", "a mutation takes POST");
        }
        assert_eq!(app.facts().await, before);
        let path = format!("/graphql?query={}", encoded("{organization{slug}}"));
        app.settled().await;
        let (status, _, text) = shop.client.get(&path).await;
        assert_eq!((status, text.as_str()), (200, r#"{"data":{"organization":{"slug":"acme"}}}"#));
    });
}

#[test]
fn a_subscription_over_plain_http_says_what_it_takes() {
    test(async |app| {
        let body = json!({ "query": "subscription { ordersChanged { kind } }" }).to_string();
        let (status, told) = sent(&app.administrator(), "POST", "/graphql", body).await;
        assert_eq!(status, 400);
        told.is("INVALID_QUERY", "", "text/event-stream");
    });
}
