//! Claims about records by their ids alone, as Relay's clients ask for them again.

use gateway::config::Config;
use harness::{Shop, test, test_with};
use serde_json::{Value, json};

use crate::inputs::NOBODY;

const NODE: &str = "query($id: ID!) { node(id: $id) { __typename id } }";
const NODES: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";

/// A record of every type: the type, and the id.
async fn one_of_each(shop: &Shop) -> Vec<(&'static str, Value)> {
    let customer = shop.customer("Bolt & Co", json!("1000")).await;
    let product = shop.product("A-1", "2.50", 0).await;
    let contact = json!({ "customerId": customer, "name": "Anna Quaas" });
    let contact = shop.run("addContact", contact).await["id"].clone();
    let warehouse = json!({ "code": "W-1", "name": "North" });
    let warehouse = shop.run("openWarehouse", warehouse).await["id"].clone();
    let received = json!({ "productId": product, "quantity": "10" });
    let stock_item = shop.run("receiveStock", received).await["id"].clone();
    let order = shop.run("placeOrder", Shop::order(&customer, &product, "1")).await["id"].clone();
    let note = shop.run("postCreditNote", Shop::order(&customer, &product, "1")).await;
    let position = &note["position"];
    let query = "query($id: ID!, $position: String) { organization(atLeast: $position) { id }
        customer(id: $id, atLeast: $position) { credit { id } } }";
    let asked = json!({ "id": customer, "position": position });
    let found = shop.client.ask(query, asked).await;
    vec![
        ("Organization", found["organization"]["id"].clone()),
        ("Customer", json!(customer)),
        ("Credit", found["customer"]["credit"]["id"].clone()),
        ("Contact", contact),
        ("Product", json!(product)),
        ("Warehouse", warehouse),
        ("StockItem", stock_item),
        ("Order", order),
        ("CreditNote", note["id"].clone()),
    ]
}

#[test]
fn a_record_of_any_type_is_found_by_its_id_alone() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let records = one_of_each(&shop).await;
        app.settled().await;
        let node = |(name, id): &(&str, Value)| json!({ "__typename": name, "id": id });
        for record in &records {
            let found = shop.client.ask(NODE, json!({ "id": record.1 })).await;
            assert_eq!(found["node"], node(record));
        }
        let ids: Vec<&Value> = records.iter().rev().map(|(_, id)| id).collect();
        let found = shop.client.ask(NODES, json!({ "ids": ids })).await;
        assert_eq!(found["nodes"], json!(records.iter().rev().map(node).collect::<Vec<_>>()));
        // As every other record, with all that stands in it.
        let query = "query($id: ID!) { order(id: $id) { ...a } node(id: $id) { id ...a } }
            fragment a on Order { number net customer { name } lines { sku } }";
        let found = shop.client.ask(query, json!({ "id": records[7].1 })).await;
        let mut shown = found["node"].clone();
        shown.as_object_mut().expect("an order").remove("id");
        assert_eq!(shown, found["order"]);
        assert_eq!(shown["lines"][0]["sku"], "A-1");
    });
}

#[test]
fn who_has_no_such_record_is_shown_none() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let records = one_of_each(&shop).await;
        let other = Shop::open(&app.administrator(), "other").await;
        let product = other.product("A-1", "2.50", 0).await;
        app.settled().await;
        let mut ids: Vec<Value> = records.into_iter().map(|(_, id)| id).collect();
        ids.push(json!(NOBODY));
        for id in &ids {
            let found = other.client.ask(NODE, json!({ "id": id })).await;
            assert_eq!(found["node"], json!(null), "{id}");
        }
        ids.insert(3, json!(product));
        let found = other.client.ask(NODES, json!({ "ids": ids })).await;
        let found = found["nodes"].as_array().expect("a list").clone();
        assert_eq!(found.len(), ids.len());
        for (place, node) in found.iter().enumerate() {
            assert_eq!(node.is_null(), place != 3, "{place}: {node}");
        }
        assert_eq!(found[3]["id"], json!(product));
    });
}

#[test]
fn what_is_decided_on_and_never_shown_is_no_node() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        one_of_each(&shop).await;
        app.settled().await;
        let others = "select distinct stream_id::text from log.events \
            where feature in ('reservations', 'series')";
        let rows = app.database.connect().await.query(others, &[]).await.expect("the log");
        assert!(rows.len() > 1, "{} streams", rows.len());
        for row in rows {
            let id: String = row.get(0);
            let found = shop.client.ask(NODE, json!({ "id": id })).await;
            assert_eq!(found["node"], json!(null), "{id}");
        }
    });
}

#[test]
fn a_node_is_seen_as_its_write_left_it_by_whoever_sends_the_position() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        for number in 0..20 {
            let product = json!({ "sku": format!("A-{number}"), "name": "a thing" });
            let created = shop.run("createProduct", product).await;
            let position = created["position"].as_str().expect("a position");
            let client = shop.client.clone().with("millrace-position", position);
            let found = client.ask(NODE, json!({ "id": created["id"] })).await;
            assert_eq!(found["node"]["id"], created["id"]);
        }
    });
}

#[test]
fn ids_that_cannot_be_and_too_many_of_them_are_refused() {
    let mut config = Config::default();
    (config.queries.page_max, config.queries.page_default) = (3, 3);
    test_with(config, async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        app.settled().await;
        for (query, asked) in [(NODE, json!({ "id": "17" })), (NODES, json!({ "ids": ["17"] }))] {
            let (code, message) = shop.client.refused(query, asked).await;
            assert_eq!(code, "INVALID_INPUT");
            assert!(message.contains("ids are UUIDs"), "{message}");
        }
        let found = shop.client.ask(NODES, json!({ "ids": [NOBODY, NOBODY, NOBODY] })).await;
        assert_eq!(found["nodes"], json!([null, null, null]));
        let four = json!({ "ids": [NOBODY, NOBODY, NOBODY, NOBODY] });
        let (code, message) = shop.client.refused(NODES, four).await;
        assert_eq!(code, "INVALID_INPUT");
        assert!(message.contains("at most 3"), "{message}");
    });
}
