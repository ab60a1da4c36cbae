//! Claims about the history of a record, through the front door: which facts it has, who did them
//! by which command, what each changed, and who may see that.

mod cursors;
mod differences;
mod paging;
mod persons;
mod unusual;

use harness::{Client, Shop, test};
use serde_json::{Value, json};

/// Everything that a history shows, but what is the same in none.
const SHOWN: &str = "edges { cursor node { version position factType actor command correlation
    commandFacts skipped causedBy { factId position recordId }
    changes { part field before after } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";

/// A page of the history of a record: `record` is its field with the arguments, such as
/// `order(id: "…")`.
async fn page(client: &Client, record: &str, arguments: &str) -> Value {
    let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
    let query = format!("{{ record: {record} {{ history{arguments} {{ {SHOWN} }} }} }}");
    client.ask(&query, json!({})).await["record"]["history"].clone()
}

fn nodes(page: &Value) -> Vec<Value> {
    let edges = page["edges"].as_array().cloned().unwrap_or_default();
    edges.into_iter().map(|edge| edge["node"].clone()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What a fact changed: a line for each field.
fn told(node: &Value) -> Vec<String> {
    let changes = node["changes"].as_array().cloned().unwrap_or_default();
    let shown = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |change: &Value| {
        let part = change["part"].as_str().map(|part| format!("{part}: ")).unwrap_or_default();
        let (before, after) = (shown(&change["before"]), shown(&change["after"]));
        format!("{part}{} {before} > {after}", text(&change["field"]))
    };
    changes.iter().map(line).collect()
}

#[test]
fn an_orders_history_tells_who_did_what_by_which_command_and_what_that_changed() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 10).await;
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let traced =
            shop.client.clone().with("traceparent", &format!("00-{trace}-00f067aa0ba902b7-01"));
        let mut order = Shop::order(&customer, &product, "4");
        order["number"] = json!("17");
        let order = Shop { client: traced }.run("placeOrder", order).await;
        let mut note = Shop::order(&customer, &product, "1");
        note["orderId"] = order["id"].clone();
        shop.run("postCreditNote", note.clone()).await;
        note["lines"][0]["unitPrice"] = json!("1");
        shop.run("postCreditNote", note).await;
        let head = app.settled().await;
        let history = page(&shop.client, &format!("order(id: {})", order["id"]), "").await;
        let nodes = nodes(&history);
        let of = |name: &str| nodes.iter().map(|node| text(&node[name])).collect::<Vec<_>>();
        assert_eq!(of("factType"), ["order.placed", "order.credited", "order.credited"]);
        assert_eq!(of("command"), ["orders.place", "credit_notes.post", "credit_notes.post"]);
        assert_eq!(of("actor"), ["administrator"; 3]);
        let versions: Vec<i64> = nodes.iter().filter_map(|node| node["version"].as_i64()).collect();
        assert_eq!(versions, [1, 2, 3]);
        assert_eq!(of("correlation")[0].replace('-', ""), trace);
        assert_ne!(of("correlation")[1], of("correlation")[2], "each request has its own");
        let asked = "{ organization { defaultWarehouseId } }";
        let warehouse = shop.client.ask(asked, json!({})).await["organization"].clone();
        let warehouse = text(&warehouse["defaultWarehouseId"]);
        let placed = told(&nodes[0]);
        for line in [
            "number - > 17".to_owned(),
            "status - > placed".to_owned(),
            "placedAt - > 2026-03-01T12:00:00+00:00".to_owned(),
            "businessDate - > 2026-03-01".to_owned(),
            "customerName - > Bolt & Co".to_owned(),
            "net - > 10.00".to_owned(),
            "lineCount - > 1".to_owned(),
            format!("line 1: productId - > {product}"),
            format!("line 1: warehouseId - > {warehouse}"),
            "line 1: quantity - > 4".to_owned(),
            "line 1: unitPrice - > 2.50".to_owned(),
        ] {
            assert!(placed.contains(&line), "{line}: {placed:?}");
        }
        let stamped = ["version", "position", "changedAt", "orderId", "organizationId", "line"];
        let is_stamped = |line: &String| {
            let field = line.rsplit(": ").next().and_then(|rest| rest.split(' ').next());
            field.is_some_and(|field| stamped.contains(&field))
        };
        assert!(!placed.iter().any(is_stamped), "{placed:?}");
        assert_eq!(told(&nodes[1]), ["credited 0 > 2.50"]);
        assert_eq!(told(&nodes[2]), ["credited 2.50 > 3.50"]);
        // A command's first fact counts them all; those on other records have none.
        assert!(nodes[0]["commandFacts"].as_i64() >= Some(4), "{}", nodes[0]);
        assert!(nodes.iter().all(|node| node["skipped"] == false && node["causedBy"].is_null()));
        // As of each fact's position, the record is of its version.
        for node in &nodes {
            let as_of =
                format!("order(id: {}, asOf: {{ position: {} }})", order["id"], node["position"]);
            let query = format!("{{ order: {as_of} {{ version }} }}");
            let then = shop.client.ask(&query, json!({})).await["order"]["version"].clone();
            assert_eq!(then, node["version"], "of {} facts", head.0);
            let until = self::nodes(&page(&shop.client, &as_of, "").await);
            assert_eq!(until, nodes[..until.len()]);
            assert_eq!(until.last().map(|last| &last["version"]), Some(&node["version"]));
        }
    });
}

