//! Claims about what stands in a record: it is as of the same moment, wherever it is found.

use harness::{Shop, test};
use serde_json::{Value, json};

/// A shop that sold something, credited a part of it, and then everything changed: the position in
/// between, and the ids of customer, product, order and credit note.
async fn changed(shop: &Shop) -> (Value, [String; 4]) {
    let customer = shop.customer("Bolt & Co", json!("1000")).await;
    let product = shop.product("A-1", "2.50", 10).await;
    let order = shop.run("placeOrder", Shop::order(&customer, &product, "4")).await;
    let mut note = Shop::order(&customer, &product, "1");
    note["orderId"] = order["id"].clone();
    let note = shop.run("postCreditNote", note).await;
    let then = note["position"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (order, note) = (text(&order["id"]), text(&note["id"]));
    let hold = json!({ "customerId": customer, "reason": "unpaid" });
    shop.run("placeOrder", Shop::order(&customer, &product, "2")).await;
    shop.run("setCustomerTerms", json!({ "customerId": customer, "terms": { "netDays": 7 } }))
        .await;
    shop.run("holdCustomer", hold).await;
    let mut other = Shop::order(&customer, &product, "1");
    other["orderId"] = json!(order);
    shop.run("postCreditNote", other).await;
    let name = json!({ "productId": product, "locale": "en", "name": "A better thing" });
    shop.run("describeProduct", name).await;
    (then, [customer, product, order, note])
}

const ALL: &str = "query($c: ID!, $p: ID, $o: ID!, $n: ID!, $asOf: AsOf, $sku: String) {
    customer(id: $c, asOf: $asOf) { status netDays credit { exposure available version } }
    product(id: $p, asOf: $asOf) { name stock { onHand reserved available } }
    bySku: product(sku: $sku, asOf: $asOf) { name stock { reserved } }
    order(id: $o, asOf: $asOf) {
        credited customer { status netDays credit { exposure } } lines { quantity sku } }
    creditNote(id: $n, asOf: $asOf) {
        net lines { quantity } customer { status credit { exposure } }
        order { credited customer { status } lines { quantity } } } }";

#[test]
fn what_stands_in_a_record_is_as_of_the_same_moment() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let (then, [c, p, o, n]) = changed(&shop).await;
        app.settled().await;
        let ask = async |as_of: Value| {
            let asked = json!({ "c": c, "p": p, "o": o, "n": n, "sku": "A-1", "asOf": as_of });
            shop.client.ask(ALL, asked).await
        };
        let customer = |status, net_days, exposure| {
            let credit = json!({ "exposure": exposure });
            json!({ "status": status, "netDays": net_days, "credit": credit })
        };
        let expected = json!({
            "customer": { "status": "ACTIVE", "netDays": 30,
                "credit": { "exposure": "7.50", "available": "992.50", "version": 3 } },
            "product": { "name": "A-1",
                "stock": [{ "onHand": "10", "reserved": "4", "available": "6" }] },
            "bySku": { "name": "A-1", "stock": [{ "reserved": "4" }] },
            "order": { "credited": "2.50", "customer": customer("ACTIVE", 30, "7.50"),
                "lines": [{ "quantity": "4", "sku": "A-1" }] },
            "creditNote": { "net": "2.50", "lines": [{ "quantity": "1" }],
                "customer": { "status": "ACTIVE", "credit": { "exposure": "7.50" } },
                "order": { "credited": "2.50", "customer": { "status": "ACTIVE" },
                    "lines": [{ "quantity": "4" }] } },
        });
        assert_eq!(ask(json!({ "position": then })).await, expected);
        let now = ask(json!(null)).await;
        assert_eq!(now["order"]["customer"], customer("ON_HOLD", 7, "10.00"));
        assert_eq!(now["creditNote"]["order"]["credited"], "5.00");
        assert_eq!(now["product"]["stock"][0]["reserved"], "6");
        assert_eq!(now["bySku"]["name"], "A better thing");
        let head = app.parts.log.head().await.unwrap();
        let head = json!({ "position": gateway::position::encode(head) });
        assert_eq!(ask(head).await, now, "as of the last position it is as now");
    });
}

