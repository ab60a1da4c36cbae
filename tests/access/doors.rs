//! Claims about every route: those that carry data take a token, the others carry none.

use futures_util::StreamExt;
use harness::{Client, Shop, Socket, TestApp, test};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

/// A secret of somebody's, to be looked for where it must not be.
const SECRET: &str = "Bolt & Co of Winterthur";

const QUERY: &str = "{ orders { nodes { customerName } } creditNotes { nodes { customerName } } }";

const POST: &str =
    "mutation { postCreditNote(input: { customerId: \"\", lines: [] }) { recordId } }";

/// What a stranger might carry.
fn strangers(app: &TestApp) -> Vec<Client> {
    let with = |value: &str| app.anonymous().with("authorization", value);
    vec![
        app.anonymous(),
        with("Bearer wrong"),
        with("Bearer "),
        with("Bearer"),
        with("Bearer the-administrato"),
        with("Bearer the-administrator2"),
        with("Bearer THE-ADMINISTRATOR"),
        with("the-administrator"),
        with("Token the-administrator"),
        // `admin:the-administrator`, and the token alone.
        with("Basic YWRtaW46dGhlLWFkbWluaXN0cmF0b3I="),
        with("Basic the-administrator"),
        app.anonymous().with("cookie", "token=the-administrator"),
    ]
}

async fn secret(app: &TestApp) {
    let shop = Shop::open(&app.administrator(), "acme").await;
    let customer = shop.customer(SECRET, json!(null)).await;
    let product = shop.product("SKU-of-acme", "2.50", 10).await;
    shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
    shop.run("postCreditNote", Shop::order(&customer, &product, "1")).await;
    app.settled().await;
    let shown = shop.client.ask(QUERY, json!({})).await;
    assert_eq!(shown["orders"]["nodes"][0]["customerName"], SECRET);
    assert_eq!(shown["creditNotes"]["nodes"][0]["customerName"], SECRET);
}

#[test]
fn what_carries_data_takes_a_token() {
    test(async |app| {
        secret(app).await;
        let body = |query: &str| json!({ "query": query }).to_string();
        let link = "/graphql?query=%7Borders%7Bnodes%7BcustomerName%7D%7D%7D";
        let subscription = body("subscription { ordersChanged { order { customerName } } }");
        let schema = body("{ __schema { types { name } } }");
        let json = ("content-type", "application/json");
        let events = ("accept", "text/event-stream");
        let doors = [
            ("POST", "/graphql", vec![json], body(QUERY)),
            ("POST", "/graphql", vec![json], schema),
            ("POST", "/graphql", vec![json], "not even JSON".to_owned()),
            ("POST", "/graphql", vec![json], body("mutation { x }")),
            ("POST", "/graphql", vec![json], body(POST)),
            ("POST", "/graphql", vec![json, events], subscription),
            ("POST", "/graphql", vec![json, events], body(QUERY)),
            ("GET", link, vec![], String::new()),
            ("GET", link, vec![events], String::new()),
            (
                "GET",
                "/graphql?token=the-administrator&query=%7B__typename%7D",
                vec![],
                String::new(),
            ),
            ("GET", "/metrics", vec![], String::new()),
            ("GET", "/metrics?token=the-administrator", vec![], String::new()),
        ];
        for client in strangers(app) {
            for (method, path, headers, body) in &doors {
                let answer = client.send(method, path, headers, body.clone().into_bytes()).await;
                let (status, answered, text) = answer;
                let what = format!("{method} {path} with {:?}: {text}", client.headers);
                assert_eq!(status, 401, "{what}");
                assert_eq!(answered["www-authenticate"], "Bearer", "{what}");
                let told: Value = serde_json::from_str(&text).unwrap_or_default();
                let error = &told["errors"][0];
                assert_eq!(error["extensions"]["code"], "UNAUTHENTICATED", "{what}");
                assert!(error["message"].as_str().unwrap_or_default().contains("oken"), "{what}");
                assert!(!text.contains(SECRET) && !text.contains("the-administrator"), "{what}");
            }
        }
    });
}

