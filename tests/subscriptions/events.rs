//! Claims about Server-Sent Events: `next` for each answer, then `complete` (graphql-sse, distinct
//! connections).

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use harness::{Shop, TestApp, test};
use serde_json::{Value, json};

use super::{ALL, shop};

/// The events of a subscription as they come: name and data.
async fn events(app: &TestApp, query: &str) -> impl Stream<Item = (String, String)> {
    let client = app.administrator().within("acme");
    let request = reqwest::Client::new().post(format!("{}/graphql", client.url));
    let request = request.headers(client.headers.clone()).header("accept", "text/event-stream");
    let response = request.json(&json!({ "query": query })).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    response.bytes_stream().flat_map(move |bytes| {
        text.push_str(&String::from_utf8_lossy(&bytes.expect("bytes until the end")));
        let mut events = Vec::new();
        while let Some(end) = text.find("\n\n") {
            let event: String = text.drain(..end + 2).collect();
            let line = |name: &str| {
                let found = event.lines().find_map(|line| line.strip_prefix(name));
                found.map(|found| found.trim().to_owned())
            };
            let name = line("event:");
            events.extend(name.map(|name| (name, line("data:").unwrap_or_default())));
        }
        futures_util::stream::iter(events)
    })
}

async fn next(events: &mut (impl Stream<Item = (String, String)> + Unpin)) -> (String, Value) {
    let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
    let (name, data) = event.expect("an event in time").expect("an event");
    (name, serde_json::from_str(&data).unwrap_or_default())
}

#[test]
fn changes_come_as_next_and_a_stop_is_no_complete() {
    test(async |app| {
        let (shop, customer, product) = shop(app).await;
        let mut events = std::pin::pin!(events(app, ALL).await);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let order = shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        shop.run("cancelOrder", json!({ "orderId": order["id"], "reason": "r" })).await;
        let mut statuses = Vec::new();
        while statuses.last() != Some(&json!("CANCELLED")) {
            let (name, answer) = next(&mut events).await;
            assert_eq!(name, "next");
            assert_eq!(answer["data"]["ordersChanged"]["order"]["id"], order["id"]);
            statuses.push(answer["data"]["ordersChanged"]["order"]["status"].clone());
        }
        app.stop.cancel();
        let over = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
        assert_eq!(over.expect("an end in time"), None, "who is to come again is not done");
    });
}

#[test]
fn a_query_is_one_next_and_complete() {
    test(async |app| {
        shop(app).await;
        let mut events = std::pin::pin!(events(app, "{ organization { slug } }").await);
        let (name, answer) = next(&mut events).await;
        assert_eq!(
            (name.as_str(), &answer["data"]["organization"]["slug"]),
            ("next", &json!("acme"))
        );
        assert_eq!(next(&mut events).await.0, "complete");
        assert_eq!(events.next().await, None);
    });
}

#[test]
fn an_error_is_a_next_too() {
    test(async |app| {
        shop(app).await;
        for (query, code) in [
            (
                "subscription { ordersChanged(filter: { customerId: { eq: \"x\" } }) { kind } }",
                "INVALID_INPUT",
            ),
            ("subscription { nothing }", "INVALID_QUERY"),
        ] {
            let mut events = std::pin::pin!(events(app, query).await);
            let (name, answer) = next(&mut events).await;
            assert_eq!(name, "next");
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
            assert_eq!(next(&mut events).await.0, "complete");
        }
    });
}
