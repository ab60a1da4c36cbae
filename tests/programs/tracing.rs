//! Claims about spans: an order can be followed from its request to its row.

use std::time::Duration;

use harness::app::scratch;
use harness::{Program, Shop};
use serde_json::{Value, json};

use super::block_on;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The spans of a name, as they were logged when they closed.
fn spans<'a>(log: &'a [Value], name: &'a str) -> impl Iterator<Item = &'a Value> {
    let closed = log.iter().filter(|line| line["message"] == "close");
    closed.map(|line| &line["span"]).filter(move |span| span["name"] == name)
}

#[test]
fn a_request_tells_how_long_its_fields_took_where_that_is_switched_on() {
    for (setting, expected) in [("true", 1), ("false", 0)] {
        let place = scratch();
        let settings =
            [("MILLRACE__GRAPHQL__FIELD_TIMES", setting), ("MILLRACE__LOGGING__FORMAT", "json")];
        let program = Program::serve(&place.path().join("data"), &settings);
        block_on(async {
            let shop = Shop::open(&program.administrator(), "acme").await;
            let query = "{ a: product(sku: \"A-1\") { id } b: product(sku: \"A-2\") { id } }";
            shop.client.ask(query, json!({})).await;
        });
        let ended = program.end(Duration::from_secs(10));
        let log = ended.log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let told: Vec<Value> = log.filter(|line| line["field"] == "Query.product").collect();
        assert_eq!(told.len(), expected, "{}", ended.log);
        for line in told {
            assert_eq!((&line["message"], &line["count"]), (&json!("field times"), &json!(2)));
            let micros = |name: &str| line[name].as_u64().unwrap_or_default();
            assert!(0 < micros("longest_us") && micros("longest_us") <= micros("sum_us"), "{line}");
        }
    }
}

#[test]
fn a_request_is_followed_to_its_command_its_batch_and_its_row() {
    let place = scratch();
    let debug = [("MILLRACE__LOGGING__FILTER", "debug"), ("MILLRACE__LOGGING__FORMAT", "json")];
    let program = Program::serve(&place.path().join("data"), &debug);
    block_on(async {
        let shop = Shop::open(&program.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 10).await;
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let client = shop.client.clone().with("traceparent", &parent);
        let order = Shop::order(&customer, &product, "1");
        let query = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { \
            order { id } } }";
        client.ask(query, json!({ "input": order })).await;
    });
    let ended = program.end(Duration::from_secs(10));
    let log: Vec<Value> =
        ended.log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let correlated =
        |span: &&Value| span["correlation"].as_str().is_some_and(|id| id.replace('-', "") == TRACE);
    assert_eq!(spans(&log, "request").filter(correlated).count(), 1);
    let command = spans(&log, "command").find(correlated).expect("the command's span");
    assert_eq!(command["command"], "orders.place");
    let position = command["position"].as_i64().expect("the command's position");
    let number = |span: &Value, field: &str| span[field].as_i64().unwrap_or_default();
    let batch = spans(&log, "batch")
        .find(|span| number(span, "first") <= position && position <= number(span, "last"));
    assert!(batch.is_some(), "a batch with the position {position}");
    let row = spans(&log, "projection").find(|span| {
        span["projection"] == "orders"
            && number(span, "from") < position
            && position <= number(span, "to")
    });
    assert!(row.is_some(), "a step of the orders with the position {position}");
}
