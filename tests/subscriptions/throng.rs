//! Claims about a thousand subscribers with filters of their own over two gateways, who come and go
//! while orders are placed and cancelled: at the end each holds what its list shows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gateway::config::Config;
use harness::socket::Heard;
use harness::{Dice, Shop, Socket, test_with};
use serde_json::{Value, json};

use super::administrator;
use super::trade::Trade;

const SUBSCRIBERS: usize = 1_000;
const WRITERS: u64 = 4;
const STEPS: usize = 60;
const WATCH: &str = "subscription($f: OrdersFilter, $after: String) { \
    ordersChanged(filter: $f, after: $after) { kind recordId cursor order { id version } } }";
const LIST: &str = "query($f: OrdersFilter, $after: String) { \
    orders(filter: $f, first: 100, after: $after) { \
        nodes { id version } position pageInfo { hasNextPage endCursor } } }";

/// What somebody holds of a list: records by their ids, each with its version; and up to where.
#[derive(Default)]
struct Held {
    records: BTreeMap<String, i64>,
    cursor: String,
}

/// What all subscribers come to.
#[derive(Default)]
struct Counts {
    told: AtomicUsize,
    came: AtomicUsize,
    reloads: AtomicUsize,
}

/// The list as a query shows it, page by page; and from where on it is to be followed.
async fn listed(shop: &Shop, filter: &Value) -> Held {
    let (mut held, mut after) = (Held::default(), Value::Null);
    loop {
        let page = shop.client.ask(LIST, json!({ "f": filter, "after": after })).await;
        let orders = &page["orders"];
        for order in orders["nodes"].as_array().expect("a page") {
            held.records.insert(text(&order["id"]), order["version"].as_i64().expect("one"));
        }
        if held.cursor.is_empty() {
            held.cursor = text(&orders["position"]);
        }
        if orders["pageInfo"]["hasNextPage"] == false {
            return held;
        }
        after = orders["pageInfo"]["endCursor"].clone();
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A subscriber.
struct Subscriber {
    url: String,
    shop: Shop,
    filter: Value,
    held: Arc<Mutex<Held>>,
    dice: Dice,
    counts: Arc<Counts>,
    calm: Arc<AtomicBool>,
}

impl Subscriber {
    /// Follows its list, and is cut off now and then until things calm down.
    async fn run(mut self) {
        loop {
            let mut socket = Socket::ready(&self.url, administrator()).await;
            let cursor = self.held.lock().unwrap().cursor.clone();
            socket.subscribe("1", WATCH, json!({ "f": self.filter, "after": cursor })).await;
            self.counts.came.fetch_add(1, Ordering::Relaxed);
            let until = Instant::now() + Duration::from_millis(self.dice.between(200, 6_000));
            while self.calm.load(Ordering::Relaxed) || Instant::now() < until {
                let heard = tokio::time::timeout(Duration::from_millis(300), socket.heard()).await;
                match heard {
                    Ok(Heard::Message(message)) => self.hear(&message).await,
                    Ok(other) => panic!("{other:?}"),
                    Err(_) => {}
                }
            }
        }
    }

    async fn hear(&self, message: &Value) {
        assert_eq!(message["type"], "next", "{message}");
        let change = &message["payload"]["data"]["ordersChanged"];
        self.counts.told.fetch_add(1, Ordering::Relaxed);
        if change["kind"] == "RELOAD" {
            self.counts.reloads.fetch_add(1, Ordering::Relaxed);
            let records = listed(&self.shop, &self.filter).await.records;
            let cursor = text(&change["cursor"]);
            *self.held.lock().unwrap() = Held { records, cursor };
            return;
        }
        let mut held = self.held.lock().unwrap();
        held.cursor = text(&change["cursor"]);
        let id = text(&change["recordId"]);
        match change["order"]["version"].as_i64() {
            Some(version) => held.records.insert(id, version),
            None => held.records.remove(&id),
        };
    }
}

/// Filters that tell orders apart in many ways.
fn filters(customers: &[String]) -> Vec<Value> {
    let mut all = vec![json!({}), json!({ "status": { "eq": "CANCELLED" } })];
    for customer in customers {
        all.push(json!({ "customerId": { "eq": customer } }));
        all.push(json!({ "customerId": { "ne": customer }, "status": { "eq": "PLACED" } }));
    }
    for net in [5, 20, 40, 60, 80, 100, 130] {
        all.push(json!({ "net": { "gte": net.to_string() } }));
        all.push(json!({ "not": { "net": { "lt": net.to_string() } },
            "status": { "in": ["PLACED", "CANCELLED"] } }));
        all.push(json!({ "or": [{ "net": { "lt": net.to_string() } },
            { "status": { "eq": "CANCELLED" } }] }));
    }
    all
}

#[test]
fn a_thousand_subscribers_who_come_and_go_hold_what_their_lists_show() {
    let mut config = Config::default();
    config.live.subscriptions_per_user_max = 2 * SUBSCRIBERS;
    test_with(config.clone(), async |app| {
        let other = app.beside(config, false).await;
        let shop = Shop::open(&app.administrator(), "acme").await;
        let mut trade = Trade::begin(&shop, 1).await;
        for _ in 0..10 {
            trade.order().await;
        }
        app.settled().await;
        let customers = shop.client.ask("{ customers { nodes { id } } }", json!({})).await;
        let customers = customers["customers"]["nodes"].as_array().expect("customers").clone();
        let customers: Vec<String> = customers.iter().map(|node| text(&node["id"])).collect();
        let filters = filters(&customers);
        let (counts, calm) = (Arc::<Counts>::default(), Arc::<AtomicBool>::default());
        let (mut dice, mut held) = (Dice::of(3), Vec::new());
        for number in 0..SUBSCRIBERS {
            let filter = filters[number % filters.len()].clone();
            let url = if number % 2 == 0 { &app.url } else { &other.url };
            let knows = Arc::new(Mutex::new(listed(&shop, &filter).await));
            held.push((filter.clone(), knows.clone()));
            let subscriber = Subscriber {
                url: url.clone(),
                shop: shop.clone(),
                filter,
                held: knows,
                dice: dice.others(),
                counts: counts.clone(),
                calm: calm.clone(),
            };
            tokio::spawn(subscriber.run());
        }
        let writers = (0..WRITERS).map(async |seed| {
            let mut trade = Trade::begin(&shop, 10 + seed).await;
            for _ in 0..STEPS {
                trade.order().await;
            }
        });
        join_all(writers).await;
        calm.store(true, Ordering::Relaxed);
        app.settled().await;
        let mut shown = Vec::new();
        for filter in &filters {
            shown.push(listed(&shop, filter).await.records);
        }
        let began = Instant::now();
        loop {
            let wrong = held.iter().enumerate().filter(|(number, (_, held))| {
                held.lock().unwrap().records != shown[number % filters.len()]
            });
            let wrong: Vec<usize> = wrong.map(|(number, _)| number).collect();
            if wrong.is_empty() {
                break;
            }
            let late = began.elapsed() > Duration::from_secs(60);
            let filter = &held[wrong[0]].0;
            assert!(!late, "{} hold something else, such as {filter}", wrong.len());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let told = counts.told.load(Ordering::Relaxed);
        let came = counts.came.load(Ordering::Relaxed);
        assert!(told > 20 * SUBSCRIBERS && came > SUBSCRIBERS, "{told} told, {came} came");
        other.end().await;
    });
}
