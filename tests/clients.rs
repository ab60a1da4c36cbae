//! Claims about programs of others that talk to the gateway as they talk to any other: audits,
//! normalising caches, compilers of documents. Their packages are those of `tests/clients`.

mod audit;
mod caches;
mod pages;
mod streams;

use harness::{Shop, TestApp};
use serde_json::json;

/// A seller with customers, products and orders, the last one first in lists.
async fn traded(app: &TestApp) -> Shop {
    let shop = Shop::open(&app.administrator(), "acme").await;
    let bolt = shop.product("A-1", "2.50", 100).await;
    let nut = shop.product("A-2", "0.75", 100).await;
    for name in ["Bolt & Co", "Nut AG", "Schraube GmbH", "Vis SA", "Vite Srl"] {
        app.clock.advance(chrono::Duration::seconds(1));
        let customer = shop.customer(name, json!("1000")).await;
        let lines = json!([
            { "productId": bolt, "quantity": "2" },
            { "productId": nut, "quantity": "3" },
        ]);
        shop.run("placeOrder", json!({ "customerId": customer, "lines": lines })).await;
    }
    app.settled().await;
    shop
}
