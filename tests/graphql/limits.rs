//! Claims about limits of a document: what just fits is answered, what is one too much is refused
//! with a code of its own, whichever way it came in.

use std::fmt::Write;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use gateway::config::Config;
use harness::{Client, Shop, Socket, TestApp, test, test_with};
use serde_json::json;

/// A document that fits, and one that does not: its code, and a telling part of the message.
async fn fits_and_not(client: &Client, fits: &str, refused: &str, code: &str, telling: &str) {
    client.ask(fits, json!({})).await;
    let (told, message) = client.refused(refused, json!({})).await;
    assert_eq!(told, code, "{refused}: {message}");
    assert!(message.contains(telling), "`{telling}` is not in {message}");
}

async fn client(app: &TestApp) -> Client {
    let shop = Shop::open(&app.administrator(), "acme").await;
    app.settled().await;
    shop.client
}

#[test]
fn a_document_may_rename_so_many_fields_and_no_more() {
    let mut config = Config::default();
    config.graphql.aliases_max = 3;
    test_with(config, async |app| {
        let client = client(app).await;
        let fits = "{ a: organization { b: slug ...f } } fragment f on Organization { c: name }";
        let refused = "{ a: organization { b: slug d: name ...f } } \
            fragment f on Organization { c: name }";
        let telling = "4 aliases; at most 3 are allowed (`graphql.aliases_max`)";
        fits_and_not(&client, fits, refused, "TOO_MANY_ALIASES", telling).await;
    });
}

#[test]
fn an_operation_may_begin_with_so_many_fields_and_no_more() {
    let mut config = Config::default();
    config.graphql.root_fields_max = 3;
    test_with(config, async |app| {
        let client = client(app).await;
        let fits = "{ organization { slug } ...f ...f } \
            fragment f on Query { warehouses { nodes { id } } ... { orders { nodes { id } } } }";
        let refused = "{ organization { slug } ...f __typename } \
            fragment f on Query { warehouses { nodes { id } } ... { orders { nodes { id } } } }";
        let telling = "4 fields at the top of an operation; at most 3";
        fits_and_not(&client, fits, refused, "TOO_MANY_ROOT_FIELDS", telling).await;
    });
}

#[test]
fn a_document_may_have_so_many_directives_and_no_more() {
    let mut config = Config::default();
    config.graphql.directives_max = 2;
    test_with(config, async |app| {
        let client = client(app).await;
        let fits = "{ organization { slug @skip(if: true) name @include(if: true) } }";
        let refused = "{ organization { slug @skip(if: true) name @include(if: true) \
            ... @include(if: true) { id } } }";
        let telling = "3 directives; at most 2";
        fits_and_not(&client, fits, refused, "TOO_MANY_DIRECTIVES", telling).await;
    });
}

#[test]
fn a_document_may_come_to_so_many_selections_and_no_more() {
    let mut config = Config::default();
    config.graphql.selections_max = 8;
    test_with(config, async |app| {
        let client = client(app).await;
        // Each `...f` stands for itself and two fields.
        let (two, three) = ("...f ...f", "...f ...f ...f");
        let of = |spreads: &str| {
            format!(
                "{{ organization {{ id {spreads} }} }} \
                 fragment f on Organization {{ slug name }}"
            )
        };
        let telling = "11 selections";
        fits_and_not(&client, &of(two), &of(three), "QUERY_TOO_COMPLEX", telling).await;
    });
}

/// Fragments that each name the next one twice: 2^40 fields in two kilobytes.
fn doubling() -> String {
    let mut query = "query a { organization { ...f0 } } ".to_owned();
    for n in 0..40 {
        let next = n + 1;
        write!(query, "fragment f{n} on Organization {{ ...f{next} ...f{next} }} ").expect("text");
    }
    query + "fragment f40 on Organization { slug }"
}

#[test]
fn fragments_that_double_each_other_are_refused_at_once() {
    test(async |app| {
        let client = client(app).await;
        let started = Instant::now();
        let (code, message) = client.refused(&doubling(), json!({})).await;
        assert_eq!(code, "QUERY_TOO_COMPLEX", "{message}");
        let itself = "{ organization { ...f } } fragment f on Organization { ...f ...f }";
        assert_eq!(client.refused(itself, json!({})).await.0, "QUERY_TOO_DEEP");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    });
}

#[test]
fn the_limits_hold_for_subscriptions_whichever_way_they_come() {
    let mut config = Config::default();
    config.graphql.aliases_max = 1;
    test_with(config, async |app| {
        let client = client(app).await;
        let query = "subscription { ordersChanged { a: kind b: cursor } }";
        let mut answers = pin!(client.subscribe(query, json!({})).await);
        let answer = answers.next().await.expect("an answer");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "TOO_MANY_ALIASES", "{answer}");
        let payload = json!({ "Authorization": "Bearer the-administrator" });
        let mut socket = Socket::ready(&app.url, payload).await;
        socket.subscribe("1", query, json!({})).await;
        let message = socket.message().await.to_string();
        assert!(message.contains("TOO_MANY_ALIASES"), "{message}");
    });
}

#[test]
fn several_requests_in_a_list_are_refused() {
    test(async |app| {
        let client = client(app).await;
        for body in [
            json!([{ "query": "{ __typename }" }, { "query": "{ __typename }" }]),
            json!([]),
            // The fields of a request by their places.
            json!(["{ __typename }", null, {}, {}]),
        ] {
            let body = format!(" \n{body}").into_bytes();
            let json = ("content-type", "application/json");
            let (status, _, text) = client.send("POST", "/graphql", &[json], body).await;
            assert_eq!(status, 400, "{text}");
            assert!(text.contains("INVALID_QUERY"), "{text}");
            assert!(text.contains("requests come one by one"), "{text}");
        }
    });
}

#[test]
fn the_schema_is_told_unless_that_is_switched_off() {
    let asking = [
        "{ __schema { queryType { name } } }",
        "{ organization { slug } ...f } \
         fragment f on Query { a: __type(name: \"Order\") { name } }",
    ];
    test(async |app| {
        let client = client(app).await;
        for query in asking {
            client.ask(query, json!({})).await;
        }
    });
    let mut config = Config::default();
    config.graphql.introspection = false;
    test_with(config, async |app| {
        let client = client(app).await;
        for query in asking {
            let (code, message) = client.refused(query, json!({})).await;
            assert_eq!(code, "INTROSPECTION_DISABLED", "{query}: {message}");
        }
        let shown = client.ask("{ __typename organization { __typename } }", json!({})).await;
        let expected =
            json!({ "__typename": "Query", "organization": { "__typename": "Organization" } });
        assert_eq!(shown, expected);
        assert_eq!(client.get("/graphiql").await.0, 200, "the page is there all the same");
    });
}

#[test]
fn introspection_does_not_go_round_in_circles() {
    test(async |app| {
        let client = client(app).await;
        let of = |inner: &str| {
            format!(
                "{{ __schema {{ queryType {{ fields {{ type {{ ofType {{ {inner} }} }} }} }} }} }} \
                 fragment f on __Type {{ fields {{ name type {{ name }} }} }}"
            )
        };
        let refused = of("...f fields { type { ...f } }");
        let telling = "at most two such lists may stand in each other";
        fits_and_not(&client, &of("...f"), &refused, "QUERY_TOO_DEEP", telling).await;
    });
}
