//! Claims about those who are too much: who take nothing, who ask for too many, who are too slow.
//! They are told, and nobody else notices.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use gateway::config::Config;
use harness::socket::Heard;
use harness::{Shop, Socket, test_with};
use queries::filter::Filter;
use queries::live::Kind;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

use super::{ALL, administrator, shop};
use crate::lists::organization;

/// More than every buffer on the way to somebody who does not read takes of them.
const ORDERS: usize = 40;

#[test]
fn whoever_takes_nothing_is_closed_with_a_reason_and_nobody_else_notices() {
    let mut config = Config::default();
    config.live.stalled_wait_max_ms = 1_500;
    test_with(config, async |app| {
        let (shop, customer, product) = shop(app).await;
        let wide: String = (0..30)
            .map(|n| format!("a{n}: lines {{ productId sku name unit warehouseId quantity }} "))
            .collect();
        let query = format!("subscription {{ ordersChanged {{ order {{ {wide} }} }} }}");
        let mut slow = Socket::narrow(&app.url, administrator()).await;
        slow.subscribe("1", &query, json!({})).await;
        let mut quick = Socket::ready(&app.url, administrator()).await;
        quick.subscribe("1", ALL, json!({})).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let line = json!({ "productId": product, "quantity": "1" });
        let order = json!({ "customerId": customer, "lines": vec![line; 30] });
        for _ in 0..ORDERS {
            let placed = shop.run("placeOrder", order.clone()).await;
            let heard = quick.data("1").await;
            assert_eq!(heard["ordersChanged"]["order"]["id"], placed["id"]);
        }
        tokio::time::sleep(Duration::from_millis(3_000)).await;
        // It learns of it once it reads, unless it is too late for that.
        let mut messages = 0;
        let ended = loop {
            match slow.heard().await {
                Heard::Message(_) => messages += 1,
                ended => break ended,
            }
        };
        assert!(messages < ORDERS, "{messages}");
        let told = matches!(&ended, Heard::Closed(1013, reason) if reason.starts_with("too slow"));
        assert!(told || ended == Heard::Gone, "{ended:?}");
        let placed = shop.run("placeOrder", order).await;
        assert_eq!(quick.data("1").await["ordersChanged"]["order"]["id"], placed["id"]);
    });
}

#[test]
fn an_event_stream_that_nobody_reads_ends_and_its_place_is_free() {
    let mut config = Config::default();
    config.live.stalled_wait_max_ms = 1_500;
    test_with(config, async |app| {
        let (shop, customer, product) = shop(app).await;
        let fields = "lines { productId sku name unit warehouseId quantity }";
        let wide: String = (0..30).map(|n| format!("a{n}: {fields} ")).collect();
        let query = format!("subscription {{ ordersChanged {{ order {{ {wide} }} }} }}");
        let body = json!({ "query": query }).to_string();
        let address = app.url.trim_start_matches("http://").parse().expect("an address");
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 << 10).expect("a small buffer");
        let mut stream = socket.connect(address).await.expect("a connection");
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer the-administrator\r\n\
             millrace-organization: acme\r\naccept: text/event-stream\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len(),
        );
        stream.write_all(head.as_bytes()).await.expect("writing");
        let open = async || {
            let metrics = app.administrator().get("/metrics").await.2;
            let line = metrics.lines().find(|l| l.starts_with("millrace_gateway_subscriptions "));
            line.and_then(|line| line.split(' ').nth(1)).map(str::to_owned)
        };
        let waits = Instant::now();
        while open().await.as_deref() != Some("1") {
            assert!(waits.elapsed() < Duration::from_secs(10), "nobody subscribes");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let line = json!({ "productId": product, "quantity": "1" });
        let order = json!({ "customerId": customer, "lines": vec![line; 30] });
        for _ in 0..ORDERS {
            shop.run("placeOrder", order.clone()).await;
        }
        let waits = Instant::now();
        while open().await.as_deref() != Some("0") {
            assert!(waits.elapsed() < Duration::from_secs(30), "the place is taken still");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        drop(stream);
    });
}

