//! Claims about many subscribers: each hears everything once and in order, however slow others are,
//! and there is a limit.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gateway::config::Config;
use harness::{Shop, Socket, test, test_with};
use serde_json::{Value, json};

use super::{ALL, administrator, shop, subscribed};

#[test]
fn fifty_subscribers_hear_of_twenty_orders_each_once_and_in_order() {
    test(async |app| {
        let (shop, customer, product) = shop(app).await;
        let mut sockets = join_all((0..50).map(|_| subscribed(app, ALL, json!({})))).await;
        let orders = join_all(
            (0..20).map(|_| shop.run("placeOrder", Shop::order(&customer, &product, "1"))),
        );
        let mut orders = orders.await;
        let at = |order: &Value| {
            let text = order["position"].as_str().unwrap_or_default().to_owned();
            gateway::position::decode("position", &text).expect("a position").0
        };
        orders.sort_by_key(at);
        let expected: Vec<Value> = orders.iter().map(|order| order["id"].clone()).collect();
        let hearing = sockets.iter_mut().map(async |socket| {
            let mut heard = Vec::new();
            for _ in 0..20 {
                heard.push(socket.data("1").await["ordersChanged"]["order"]["id"].clone());
            }
            assert!(socket.is_silent(Duration::from_millis(500)).await);
            heard
        });
        for heard in join_all(hearing).await {
            assert_eq!(heard, expected);
        }
    });
}

#[test]
fn a_subscriber_who_does_not_read_stalls_nobody() {
    test(async |app| {
        let (shop, customer, product) = shop(app).await;
        // Much is told with each order, so that what is not read fills every buffer on the way.
        let wide: String = (0..200)
            .map(|n| format!("a{n}: lines {{ productId sku name unit warehouseId quantity }} "))
            .collect();
        let query = format!("subscription {{ ordersChanged {{ order {{ id {wide} }} }} }}");
        let mut slow = subscribed(app, &query, json!({})).await;
        let mut quick = subscribed(app, ALL, json!({})).await;
        let started = Instant::now();
        for round in 0..100 {
            let order = shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
            let heard = quick.data("1").await;
            assert_eq!(heard["ordersChanged"]["order"]["id"], order["id"], "round {round}");
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
        // Once it reads, it has missed none.
        for _ in 0..100 {
            slow.data("1").await;
        }
    });
}

#[test]
fn more_subscriptions_than_allowed_are_told_busy_and_a_place_becomes_free_again() {
    let mut config = Config::default();
    config.live.subscriptions_max = 3;
    test_with(config, async |app| {
        let (shop, customer, product) = shop(app).await;
        let mut socket = Socket::ready(&app.url, administrator()).await;
        let mut other = Socket::ready(&app.url, administrator()).await;
        for id in ["1", "2", "3"] {
            socket.subscribe(id, ALL, json!({})).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.subscribe("4", ALL, json!({})).await;
        let message = other.message().await;
        let errors = match message["type"].as_str() {
            Some("error") => message["payload"].clone(),
            _ => message["payload"]["errors"].clone(),
        };
        assert_eq!(errors[0]["extensions"]["code"], "BUSY", "{message}");
        assert_eq!(errors[0]["extensions"]["retryAfter"], 1, "{message}");
        if message["type"] == "next" {
            assert_eq!(other.message().await, json!({ "type": "complete", "id": "4" }));
        }
        socket.send(json!({ "type": "complete", "id": "2" })).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.subscribe("5", ALL, json!({})).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let order = shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        assert_eq!(other.data("5").await["ordersChanged"]["order"]["id"], order["id"]);
        // A socket that goes takes its places with it.
        drop(socket);
        tokio::time::sleep(Duration::from_millis(300)).await;
        for id in ["6", "7"] {
            other.subscribe(id, ALL, json!({})).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        for _ in 0..3 {
            let message = other.message().await;
            assert_eq!(message["type"], "next", "{message}");
            assert!(message["payload"].get("errors").is_none(), "{message}");
        }
    });
}

#[test]
fn a_sudden_end_of_a_subscriber_is_noticed_by_nobody() {
    test(async |app| {
        let (shop, customer, product) = shop(app).await;
        let mut stays = subscribed(app, ALL, json!({})).await;
        for _ in 0..20 {
            drop(subscribed(app, ALL, json!({})).await);
            let order = shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
            assert_eq!(stays.data("1").await["ordersChanged"]["order"]["id"], order["id"]);
        }
        assert_eq!(
            app.parts.reader.watermarks().all().filter(|(_, m)| m.stopped.is_some()).count(),
            0
        );
    });
}
