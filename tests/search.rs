//! Claims about search, through the front door: what is found, in which order, and by whom. How far
//! words are apart, and how a text becomes words, is claimed beside them.

mod borders;
mod everything;
mod products;

use harness::{Client, Shop, TestApp};
use serde_json::{Value, json};

/// A product with this SKU, name and description.
async fn product(shop: &Shop, sku: &str, name: &str, description: &str) -> Value {
    let created = shop.run("createProduct", json!({ "sku": sku, "name": name })).await;
    let description = (!description.is_empty()).then_some(description);
    let text = json!({
        "productId": created["id"], "locale": "en", "name": name, "description": description,
    });
    shop.run("describeProduct", text).await
}

/// A shop with a few products.
async fn catalogue(app: &TestApp) -> Shop {
    let shop = Shop::open(&app.administrator(), "acme").await;
    for (sku, name, description) in [
        ("AB-123456", "White hanging heart", "A t-light holder of glass"),
        ("AB-123457", "Red hanging heart", "Made of wood"),
        ("AB-99", "Crème brûlée set", "Six ramekins, a burner"),
        ("CD-7", "Christmas lantern", "Its heart is a candle"),
        ("HEART-1", "Lovebird hook", "Cast iron"),
        ("EF-1", "Größe L Straße", "<b>heart</b> & 'soul'"),
    ] {
        product(&shop, sku, name, description).await;
    }
    app.settled().await;
    shop
}

const PRODUCTS: &str = "query($q: String!, $first: Int, $after: String, $facets: [ProductFacet!],
    $at: String) {
    searchProducts(query: $q, first: $first, after: $after, facets: $facets, atLeast: $at) {
        total more facets { name values { value count } }
        edges { cursor score highlights { field parts { text marked } } node { sku } }
        pageInfo { hasNextPage hasPreviousPage endCursor } } }";

async fn ask(client: &Client, variables: Value) -> Value {
    client.ask(PRODUCTS, variables).await["searchProducts"].clone()
}

/// The SKUs of what is found, best first.
async fn skus(shop: &Shop, query: &str) -> Vec<String> {
    let found = ask(&shop.client, json!({ "q": query })).await;
    edges(&found).map(|edge| edge["node"]["sku"].as_str().expect("a SKU").to_owned()).collect()
}

fn edges(found: &Value) -> impl Iterator<Item = &Value> {
    found["edges"].as_array().into_iter().flatten()
}

/// The texts of a hit that fit, marked by brackets.
fn marked(edge: &Value) -> Vec<String> {
    let highlights = edge["highlights"].as_array().into_iter().flatten();
    let text = |highlight: &Value| -> String {
        let parts = highlight["parts"].as_array().into_iter().flatten();
        let parts = parts.map(|part| {
            let text = part["text"].as_str().expect("a text");
            if part["marked"] == true { format!("[{text}]") } else { text.to_owned() }
        });
        format!("{}: {}", highlight["field"].as_str().expect("a field"), parts.collect::<String>())
    };
    highlights.map(text).collect()
}
