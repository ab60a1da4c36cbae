//! Claims about an import beside a `serve` that people work with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use harness::untidy::{PLAIN, Untidy};
use harness::{Program, Shop};
use rust_decimal::Decimal;
use serde_json::json;

use super::books::Books;
use super::place::{Imported, test};
use super::untidy::{expected, is_reported};

const SKU: &str = "71053";

#[test]
fn while_an_import_writes_people_place_orders_for_the_same_goods() {
    let untidy = Untidy::make(8, 300, PLAIN);
    test(async |place| {
        let program = Program::serve(&place.path("data"), &[("DATABASE_URL", place.url())]);
        let client = program.administrator().within("untidy");
        let shop = Shop { client };
        let register = json!({
            "slug": "untidy", "name": "Untidy", "currency": "CHF", "timeZone": "Europe/Zurich",
        });
        shop.run("registerOrganization", register).await;
        // The file names this product too: it is sold from the same stock.
        let product = shop.product(SKU, "2.50", 10_000_000).await;
        let open = json!({ "name": "Somebody here", "currency": "EUR" });
        let customer = shop.run("openCustomer", open).await;
        let customer = customer["id"].as_str().expect("an id").to_owned();
        let running = place.begin(&untidy);
        let stop = Arc::new(AtomicBool::new(false));
        let buyers: Vec<_> = (0..4)
            .map(|_| {
                let (shop, stop) = (shop.clone(), stop.clone());
                let order = Shop::order(&customer, &product, "2");
                tokio::spawn(async move {
                    let mut bought = 0;
                    while !stop.load(Ordering::Relaxed) {
                        shop.run("placeOrder", order.clone()).await;
                        bought += 1;
                    }
                    bought
                })
            })
            .collect();
        let ended = tokio::task::spawn_blocking(move || running.end()).await.expect("its end");
        stop.store(true, Ordering::Relaxed);
        let mut bought = 0;
        for buyer in buyers {
            bought += buyer.await.expect("a buyer ends well");
        }
        let (code, out, err) = ended;
        assert_eq!(code, 0, "{err}");
        let imported = Imported::read(&out, &place.path(""));
        is_reported(&imported, &untidy);
        assert!(bought > 20, "{bought}: nothing is tried");
        // The import has waited for what it wrote; what was bought since is waited for here.
        let query = "query($at: String) { orders(first: 1, atLeast: $at) { nodes { id } } \
            product(sku: \"71053\", atLeast: $at) { stock { reserved } } }";
        let last = shop.run("placeOrder", Shop::order(&customer, &product, "2")).await;
        let shown = shop.client.ask(query, json!({ "at": last["position"] })).await;
        let mut books = expected(&untidy);
        let sold: &mut Decimal = books.reserved.entry(SKU.to_owned()).or_default();
        *sold += Decimal::from(2 * (bought + 1));
        assert_eq!(shown["product"]["stock"][0]["reserved"], json!(sold.normalize().to_string()));
        *sold = sold.normalize();
        let found = Books::read(&place.connect().await, "Europe/Zurich").await;
        found.are(&books);
    });
}

#[test]
fn two_imports_of_one_file_at_once_create_nothing_twice() {
    let untidy = Untidy::make(9, 300, PLAIN);
    test(async |place| {
        let elsewhere = place.beside();
        let both = [place.begin(&untidy), elsewhere.begin(&untidy)];
        let mut created = 0;
        for (running, place) in both.into_iter().zip([place, &elsewhere]) {
            let (code, out, err) = running.end();
            assert_eq!(code, 0, "{err}");
            let imported = Imported::read(&out, &place.path(""));
            is_reported(&imported, &untidy);
            created += imported.summary["orders"]["created"].as_u64().expect("a count");
        }
        let expected = expected(&untidy);
        assert_eq!(created, expected.orders.len() as u64, "each order was created by one of them");
        Books::read(&place.connect().await, "Europe/Zurich").await.are(&expected);
    });
}