#[test]
fn a_token_opens_every_door() {
    test(async |app| {
        secret(app).await;
        let client = app.administrator();
        let (status, _, text) = client.get("/metrics").await;
        assert_eq!(status, 200);
        assert!(text.contains("millrace_log_head_position"), "{text}");
        assert!(!text.contains(SECRET), "metrics tell of volumes, not of anybody");
        let lower = app.anonymous().with("authorization", "bearer the-administrator");
        let (status, _, _) = lower.post(QUERY, json!({})).await;
        assert_eq!(status, 200, "a scheme's name has no case (RFC 9110)");
        let mut answers = std::pin::pin!(client.subscribe(QUERY, json!({})).await);
        let answer = answers.next().await.unwrap_or_default();
        assert_eq!(answer["data"]["orders"]["nodes"][0]["customerName"], SECRET);
    });
}

#[test]
fn a_websocket_tells_nothing_before_it_knows_who_calls() {
    test(async |app| {
        secret(app).await;
        let protocol = Some("graphql-transport-ws");
        let payloads = [
            json!({}),
            json!({ "Authorization": "Bearer wrong" }),
            json!({ "Authorization": "Basic YWRtaW46dGhlLWFkbWluaXN0cmF0b3I=" }),
            json!({ "token": "the-administrator" }),
            json!({ "Authorization": ["Bearer the-administrator"] }),
            json!(null),
        ];
        for payload in payloads {
            let mut socket = Socket::open(&app.url, protocol, &[]).await.expect("a WebSocket");
            socket.send(json!({ "type": "connection_init", "payload": payload })).await;
            socket.subscribe("1", QUERY, json!({})).await;
            let (code, reason) = socket.closing().await;
            assert_eq!(code, 4403, "{payload}: {reason}");
            assert!(reason.contains("oken") || reason.contains("Bearer"), "{payload}: {reason}");
        }
        // Nor without `connection_init` at all, be the token in the handshake.
        let token = [("authorization", "Bearer the-administrator")];
        for headers in [&[][..], &token[..]] {
            let mut socket = Socket::open(&app.url, protocol, headers).await.expect("a WebSocket");
            socket.subscribe("1", QUERY, json!({})).await;
            let (code, reason) = socket.closing().await;
            assert_eq!(code, 4401, "{reason}");
        }
        // A wrong one in the handshake is not made right by nothing.
        let wrong = [("authorization", "Bearer wrong")];
        let mut socket = Socket::open(&app.url, protocol, &wrong).await.expect("a WebSocket");
        socket.send(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.closing().await.0, 4403);
    });
}

#[test]
fn a_websocket_offers_the_protocol() {
    test(async |app| {
        for protocol in [None, Some("graphql-ws"), Some("mqtt"), Some("graphql-transport-ws2")] {
            match Socket::open(&app.url, protocol, &[]).await {
                Err(Error::Http(response)) => {
                    assert_eq!(response.status(), 400, "{protocol:?}");
                    let body = response.body().clone().unwrap_or_default();
                    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
                    let error = &told["errors"][0];
                    assert_eq!(error["extensions"]["code"], "INVALID_QUERY");
                    let message = error["message"].as_str().unwrap_or_default();
                    assert!(message.contains("graphql-transport-ws"), "{message}");
                }
                other => panic!("{protocol:?} is taken: {:?}", other.err()),
            }
        }
    });
}

#[test]
fn what_is_public_carries_no_data() {
    test(async |app| {
        secret(app).await;
        let stranger = app.anonymous();
        for path in [
            "/health/live",
            "/health/ready",
            "/graphiql",
            "/graphiql/graphiql.js",
            "/graphiql/examples.js",
            "/graphiql/graphiql.min.js",
            "/graphiql/graphiql.min.css",
            "/graphiql/react.production.min.js",
            "/graphiql/react-dom.production.min.js",
            "/live",
            "/live/live.js",
            "/live/live.css",
        ] {
            let (status, headers, text) = stranger.get(path).await;
            assert_eq!(status, 200, "{path}");
            assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
            for told in [SECRET, "the-administrator", "acme", "SKU-of-acme"] {
                assert!(!text.contains(told), "{path} tells `{told}`");
            }
            let (_, _, known) = app.administrator().get(path).await;
            assert_eq!(text, known, "{path} is the same for everybody");
        }
        let (_, _, ready) = stranger.get("/health/ready").await;
        let ready: Value = serde_json::from_str(&ready).unwrap_or_default();
        let expected = json!({
            "status": "ready", "database": "up", "stoppedReadModels": [], "stopping": false,
        });
        assert_eq!(ready, expected);
    });
}
