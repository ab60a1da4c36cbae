//! Claims about searching everything at once, and each feature.

use harness::{Shop, test};
use serde_json::{Value, json};

const SEARCH: &str = "query($q: String!, $in: [SearchFeature!], $first: Int, $after: String) {
    search(query: $q, features: $in, first: $first, after: $after) {
        total facets { name values { value count } } pageInfo { hasNextPage endCursor }
        edges { score highlights { field parts { text marked } } node { __typename id } } } }";

async fn ask(shop: &Shop, variables: Value) -> Value {
    shop.client.ask(SEARCH, variables).await["search"].clone()
}

fn types(found: &Value) -> Vec<String> {
    let edges = found["edges"].as_array().into_iter().flatten();
    edges.map(|edge| edge["node"]["__typename"].as_str().expect("a type").to_owned()).collect()
}

/// A shop in which every record has to do with a bolt.
async fn bolts(app: &harness::TestApp) -> Shop {
    let shop = Shop::open(&app.administrator(), "acme").await;
    let customer = shop.customer("Bolt & Co", json!(null)).await;
    let contact =
        json!({ "customerId": customer, "name": "Berta Bolt", "email": "b@bolt.example" });
    shop.run("addContact", contact).await;
    shop.run("openWarehouse", json!({ "code": "BOLT-1", "name": "Zürich" })).await;
    let product = shop.product("bolt-8", "2.50", 100).await;
    let mut order = Shop::order(&customer, &product, "1");
    order["reference"] = json!("PO-4711");
    shop.run("placeOrder", order).await;
    shop.run("postCreditNote", Shop::order(&customer, &product, "1")).await;
    app.settled().await;
    shop
}

#[test]
fn everything_is_searched_at_once_or_what_is_named() {
    test(async |app| {
        let shop = bolts(app).await;
        let found = ask(&shop, json!({ "q": "bolt" })).await;
        let mut all = types(&found);
        all.sort();
        let every = ["Contact", "CreditNote", "Customer", "Order", "Product", "Warehouse"];
        assert_eq!(all, every);
        assert_eq!(found["total"], 6);
        let counted: i64 = found["facets"][0]["values"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|value| value["count"].as_i64().expect("a count"))
            .sum();
        assert_eq!(counted, 6, "{}", found["facets"]);
        let first = types(&found);
        assert!(["Product", "Warehouse"].contains(&first[0].as_str()), "codes first: {first:?}");
        let some = json!({ "q": "bolt", "in": ["CUSTOMERS", "ORDERS"] });
        let mut some = types(&ask(&shop, some).await);
        some.sort();
        assert_eq!(some, ["Customer", "Order"]);
        assert_eq!(types(&ask(&shop, json!({ "q": "bolt", "in": [] })).await), [] as [&str; 0]);
        let (mut seen, mut after) = (Vec::new(), json!(null));
        for _ in 0..3 {
            let page = ask(&shop, json!({ "q": "bolt", "first": 2, "after": after })).await;
            seen.extend(types(&page));
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(seen, first);
    });
}

#[test]
fn each_feature_is_found_by_its_own_words() {
    test(async |app| {
        let shop = bolts(app).await;
        let number = "{ orders { nodes { number } } }";
        let number =
            shop.client.ask(number, json!({})).await["orders"]["nodes"][0]["number"].clone();
        let number = number.as_str().expect("a number").to_owned();
        let plain = number.replace('-', "").to_lowercase();
        for (search, query) in [
            ("searchProducts", "bolt8"),
            ("searchCustomers", "Bold"),
            ("searchContacts", "berta"),
            ("searchContacts", "berat bolt"),
            ("searchContacts", "b@bolt.ex"),
            ("searchWarehouses", "zurich"),
            ("searchWarehouses", "BLOT-1"),
            ("searchOrders", "po4711"),
            ("searchOrders", "PO-47"),
            ("searchOrders", "4711 bolt"),
            ("searchOrders", number.as_str()),
            ("searchOrders", plain.as_str()),
            ("searchCreditNotes", "bolt"),
        ] {
            let document = format!(
                "query($q: String!) {{ {search}(query: $q) {{ total edges {{ score \
                 highlights {{ field }} node {{ id }} }} }} }}"
            );
            let found = shop.client.ask(&document, json!({ "q": query })).await[search].clone();
            assert_eq!(found["total"], 1, "{search} {query}: {found}");
            let marked = found["edges"][0]["highlights"].as_array().map(Vec::len);
            assert!(marked > Some(0), "{search} {query}: {found}");
        }
    });
}

#[test]
fn a_record_that_is_closed_is_found_as_it_is_now() {
    test(async |app| {
        let shop = bolts(app).await;
        let customers = "query($q: String!, $at: String) { searchCustomers(query: $q, atLeast: $at,
            facets: [STATUS]) { facets { values { value count } } edges { node { id status } } } }";
        let found = shop.client.ask(customers, json!({ "q": "bolt" })).await;
        let node = found["searchCustomers"]["edges"][0]["node"].clone();
        assert_eq!(node["status"], "ACTIVE");
        let hold = json!({ "customerId": node["id"], "reason": "late" });
        let held = shop.run("holdCustomer", hold).await;
        let now = json!({ "q": "bolt", "at": held["position"] });
        let found = shop.client.ask(customers, now).await["searchCustomers"].clone();
        assert_eq!(found["edges"][0]["node"]["status"], "ON_HOLD");
        assert_eq!(found["facets"][0]["values"], json!([{ "value": "ON_HOLD", "count": 1 }]));
    });
}
