//! Claims about one WebSocket: how it begins, what it brings, how it ends.

use std::time::Duration;

use gateway::config::Config;
use harness::socket::Heard;
use harness::{Shop, Socket, test, test_with};
use serde_json::json;

use super::{ALL, administrator, shop, subscribed};

#[test]
fn a_subscriber_hears_of_each_change_as_it_is_then() {
    test(async |app| {
        let (shop, customer, product) = shop(app).await;
        let mut socket = subscribed(app, ALL, json!({})).await;
        let order = shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        let placed = json!({ "id": order["id"], "status": "PLACED", "version": 1 });
        assert_eq!(socket.data("1").await["ordersChanged"]["order"], placed);
        shop.run("cancelOrder", json!({ "orderId": order["id"], "reason": "r" })).await;
        let cancelled = json!({ "id": order["id"], "status": "CANCELLED", "version": 2 });
        assert_eq!(socket.data("1").await["ordersChanged"]["order"], cancelled);
        assert!(socket.is_silent(Duration::from_millis(300)).await);
    });
}

#[test]
fn filters_narrow_what_is_heard() {
    test(async |app| {
        let (shop, bolt, product) = shop(app).await;
        let nut = shop.customer("Nut AG", json!(null)).await;
        let query =
            "subscription($f: OrdersFilter) { ordersChanged(filter: $f) { order { id status } } }";
        let mut of_nut =
            subscribed(app, query, json!({ "f": { "customerId": { "eq": nut } } })).await;
        let mut off =
            subscribed(app, query, json!({ "f": { "status": { "eq": "CANCELLED" } } })).await;
        let by_bolt = shop.run("placeOrder", Shop::order(&bolt, &product, "1")).await;
        let by_nut = shop.run("placeOrder", Shop::order(&nut, &product, "1")).await;
        shop.run("cancelOrder", json!({ "orderId": by_bolt["id"], "reason": "r" })).await;
        let placed = json!({ "id": by_nut["id"], "status": "PLACED" });
        assert_eq!(of_nut.data("1").await["ordersChanged"]["order"], placed);
        let cancelled = json!({ "id": by_bolt["id"], "status": "CANCELLED" });
        assert_eq!(off.data("1").await["ordersChanged"]["order"], cancelled);
        assert!(of_nut.is_silent(Duration::from_millis(300)).await);
        assert!(off.is_silent(Duration::from_millis(300)).await);
    });
}

#[test]
fn a_filter_that_is_none_is_told_as_an_error_and_the_socket_lives_on() {
    test(async |app| {
        let (shop, customer, product) = shop(app).await;
        let mut socket = subscribed(app, ALL, json!({})).await;
        for (query, code) in [
            (
                "subscription { ordersChanged(filter: { customerId: { eq: \"x\" } }) { kind } }",
                "INVALID_INPUT",
            ),
            ("subscription { nothingChanged { id } }", "INVALID_QUERY"),
            ("subscription {", "INVALID_QUERY"),
        ] {
            socket.subscribe("2", query, json!({})).await;
            let message = socket.message().await;
            assert_eq!(message["id"], "2", "{message}");
            let errors = match message["type"].as_str() {
                Some("error") => &message["payload"],
                _ => &message["payload"]["errors"],
            };
            assert_eq!(errors[0]["extensions"]["code"], code, "{message}");
            if message["type"] == "next" {
                assert_eq!(socket.message().await, json!({ "type": "complete", "id": "2" }));
            }
        }
        let order = shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        assert_eq!(socket.data("1").await["ordersChanged"]["order"]["id"], order["id"]);
    });
}

#[test]
fn what_a_subscriber_is_told_can_be_read_at_once() {
    test(async |app| {
        let (shop, customer, product) = shop(app).await;
        let query =
            "subscription { ordersChanged { order { id lines { sku } customer { name } } } }";
        let mut socket = subscribed(app, query, json!({})).await;
        let read = "query($id: ID!) { order(id: $id) { id status lines { sku } } \
            orders(first: 1) { nodes { id } } }";
        for round in 0..50 {
            app.clock.advance(chrono::Duration::seconds(1));
            let order = Shop::order(&customer, &product, "1");
            let placing = shop.run("placeOrder", order);
            // Heard before the answer to whoever placed it, perhaps: read without a position.
            let hearing = async {
                let heard = socket.data("1").await["ordersChanged"]["order"].clone();
                let shown = shop.client.ask(read, json!({ "id": heard["id"] })).await;
                assert_eq!(shown["order"]["id"], heard["id"], "round {round}");
                assert_eq!(shown["orders"]["nodes"][0]["id"], heard["id"], "round {round}");
                assert_eq!(heard["lines"], json!([{ "sku": "A-1" }]));
                assert_eq!(heard["customer"]["name"], "Bolt & Co");
            };
            tokio::join!(placing, hearing);
        }
    });
}

