//! Claims about an import beside a `serve` that people work with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use harness::untidy::{PLAIN, Untidy};
use harness::{Program, Shop};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::books::Books;
use super::place::{Imported, test};
use super::untidy::{expected, is_reported};

/// Somebody who buys two of a product, again and again, with a pause in between.
struct Buyer {
    task: JoinHandle<u32>,
    sku: &'static str,
}

impl Buyer {
    fn start(
        shop: &Shop,
        (sku, order): (&'static str, Value),
        pause: Duration,
        stop: &Arc<AtomicBool>,
    ) -> Self {
        let (shop, stop) = (shop.clone(), stop.clone());
        let task = tokio::spawn(async move {
            let mut bought = 0;
            while !stop.load(Ordering::Relaxed) {
                shop.run("placeOrder", order.clone()).await;
                bought += 1;
                tokio::time::sleep(pause).await;
            }
            bought
        });
        Self { task, sku }
    }
}

#[test]
fn while_an_import_writes_people_place_orders() {
    let untidy = Untidy::make(8, 300, PLAIN);
    test(async |place| {
        let program = Program::serve(&place.path("data"), &[("DATABASE_URL", place.url())]);
        let shop = Shop { client: program.administrator().within("untidy") };
        let register = json!({
            "slug": "untidy", "name": "Untidy", "currency": "CHF", "timeZone": "Europe/Zurich",
        });
        shop.run("registerOrganization", register).await;
        let open = json!({ "name": "Somebody here", "currency": "EUR" });
        let customer = shop.run("openCustomer", open).await;
        let customer = customer["id"].as_str().expect("an id").to_owned();
        // The file names the first of these too: it is sold from the same stock.
        let (mut wanted, mut buyers, stop) = (Vec::new(), Vec::new(), Arc::default());
        for sku in ["71053", "OWN"] {
            let product = shop.product(sku, "2.50", 10_000_000).await;
            wanted.push((sku, Shop::order(&customer, &product, "2")));
        }
        let running = place.begin(&untidy);
        for _ in 0..4 {
            buyers.push(Buyer::start(&shop, wanted[1].clone(), Duration::ZERO, &stop));
        }
        buyers.push(Buyer::start(&shop, wanted[0].clone(), Duration::from_millis(500), &stop));
        let ended = tokio::task::spawn_blocking(move || running.end()).await.expect("its end");
        stop.store(true, Ordering::Relaxed);
        let mut books = expected(&untidy);
        for buyer in buyers {
            let bought = buyer.task.await.expect("a buyer ends well");
            assert!(bought > 0, "nothing is tried");
            *books.reserved.entry(buyer.sku.to_owned()).or_default() += Decimal::from(2 * bought);
        }
        let (code, out, err) = ended;
        assert_eq!(code, 0, "{err}");
        let imported = Imported::read(&out, &place.path(""));
        is_reported(&imported, &untidy);
        // The import has waited for what it wrote; what was bought since is waited for here.
        let last = shop.run("placeOrder", wanted[1].1.clone()).await;
        let at = json!({ "at": last["position"] });
        let query = "query($at: String) { orders(first: 1, atLeast: $at) { nodes { id } } \
            product(sku: \"OWN\", atLeast: $at) { stock { reserved } } }";
        shop.client.ask(query, at).await;
        *books.reserved.entry("OWN".to_owned()).or_default() += Decimal::TWO;
        let mut found = Books::read(&place.connect().await, "Europe/Zurich").await;
        for sums in [&mut books.reserved, &mut found.reserved] {
            sums.values_mut().for_each(|sum| *sum = sum.normalize());
        }
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