#[test]
fn one_request_sees_two_moments_and_now_side_by_side() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let (then, [_, _, order, _]) = changed(&shop).await;
        let head = app.settled().await;
        let query = "query($id: ID!, $then: AsOf, $last: AsOf) {
            then: order(id: $id, asOf: $then) { ...a } now: order(id: $id) { ...a }
            last: order(id: $id, asOf: $last) { ...a } }
            fragment a on Order { credited customer { status credit { exposure } } }";
        let last = json!({ "position": gateway::position::encode(head) });
        let asked = json!({ "id": order, "then": { "position": then }, "last": last });
        let shown = shop.client.ask(query, asked).await;
        let card = |credited, status, exposure| {
            let customer = json!({ "status": status, "credit": { "exposure": exposure } });
            json!({ "credited": credited, "customer": customer })
        };
        assert_eq!(shown["then"], card("2.50", "ACTIVE", "7.50"));
        assert_eq!(shown["now"], card("5.00", "ON_HOLD", "10.00"));
        assert_eq!(shown["last"], shown["now"]);
    });
}

#[test]
fn a_product_is_not_found_by_its_sku_before_it_was_there_nor_its_stock() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let before = app.settled().await;
        let id = shop.product("A-1", "2.50", 0).await;
        let there = app.settled().await;
        shop.run("receiveStock", json!({ "productId": id, "quantity": "5" })).await;
        let query = "query($sku: String, $asOf: AsOf) {
            product(sku: $sku, asOf: $asOf) { id stock { onHand } } }";
        let shown = async |sku: &str, at| {
            let as_of = json!({ "position": gateway::position::encode(at) });
            let asked = json!({ "sku": sku, "asOf": as_of });
            shop.client.ask(query, asked).await["product"].clone()
        };
        assert_eq!(shown("A-1", before).await, json!(null));
        assert_eq!(shown("A-1", there).await, json!({ "id": id, "stock": [] }));
        let received = app.parts.log.head().await.unwrap();
        let stock = json!([{ "onHand": "5" }]);
        assert_eq!(shown("A-1", received).await, json!({ "id": id, "stock": stock }));
        assert_eq!(shown("A-2", received).await, json!(null));
    });
}

#[test]
fn who_is_erased_is_erased_as_of_every_time_and_everybody_else_is_as_they_were() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let add = |name: &str| json!({ "customerId": customer, "name": name, "phone": "17" });
        let anna = shop.run("addContact", add("Anna Quaas")).await;
        let bert = shop.run("addContact", add("Bert Immer")).await;
        let then = json!({ "position": bert["position"] });
        let query = "query($id: ID!, $asOf: AsOf) {
            contact(id: $id, asOf: $asOf) { name phone status customer { name } } }";
        let shown = async |id: &Value, as_of: &Value| {
            let asked = json!({ "id": id, "asOf": as_of });
            shop.client.ask(query, asked).await["contact"].clone()
        };
        let card = |name, phone, status| {
            let customer = json!({ "name": "Bolt & Co" });
            json!({ "name": name, "phone": phone, "status": status, "customer": customer })
        };
        let bert_then = card(json!("Bert Immer"), json!("17"), "ACTIVE");
        assert_eq!(
            shown(&anna["id"], &then).await,
            card(json!("Anna Quaas"), json!("17"), "ACTIVE")
        );
        assert_eq!(shown(&bert["id"], &then).await, bert_then);
        let rename = json!({ "contactId": bert["id"], "name": "Bert Berg" });
        shop.run("changeContact", rename).await;
        let erase = json!({ "contactId": anna["id"], "reason": "request 17" });
        let erased = shop.run("eraseContact", erase).await;
        let nobody = |status| card(json!(null), json!(null), status);
        assert_eq!(shown(&anna["id"], &then).await, nobody("ACTIVE"), "of then, but the person");
        let after = json!({ "position": erased["position"] });
        assert_eq!(shown(&anna["id"], &after).await, nobody("ERASED"));
        assert_eq!(shown(&bert["id"], &then).await, bert_then);
        assert_eq!(shown(&bert["id"], &after).await["name"], "Bert Berg");
    });
}

#[test]
fn a_time_finer_than_a_column_holds_is_shown_alike_as_of_then_and_now() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 10).await;
        let mut order = Shop::order(&customer, &product, "4");
        order["placedAt"] = json!("2026-02-28T10:00:00.123456789Z");
        let placed = shop.run("placeOrder", order).await;
        app.settled().await;
        let query = "query($id: ID!, $asOf: AsOf) { now: order(id: $id) { placedAt changedAt net }
            then: order(id: $id, asOf: $asOf) { placedAt changedAt net } }";
        let as_of = json!({ "position": placed["position"] });
        let shown = shop.client.ask(query, json!({ "id": placed["id"], "asOf": as_of })).await;
        assert_eq!(shown["then"], shown["now"]);
        let placed_at = shown["then"]["placedAt"].as_str().unwrap_or_default();
        assert!(placed_at.starts_with("2026-02-28T10:00:00.123456"), "{placed_at}");
        assert!(!placed_at.contains("789"), "{placed_at}");
    });
}
