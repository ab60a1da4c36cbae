//! Claims about orders, through the front door.

use futures_util::StreamExt;
use futures_util::future::join_all;
use harness::{Shop, test};
use serde_json::json;

#[test]
fn the_last_pieces_are_sold_once() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        for round in 0..20 {
            let product = shop.product(&format!("A-{round}"), "2.50", 50).await;
            let buyers = (0..100).map(|_| {
                let order = Shop::order(&customer, &product, "1");
                let shop = shop.clone();
                async move { shop.attempt("placeOrder", order).await }
            });
            let outcomes = join_all(buyers).await;
            let (sold, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
            assert_eq!(sold.len(), 50, "round {round}");
            assert!(refused.iter().all(|outcome| outcome == &Err("OUT_OF_STOCK".to_owned())));
            app.settled().await;
            let query =
                "query($id: ID) { product(id: $id) { stock { onHand reserved available } } }";
            let stock = &shop.client.ask(query, json!({ "id": product })).await["product"]["stock"];
            assert_eq!(stock, &json!([{ "onHand": "50", "reserved": "50", "available": "0" }]));
        }
    });
}

#[test]
fn two_orders_cannot_exceed_the_credit_limit_together() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let product = shop.product("A-1", "10", 1_000).await;
        for round in 0..20 {
            let customer = shop.customer(&format!("Customer {round}"), json!("15")).await;
            let order = Shop::order(&customer, &product, "1");
            let (one, other) = tokio::join!(
                shop.attempt("placeOrder", order.clone()),
                shop.attempt("placeOrder", order),
            );
            let mut outcomes = [one.is_ok(), other.is_ok()];
            outcomes.sort_unstable();
            assert_eq!(outcomes, [false, true], "round {round}");
            let refused = one.err().or(other.err());
            assert_eq!(refused.as_deref(), Some("CREDIT_EXCEEDED"));
        }
    });
}

#[test]
fn a_placed_order_arrives_at_a_subscriber_who_can_read_it() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.345", 10).await;
        app.settled().await;
        // An organization that has to be looked up first is watched a moment later.
        shop.client.ask("{ orders(first: 1) { edges { node { id } } } }", json!({})).await;
        let subscription =
            "subscription { ordersChanged { order { id number net lines { sku } } } }";
        let changes = shop.client.subscribe(subscription, json!({})).await;
        tokio::pin!(changes);
        let order = shop.run("placeOrder", Shop::order(&customer, &product, "3")).await;
        let change = tokio::time::timeout(std::time::Duration::from_secs(10), changes.next()).await;
        let change = change.expect("a change in time").expect("a change");
        assert_eq!(change["data"]["ordersChanged"]["order"]["id"], order["id"]);
        assert_eq!(change["data"]["ordersChanged"]["order"]["lines"], json!([{ "sku": "A-1" }]));
    });
}