#[test]
fn a_cancelled_order_tells_why_and_its_goods_and_its_credit_tell_of_the_same_request() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!("100")).await;
        let product = shop.product("A-1", "2.50", 10).await;
        let order = shop.run("placeOrder", Shop::order(&customer, &product, "4")).await;
        let cancel = json!({ "orderId": order["id"], "reason": "changed their mind" });
        let cancelled = shop.run("cancelOrder", cancel).await;
        app.settled().await;
        let of = async |record: String| nodes(&page(&shop.client, &record, "last: 1").await);
        let order = of(format!("order(id: {})", order["id"])).await.remove(0);
        let changes = ["status placed > cancelled", "cancelReason - > changed their mind"];
        assert_eq!(told(&order), changes);
        let first: usize = order["commandFacts"].as_u64().unwrap() as usize;
        assert_eq!(first, 3, "the order, its credit and one stock item");
        let stock = shop
            .client
            .ask("query($id: ID) { product(id: $id) { stock { id } } }", json!({ "id": product }));
        let item = stock.await["product"]["stock"][0]["id"].clone();
        let item = of(format!("stockItem(id: {item})")).await.remove(0);
        assert_eq!(told(&item), ["reserved 4 > 0", "available 6 > 10"]);
        let query = format!(
            "{{ customer(id: \"{customer}\") {{ credit {{ history(last: 1) {{ {SHOWN} }} }} }} }}"
        );
        let credit =
            shop.client.ask(&query, json!({})).await["customer"]["credit"]["history"].clone();
        let credit = nodes(&credit).remove(0);
        assert_eq!(told(&credit), ["exposure 10.00 > 0", "available 90.00 > 100"]);
        for other in [&item, &credit] {
            assert_eq!(other["correlation"], order["correlation"]);
            assert_eq!(other["command"], "orders.cancel");
            assert_eq!(other["commandFacts"], json!(null));
        }
        let last = [&order, &item, &credit].map(|fact| text(&fact["position"]));
        assert!(last.contains(&text(&cancelled["position"])), "the command's last fact is told");
    });
}

#[test]
fn every_language_of_a_products_texts_is_a_field_of_its_own() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let product = shop.product("A-1", "2.50", 0).await;
        let german = json!({ "productId": product, "locale": "de-CH", "name": "Mutter" });
        shop.run("describeProduct", german).await;
        let english =
            json!({ "productId": product, "locale": "en", "name": "Nut", "description": "M8" });
        shop.run("describeProduct", english).await;
        let price = json!({ "productId": product, "listPrice": null });
        shop.run("setProductListPrice", price).await;
        app.settled().await;
        let last = page(&shop.client, &format!("product(id: \"{product}\")"), "last: 3").await;
        let last: Vec<Vec<String>> = nodes(&last).iter().map(told).collect();
        let english = [
            "name A-1 > Nut",
            "description - > M8",
            "texts.en.description - > M8",
            "texts.en.name A-1 > Nut",
        ];
        let price = ["listPrice 2.50 > -", "listPriceCurrency EUR > -"];
        assert_eq!(last, [&["texts.de-CH.name - > Mutter"][..], &english, &price]);
    });
}

#[test]
fn another_organization_and_nobody_see_no_history() {
    test(async |app| {
        let acme = Shop::open(&app.administrator(), "acme").await;
        let id = acme.customer("Bolt & Co", json!(null)).await;
        let beta = Shop::open(&app.administrator(), "beta").await;
        let other = beta.customer("Bolt & Co", json!(null)).await;
        app.settled().await;
        let query = "query($id: ID!, $after: String) {
            customer(id: $id) { history(after: $after) { edges { cursor node { id } } } } }";
        let own = acme.client.ask(query, json!({ "id": id })).await;
        let edges = &own["customer"]["history"]["edges"];
        assert_eq!(edges.as_array().map(Vec::len), Some(1), "{own}");
        let seen = beta.client.ask(query, json!({ "id": id })).await;
        assert_eq!(seen["customer"], json!(null));
        let (code, _) = app.anonymous().refused(query, json!({ "id": id })).await;
        assert_eq!(code, "UNAUTHENTICATED");
        // Nor does a cursor carry anything over.
        let asked = json!({ "id": other, "after": edges[0]["cursor"] });
        assert_eq!(beta.client.refused(query, asked).await.0, "INVALID_INPUT");
    });
}
