//! Twenty buyers who place orders until told to stop, and write down what they were told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use harness::shop::mutation_of;
use harness::{Client, Program, Shop};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const BUYERS: usize = 20;

/// An order that somebody wants, under its key.
#[derive(Debug, Clone)]
pub(crate) struct Purchase {
    pub(crate) key: String,
    pub(crate) input: Value,
}

/// What the buyers know.
#[derive(Default)]
struct Notes {
    /// The id of the order, by key.
    acknowledged: HashMap<String, String>,
    /// What nobody has answered, or what was answered with "try again".
    open: Vec<Purchase>,
    /// The position of the latest acknowledged order.
    position: Option<String>,
}

/// A shop, and who buys there.
pub(crate) struct Market {
    customers: Vec<String>,
    products: Vec<String>,
    notes: Arc<Mutex<Notes>>,
    next: Arc<AtomicU64>,
}

/// Buyers at work.
pub(crate) struct Load {
    buyers: JoinSet<()>,
    stop: Arc<AtomicBool>,
}

impl Load {
    /// Lets everybody finish what they are at.
    pub(crate) async fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.buyers.join_next().await {
            ended.expect("a buyer ends well");
        }
    }
}

fn client(program: &Program) -> Client {
    program.administrator().within("acme")
}

impl Market {
    /// Opens the shop.
    pub(crate) async fn open(program: &Program) -> Self {
        let shop = Shop::open(&program.administrator(), "acme").await;
        let (mut customers, mut products) = (Vec::new(), Vec::new());
        for number in 0..3 {
            customers.push(shop.customer(&format!("Customer {number}"), json!(null)).await);
            products.push(shop.product(&format!("A-{number}"), "2.50", 1_000_000).await);
        }
        let (notes, next) = (Arc::default(), Arc::default());
        Self { customers, products, notes, next }
    }

    /// Sends the buyers off.
    pub(crate) fn load(&self, program: &Program) -> Load {
        let (mut buyers, stop) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
        for _ in 0..BUYERS {
            let (client, stop, notes) = (client(program), stop.clone(), self.notes.clone());
            let (customers, products) = (self.customers.clone(), self.products.clone());
            let next = self.next.clone();
            buyers.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let purchase = purchase(&customers, &products, number);
                    if buy(&client, &purchase, &notes).await.is_err() {
                        lock(&notes).open.push(purchase);
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            });
        }
        Load { buyers, stop }
    }

    /// Ids of acknowledged orders by key.
    pub(crate) fn acknowledged(&self) -> HashMap<String, String> {
        lock(&self.notes).acknowledged.clone()
    }

    /// Repeats, with its key, everything that was not acknowledged, until it is.
    pub(crate) async fn repeat_open(&self, program: &Program) {
        let client = client(program);
        let open = std::mem::take(&mut lock(&self.notes).open);
        for purchase in open {
            let since = Instant::now();
            while let Err(told) = buy(&client, &purchase, &self.notes).await {
                assert!(since.elapsed() < Duration::from_secs(60), "{purchase:?}: {told}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// What was acknowledged is acknowledged again, as what it was.
    pub(crate) async fn repeat_some(&self, program: &Program) {
        let client = client(program);
        for (key, id) in self.acknowledged().into_iter().take(20) {
            let number = key.parse().expect("the number of a purchase");
            let purchase = purchase(&self.customers, &self.products, number);
            let again = attempt(&client, &purchase).await.expect("an answer");
            assert_eq!((&again["repeated"], &again["id"]), (&json!(true), &json!(id)), "{key}");
        }
    }

    /// Waits until the read models hold the latest acknowledged order.
    pub(crate) async fn catch_up(&self, program: &Program) {
        let position = lock(&self.notes).position.clone().expect("an acknowledged order");
        self.catch_up_with(program, &position).await;
    }

    /// Waits until the read models hold what was written at a position.
    pub(crate) async fn catch_up_with(&self, program: &Program, position: &str) {
        let nobody = "01890000-0000-7000-8000-000000000000";
        let query = "query($at: String, $id: ID!) { \
            orders(first: 1, atLeast: $at) { nodes { id } } \
            customer(id: $id, atLeast: $at) { id } \
            product(sku: \"A-0\", atLeast: $at) { stock { reserved } } \
            salesByMonth(atLeast: $at) { orders } salesByCustomer(atLeast: $at) { orders } \
            salesByProduct(atLeast: $at) { lines } }";
        client(program).ask(query, json!({ "at": position, "id": nobody })).await;
    }
}

fn lock(notes: &Mutex<Notes>) -> std::sync::MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The purchase of a number: always the same one.
fn purchase(customers: &[String], products: &[String], number: u64) -> Purchase {
    let at = |offset: u64| usize::try_from((number + offset) % 3).unwrap_or_default();
    let line = |offset: u64, quantity: &str| {
        let product = &products[at(offset)];
        json!({ "productId": product, "quantity": quantity })
    };
    let key = number.to_string();
    let input = json!({
        "customerId": customers[at(number / 3)], "lines": [line(0, "1"), line(1, "2")],
        "idempotencyKey": key,
    });
    Purchase { key, input }
}

async fn attempt(client: &Client, purchase: &Purchase) -> Result<Value, String> {
    let variables = json!({ "input": purchase.input });
    let answer = client.try_post(&mutation_of("placeOrder"), variables).await;
    let (_, _, body) = answer.map_err(|error| error.to_string())?;
    match body["errors"][0]["extensions"]["code"].as_str() {
        None => Ok(body["data"]["placeOrder"].clone()),
        Some(code @ ("BUSY" | "UNAVAILABLE" | "UNANSWERED" | "TIMEOUT")) => Err(code.to_owned()),
        Some(_) => panic!("{purchase:?}: {body}"),
    }
}

/// Buys, and writes down the acknowledgement.
async fn buy(client: &Client, purchase: &Purchase, notes: &Mutex<Notes>) -> Result<(), String> {
    let order = attempt(client, purchase).await?;
    let text = |name: &str| order[name].as_str().unwrap_or_default().to_owned();
    let (id, position) = (text("id"), text("position"));
    assert!(!id.is_empty() && !position.is_empty(), "{order}");
    let at = |text: &str| gateway::position::decode("position", text).expect("a position");
    let mut notes = lock(notes);
    if notes.position.as_deref().is_none_or(|latest| at(latest) < at(&position)) {
        notes.position = Some(position);
    }
    let before = notes.acknowledged.insert(purchase.key.clone(), id);
    assert_eq!(before, None, "{purchase:?} was acknowledged before");
    Ok(())
}
