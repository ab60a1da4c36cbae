//! Claims about being full, through the front door: told at once, with when to try again, and
//! nothing has happened.

use std::time::{Duration, Instant};

use axum::response::IntoResponse;
use futures_util::future::join_all;
use gateway::config::Config;
use gateway::error::{ApiError, Code, Fault};
use harness::{Client, Shop, TestApp, test_with};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::log::{held, queued};

const RECEIVE: &str =
    "mutation($input: ReceiveStockInput!) { receiveStock(input: $input) { recordId } }";

fn one(product: &str) -> Value {
    json!({ "input": { "productId": product, "quantity": "1" } })
}

/// Gives a command without waiting for its answer, and lets it come in.
async fn give(client: &Client, product: &str) -> JoinHandle<Value> {
    let (client, variables) = (client.clone(), one(product));
    let given = tokio::spawn(async move { client.ask(RECEIVE, variables).await });
    tokio::time::sleep(Duration::from_millis(80)).await;
    given
}

/// So many commands under way, and what the next one is told at once.
async fn one_more(app: &TestApp, under_way: usize) -> (u16, Option<String>, Value) {
    let shop = Shop::open(&app.administrator(), "acme").await;
    let product = shop.product("A-1", "2.50", 1).await;
    let before = app.facts().await;
    let (told, given) = held(app, async {
        let mut given = Vec::new();
        for _ in 0..under_way {
            given.push(give(&shop.client, &product).await);
        }
        queued(app, 1).await;
        let started = Instant::now();
        let (status, headers, body) = shop.client.post(RECEIVE, one(&product)).await;
        assert!(started.elapsed() < Duration::from_secs(2), "at once");
        for path in ["/health/live", "/health/ready", "/metrics"] {
            assert_eq!(shop.client.get(path).await.0, 200, "{path} answers when it is busy");
        }
        let after = headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        ((status, after, body), given)
    })
    .await;
    for done in join_all(given).await {
        done.expect("those under way are done");
    }
    assert_eq!(app.facts().await, before + under_way as i64, "what was told busy did not happen");
    shop.run("receiveStock", one(&product)["input"].clone()).await;
    told
}

#[test]
fn a_command_that_finds_the_executor_full_is_told_so_in_graphql() {
    let mut config = Config::default();
    config.executor.queue_commands_max = 3;
    test_with(config, async |app| {
        let (status, _, body) = one_more(app, 3).await;
        assert_eq!(status, 200, "GraphQL was answered: {body}");
        let error = &body["errors"][0];
        assert_eq!(error["extensions"]["code"], "BUSY", "{body}");
        assert_eq!(error["extensions"]["retryAfter"], 1, "{body}");
        assert_eq!(error["path"], json!(["receiveStock"]), "{body}");
    });
}

/// Each command is a round of its own: one is being written, one waits.
#[test]
fn a_command_that_finds_the_log_full_is_told_so_in_graphql() {
    let mut config = Config::default();
    config.executor.round_commands_max = 1;
    config.executor.rounds_in_flight_max = 9;
    config.log.queue_appends_max = 1;
    config.log.batches_in_flight_max = 1;
    test_with(config, async |app| {
        let (status, _, body) = one_more(app, 2).await;
        assert_eq!(status, 200, "GraphQL was answered: {body}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "BUSY", "{body}");
        assert_eq!(body["errors"][0]["extensions"]["retryAfter"], 1, "{body}");
    });
}

#[test]
fn a_request_too_many_is_refused_before_anything_is_done_for_it() {
    let mut config = Config::default();
    config.server.requests_max = 2;
    test_with(config, async |app| {
        let (status, retry_after, body) = one_more(app, 2).await;
        assert_eq!((status, retry_after.as_deref()), (503, Some("1")), "{body}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "BUSY", "{body}");
        assert_eq!(body["errors"][0]["extensions"]["retryAfter"], 1, "{body}");
        assert!(body.get("data").is_none(), "{body}");
    });
}

/// In both of their shapes.
#[test]
fn whatever_passes_by_itself_says_when_to_try_again_and_nothing_else_does() {
    for &code in Code::ALL {
        let error = ApiError::new(code, "…");
        let passes = code.fault() == Fault::Passing;
        let told = error.extensions().get("retryAfter").and_then(Value::as_u64);
        let response = error.into_response();
        let header = response.headers().get("retry-after");
        let header = header.map(|value| value.to_str().unwrap().parse::<u64>().unwrap());
        assert_eq!(told, passes.then_some(1), "{code:?}");
        assert_eq!(header, told, "{code:?}");
        let status = response.status().as_u16();
        assert!(passes || ![429, 503].contains(&status), "{code:?} has status {status}");
    }
}
