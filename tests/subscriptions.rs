//! Claims about subscriptions, over WebSocket and Server-Sent Events: everybody hears of every
//! change that is theirs, once, in order, when it can be read; and it ends politely.

mod connections;
mod crowds;
mod events;
mod faults;
mod limits;
mod lists;
mod operations;
mod throng;
mod trade;

use std::time::Duration;

use harness::{Shop, Socket, TestApp};
use serde_json::{Value, json};

/// What opens a WebSocket for the administrator.
fn administrator() -> Value {
    json!({ "Authorization": "Bearer the-administrator", "Millrace-Organization": "acme" })
}

const ALL: &str = "subscription { ordersChanged { order { id status version } } }";

/// A shop with a customer and a product.
async fn shop(app: &TestApp) -> (Shop, String, String) {
    let shop = Shop::open(&app.administrator(), "acme").await;
    let customer = shop.customer("Bolt & Co", json!(null)).await;
    let product = shop.product("A-1", "2.50", 10_000).await;
    app.settled().await;
    (shop, customer, product)
}

/// A socket that hears of every order from now on: it has heard of one that was placed for it.
async fn subscribed(app: &TestApp, query: &str, variables: Value) -> Socket {
    let mut socket = Socket::ready(&app.url, administrator()).await;
    socket.subscribe("1", query, variables).await;
    // The protocol does not acknowledge a subscription: its `ping` is answered behind it.
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.message().await, json!({ "type": "pong" }));
    tokio::time::sleep(Duration::from_millis(200)).await;
    socket
}
