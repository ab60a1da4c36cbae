//! Claims about what nested queries cost in SQL: a statement for each field that leads to records,
//! not for each record.

use gateway::config::Config;
use harness::{Shop, TestApp, test_with};
use serde_json::{Value, json};

use super::paths::Schema;
use crate::metrics::shown;

/// What is read of the read models, and of the log.
const COUNTERS: [&str; 2] = ["millrace_queries_statements_total", "millrace_log_reads_total"];

/// Nothing is kept in mind, so that everything takes what it takes.
fn forgetful() -> Config {
    let mut config = Config::default();
    config.queries.cache_bytes_max = 0;
    // What limits say of large documents is claimed elsewhere.
    (config.graphql.complexity_max, config.graphql.depth_max) = (1_000_000, 30);
    config
}

/// The statements that a query takes, at best: what a list asks for is collected for a moment, and
/// a busy machine may collect it in two.
async fn statements(app: &TestApp, shop: &Shop, query: &str, asked: Value) -> u32 {
    let mut best = u32::MAX;
    for _ in 0..10 {
        best = best.min(sent(app, shop, query, &asked).await);
    }
    // To show the metrics takes some too.
    let mut shown = u32::MAX;
    for _ in 0..3 {
        shown = shown.min(sent(app, shop, "{ __typename }", &json!({})).await);
    }
    best.saturating_sub(shown)
}

async fn sent(app: &TestApp, shop: &Shop, query: &str, asked: &Value) -> u32 {
    let before = counted(app).await;
    shop.client.ask(query, asked.clone()).await;
    (counted(app).await - before) as u32
}

async fn counted(app: &TestApp) -> f64 {
    let shown = shown(app).await;
    COUNTERS.into_iter().filter_map(|counter| shown.samples.get(counter)).sum()
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
    test_with(forgetful(), async |app| {
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
    test_with(forgetful(), async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let ids = trade(&shop, 20).await;
        app.settled().await;
        let query =
            "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Order { lines { sku } } } }";
        let few = statements(app, &shop, query, json!({ "ids": ids[..3] })).await;
        let many = statements(app, &shop, query, json!({ "ids": ids })).await;
        assert_eq!((few, many), (5, 5), "one of each type, their lines, and the log once");
    });
}

/// As [`trade`], with contacts, warehouses, and stock in them.
async fn furnish(shop: &Shop, count: usize) {
    let ids = trade(shop, count).await;
    for (number, made) in ids.chunks(3).enumerate() {
        let input = json!({ "customerId": made[1], "name": format!("Anna {number}") });
        shop.run("addContact", input).await;
        let input = json!({ "code": format!("W{number}"), "name": format!("Shed {number}") });
        let warehouse = shop.run("openWarehouse", input).await["id"].clone();
        let goods = json!({ "productId": made[2], "quantity": "3", "warehouseId": warehouse });
        shop.run("receiveStock", goods).await;
    }
}

#[test]
fn whatever_leads_on_from_a_list_takes_as_much_for_twenty_records_as_for_two() {
    test_with(forgetful(), async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        furnish(&shop, 20).await;
        app.settled().await;
        let schema = Schema::ask(&shop.client).await;
        let paths = schema.paths();
        assert!(paths.len() > 30, "little is tried: {paths:#?}");
        for leads in ["history", "lines", "stock", "warehouse", "stale", "incomplete", "credit"] {
            assert!(paths.iter().any(|path| path.contains(leads)), "nothing leads to {leads}");
        }
        for query in paths {
            let (mut few, mut many) = (u32::MAX, u32::MAX);
            // What is asked for at once is collected for a moment; on a busy machine it may be
            // longer on its way.
            for _ in 0..8 {
                few = few.min(sent(app, &shop, &query, &json!({ "n": 2 })).await);
                many = many.min(sent(app, &shop, &query, &json!({ "n": 20 })).await);
                if few == many {
                    break;
                }
            }
            assert_eq!(few, many, "statements for 2 and for 20 records of {query}");
        }
    });
}