#[test]
fn queries_and_mutations_work_over_a_socket_too() {
    test(async |app| {
        let (_, customer, product) = shop(app).await;
        let mut socket = Socket::ready(&app.url, administrator()).await;
        let place = harness::shop::mutation_of("placeOrder");
        let input = json!({ "input": Shop::order(&customer, &product, "1") });
        socket.subscribe("place", &place, input).await;
        let placed = socket.data("place").await["placeOrder"].clone();
        assert_eq!(socket.message().await, json!({ "type": "complete", "id": "place" }));
        let read = "query($id: ID!, $at: String) { order(id: $id, atLeast: $at) { id } }";
        let variables = json!({ "id": placed["id"], "at": placed["position"] });
        socket.subscribe("read", read, variables).await;
        assert_eq!(socket.data("read").await["order"]["id"], placed["id"]);
    });
}

#[test]
fn whoever_completes_a_subscription_hears_no_more_of_it() {
    test(async |app| {
        let (shop, customer, product) = shop(app).await;
        let mut socket = subscribed(app, ALL, json!({})).await;
        socket.subscribe("2", ALL, json!({})).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        socket.send(json!({ "type": "complete", "id": "1" })).await;
        let order = shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        assert_eq!(socket.data("2").await["ordersChanged"]["order"]["id"], order["id"]);
        assert!(socket.is_silent(Duration::from_millis(500)).await);
        // The id is free again.
        socket.subscribe("1", ALL, json!({})).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        let mut heard =
            [socket.message().await["id"].clone(), socket.message().await["id"].clone()];
        heard.sort_by_key(ToString::to_string);
        assert_eq!(heard, [json!("1"), json!("2")]);
    });
}

#[test]
fn a_socket_that_does_not_say_who_it_is_in_time_is_closed() {
    let mut config = Config::default();
    config.server.connection_init_wait_max_ms = 300;
    test_with(config, async |app| {
        let protocol = Some("graphql-transport-ws");
        let mut silent = Socket::open(&app.url, protocol, &[]).await.expect("a WebSocket");
        let mut known = Socket::ready(&app.url, administrator()).await;
        let started = std::time::Instant::now();
        let (code, reason) = silent.closing().await;
        assert_eq!((code, reason.as_str()), (4408, "Connection initialisation timeout"));
        assert!(started.elapsed() < Duration::from_secs(3));
        assert!(known.is_silent(Duration::from_millis(600)).await, "it said so in time");
    });
}

#[test]
fn a_second_connection_init_and_what_is_no_message_close_the_socket() {
    test(async |app| {
        let mut twice = Socket::ready(&app.url, administrator()).await;
        twice.send(json!({ "type": "connection_init", "payload": administrator() })).await;
        assert_eq!(twice.closing().await.0, 4429);
        for text in ["", "{", "[]", "17", "{\"type\":\"nonsense\"}", "{\"type\":\"subscribe\"}"] {
            let mut socket = Socket::ready(&app.url, administrator()).await;
            socket.text(text).await;
            let (code, reason) = socket.closing().await;
            assert_eq!(code, 4400, "{text}: {reason}");
        }
    });
}

#[test]
fn a_clean_stop_closes_sockets_as_going_away() {
    test(async |app| {
        let mut sockets = Vec::new();
        for _ in 0..10 {
            sockets.push(Socket::ready(&app.url, administrator()).await);
        }
        sockets[0].subscribe("1", ALL, json!({})).await;
        app.stop.cancel();
        for socket in &mut sockets {
            let heard = socket.heard().await;
            let told = matches!(&heard, Heard::Closed(1001, reason) if reason == "Going away");
            assert!(told, "{heard:?}");
        }
    });
}