#[test]
fn whoever_is_too_slow_is_told_to_read_again_and_past_that_it_is_over() {
    let mut config = Config::default();
    config.queries.live_waiting_max = 3;
    config.queries.live_missed_max = 4;
    test_with(config, async |app| {
        type Row = queries::orders::OrderRow;
        let (shop, access) = organization(app, "acme").await;
        let customer = shop.customer("Bolt", json!(null)).await;
        let product = shop.product("A-1", "1", 1_000).await;
        let place = async || shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        app.settled().await;
        let (reader, reads) = (&app.parts.reader, queries::orders::READS);
        let watch = reader.watch::<Row>(&access, reads, Filter::all(), None).await;
        let mut watch = watch.expect("a watch");
        let patient = reader.watch::<Row>(&access, reads, Filter::all(), None).await;
        let mut patient = patient.expect("a watch");
        for _ in 0..5 {
            place().await;
        }
        app.settled().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let told = watch.next().await.expect("something").expect("it is not too slow");
        assert_eq!((told.kind, told.id), (Kind::Reload, None));
        let order = place().await;
        let told = watch.next().await.expect("something").expect("it is not too slow");
        let id = told.id.map(|id| id.to_string());
        assert_eq!((told.kind, id.as_deref()), (Kind::Entered, order["id"].as_str()));
        for _ in 0..4 {
            place().await;
        }
        app.settled().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        // The other one has taken nothing at all.
        let over = patient.next().await.expect("something").expect_err("too slow");
        assert!(over.missed > 4, "{over}");
        assert!(patient.next().await.is_none());
    });
}

#[test]
fn whoever_subscribes_ten_thousand_times_is_refused_and_goes_on_with_what_it_has() {
    let mut config = Config::default();
    config.live.operations_per_connection_max = 20;
    test_with(config, async |app| {
        let (shop, customer, product) = shop(app).await;
        let mut greedy = Socket::ready(&app.url, administrator()).await;
        let mut modest = Socket::ready(&app.url, administrator()).await;
        modest.subscribe("1", ALL, json!({})).await;
        let mut refused = 0;
        for batch in 0..100 {
            for number in 0..100 {
                greedy.subscribe(&format!("{batch}.{number}"), ALL, json!({})).await;
            }
            for _ in 0..if batch == 0 { 80 } else { 100 } {
                let message = greedy.message().await;
                let code = &message["payload"][0]["extensions"]["code"];
                assert_eq!((&message["type"], code), (&json!("error"), &json!("BUSY")));
                refused += 1;
            }
        }
        assert_eq!(refused, 10_000 - 20);
        let order = shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        assert_eq!(modest.data("1").await["ordersChanged"]["order"]["id"], order["id"]);
        for _ in 0..20 {
            let message = greedy.message().await;
            let told = &message["payload"]["data"]["ordersChanged"]["order"]["id"];
            assert_eq!(told, &order["id"]);
        }
    });
}

#[test]
fn a_user_has_so_many_subscriptions_over_all_connections_and_a_connection_is_refused_past_the_last()
{
    let mut config = Config::default();
    config.live.subscriptions_per_user_max = 3;
    config.live.connections_max = 2;
    test_with(config, async |app| {
        shop(app).await;
        let mut one = Socket::ready(&app.url, administrator()).await;
        let mut two = Socket::ready(&app.url, administrator()).await;
        for id in ["1", "2"] {
            one.subscribe(id, ALL, json!({})).await;
            two.subscribe(id, ALL, json!({})).await;
        }
        let mut refusals = Vec::new();
        for socket in [&mut one, &mut two] {
            let wait = Duration::from_secs(1);
            while let Ok(message) = tokio::time::timeout(wait, socket.message()).await {
                refusals.push(message);
            }
        }
        let [refused]: [Value; 1] = refusals.try_into().expect("one of four");
        let error = &refused["payload"][0];
        assert_eq!(error["extensions"]["code"], "BUSY", "{refused}");
        assert!(error["message"].to_string().contains("you have too many"), "{refused}");
        let third = Socket::open(&app.url, Some("graphql-transport-ws"), &[]).await;
        let Err(tokio_tungstenite::tungstenite::Error::Http(answer)) = third else {
            panic!("a third connection");
        };
        assert_eq!(answer.status(), 503);
        // A place becomes free again.
        drop(one);
        tokio::time::sleep(Duration::from_millis(300)).await;
        Socket::ready(&app.url, administrator()).await;
    });
}

#[test]
fn a_subscription_has_one_field_at_its_top() {
    test_with(Config::default(), async |app| {
        shop(app).await;
        let mut socket = Socket::ready(&app.url, administrator()).await;
        let two = "subscription { a: ordersChanged { kind } b: productsChanged { kind } }";
        socket.subscribe("1", two, json!({})).await;
        let message = socket.message().await;
        assert_eq!(message["type"], "error", "{message}");
        let code = &message["payload"][0]["extensions"]["code"];
        assert_eq!(code, "INVALID_QUERY", "{message}");
    });
}
