//! Claims about what nested queries cost in SQL: a statement for each field that leads to records,
//! not for each record.

use harness::{Shop, TestApp, test};
use serde_json::{Value, json};

use crate::metrics::shown;

const COUNTER: &str = "millrace_queries_statements_total";

/// The statements that a query takes, at best: what a list asks for is collected for a moment, and
/// a busy machine may collect it in two.
async fn statements(app: &TestApp, shop: &Shop, query: &str, asked: Value) -> u32 {
    let mut best = u32::MAX;
    for _ in 0..5 {
        best = best.min(sent(app, shop, query, &asked).await);
    }
    // To show the metrics takes some too.
    best - sent(app, shop, "{ __typename }", &json!({})).await
}

async fn sent(app: &TestApp, shop: &Shop, query: &str, asked: &Value) -> u32 {
    let before = shown(app).await.value(COUNTER);
    shop.client.ask(query, asked.clone()).await;
    (shown(app).await.value(COUNTER) - before) as u32
}

/// So many orders, each of a customer and a product of its own, each credited.
async fn trade(shop: &Shop, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let customer = shop.customer(&format!("Bolt {number}"), json!("1000")).await;
        let product = shop.product(&format!("A-{number}"), "2.50", 10).await;
        let order = shop.run("placeOrder", Shop::order(&customer, &product, "2")).await;
        let mut note = Shop::order(&customer, &product, "1");
        note["orderId"] = order["id"].clone();
        shop.run("postCreditNote", note).await;
        ids.push(order["id"].as_str().expect("an id").to_owned());
        ids.push(customer);
        ids.push(product);
    }
    ids
}

#[test]
fn a_list_takes_a_statement_for_each_field_that_leads_to_records_whatever_its_length() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        trade(&shop, 20).await;
        app.settled().await;
        for (query, expected) in [
            ("orders(first: $n) { nodes { id } }", 1),
            ("orders(first: $n) { nodes { lines { sku } customer { name credit { limit } } } }", 4),
            // Whether records stand still is one more for each read model.
            (
                "orders(first: $n) { nodes { stale lines { sku } \
                 customer { stale credit { stale limit } } } }",
                7,
            ),
            (
                "creditNotes(first: $n) { nodes { lines { sku } customer { credit { limit } } \
                 order { lines { sku } customer { credit { limit } } } } }",
                8,
            ),
            ("salesByCustomer(first: $n) { net customer { name credit { limit } } }", 3),
            ("salesByProduct(first: $n) { net product { name stock { warehouse { name } } } }", 4),
        ] {
            let query = format!("query($n: Int!) {{ {query} }}");
            let few = statements(app, &shop, &query, json!({ "n": 2 })).await;
            let many = statements(app, &shop, &query, json!({ "n": 20 })).await;
            for (count, records) in [(few, 2), (many, 20)] {
                let telling = format!("{query}: {count} statements for {records} records");
                assert!((1..=expected).contains(&count), "{telling}, at most {expected} are meant");
            }
        }
    });
}

#[test]
fn nodes_take_a_statement_for_each_type_whatever_their_number() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let ids = trade(&shop, 20).await;
        app.settled().await;
        let query =
            "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Order { lines { sku } } } }";
        let few = statements(app, &shop, query, json!({ "ids": ids[..3] })).await;
        let many = statements(app, &shop, query, json!({ "ids": ids })).await;
        assert_eq!((few, many), (4, 4));
    });
}
