//! Claims about cursors: only those that a list gave are taken, and only by that list.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use harness::{Program, Shop, test};
use queries::fields::Listed;
use queries::orders::OrderRow;
use serde_json::{Value, json};

use super::organization;
use super::rows::fill;

const LIST: &str = "query($after: String, $before: String, $sort: [OrdersSort!], \
    $filter: OrdersFilter) { orders(first: 3, after: $after, before: $before, sort: $sort, \
    filter: $filter) { edges { cursor node { id } } } }";

async fn cursor(shop: &Shop, variables: Value) -> String {
    let page = shop.client.ask(LIST, variables).await;
    page["orders"]["edges"][0]["cursor"].as_str().expect("a cursor").to_owned()
}

async fn is_refused(shop: &Shop, variables: Value, field: &str) {
    let (status, _, body) = shop.client.post(LIST, variables.clone()).await;
    assert_eq!(status, 200, "{variables}: {body}");
    let error = &body["errors"][0];
    assert_eq!(error["extensions"]["code"], "INVALID_INPUT", "{variables}: {body}");
    assert_eq!(error["extensions"]["field"], field, "{variables}: {body}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains("no cursor of this list"), "{variables}: {body}");
}

#[test]
fn cursors_that_were_forged_or_belong_elsewhere_are_refused() {
    test(async |app| {
        let (acme, access) = organization(app, "acme").await;
        let (beta, other) = organization(app, "beta").await;
        fill(app, &access, OrderRow::LIST, 1, 20).await;
        fill(app, &other, OrderRow::LIST, 2, 20).await;
        let own = cursor(&acme, json!({})).await;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&own).expect("bytes");
        for index in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[index] ^= 1 << (index % 8);
            let forged = BASE64_URL_SAFE_NO_PAD.encode(forged);
            is_refused(&acme, json!({ "after": forged }), "after").await;
        }
        let short = BASE64_URL_SAFE_NO_PAD.encode(&bytes[..16]);
        for made_up in ["", "x", "AAAA", "not base64!", &short, &"A".repeat(10_000)] {
            is_refused(&acme, json!({ "before": made_up }), "before").await;
        }
        let theirs = cursor(&beta, json!({})).await;
        is_refused(&acme, json!({ "after": theirs }), "after").await;
        let by_net = json!([{ "field": "NET" }]);
        let sorted = cursor(&acme, json!({ "sort": by_net })).await;
        is_refused(&acme, json!({ "after": sorted }), "after").await;
        is_refused(&acme, json!({ "after": own, "sort": by_net }), "after").await;
        let turned = json!({ "after": sorted, "sort": [{ "field": "NET", "direction": "DESC" }] });
        is_refused(&acme, turned, "after").await;
        let notes = "{ customers { edges { cursor } } }";
        fill(app, &access, queries::customers::CustomerRow::LIST, 3, 3).await;
        let other_list = acme.client.ask(notes, json!({})).await;
        let other_list = &other_list["customers"]["edges"][0]["cursor"];
        is_refused(&acme, json!({ "after": other_list }), "after").await;
        // It is a place in the order: which records stand behind it is the filter's business.
        let placed = json!({ "after": own, "filter": { "status": { "eq": "PLACED" } } });
        acme.client.ask(LIST, placed).await;
    });
}

#[test]
fn a_cursor_is_understood_by_every_program_at_the_log_and_after_a_restart() {
    crate::crashes::test(async |data| {
        let program = Program::serve(data, &[]);
        let shop = Shop::open(&program.administrator(), "acme").await;
        let mut last = Value::Null;
        for number in 0..3 {
            last = shop.run("openCustomer", json!({ "name": format!("Bolt {number}") })).await;
        }
        let position = &last["position"];
        let list = "query($after: String, $at: String) { customers(after: $after, atLeast: $at) \
            { edges { cursor node { name } } } }";
        let whole = shop.client.ask(list, json!({ "at": position })).await;
        let cursor = whole["customers"]["edges"][0]["cursor"].clone();
        drop(program);
        let again = Program::serve(data, &[]);
        let client = again.administrator().within("acme");
        let rest = client.ask(list, json!({ "after": cursor, "at": position })).await;
        let names: Vec<&Value> = rest["customers"]["edges"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|edge| &edge["node"]["name"])
            .collect();
        assert_eq!(names, ["Bolt 1", "Bolt 2"]);
    });
}
