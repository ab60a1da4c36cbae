//! A server with products and customers, to be loaded: as many of each as the yardstick of
//! `procedure` has, through the front door.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use harness::Program;
use harness::cluster::TestDatabase;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::http::{Door, id_of, on_one_thread};

const SLUG: &str = "bench";
/// The metric that tells how far each read model is behind.
const LAG: &str = "millrace_projection_lag_positions{";
/// Connections while the market is filled.
const FILLING: usize = 64;
/// How long read models may take to catch up.
const CATCH_UP_MAX: Duration = Duration::from_secs(120);

/// A server of its own, with a database of its own.
pub struct Server {
    pub program: Program,
    pub door: Door,
    database: TestDatabase,
    _data: TempDir,
}

impl Server {
    /// Starts one over an empty database.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// As [`Self::start`], with these settings.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let (data, database) = (harness::app::scratch(), TestDatabase::create().await);
        let url = [("DATABASE_URL", database.url.as_str())];
        let program = Program::serve(data.path(), &[&url, settings].concat());
        let token = std::fs::read_to_string(data.path().join("admin-token")).expect("the token");
        let address = program.url.trim_start_matches("http://").to_owned();
        let door = Door { address, token: token.trim().to_owned(), organization: SLUG };
        Self { program, door, database, _data: data }
    }

    /// The address of its database.
    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// Registers the organization.
    pub async fn register(&self) {
        harness::Shop::open(&self.program.administrator(), SLUG).await;
    }

    /// Gives the requests, many at once; the ids of what they made, in order.
    pub async fn give(&self, requests: Vec<Vec<u8>>) -> Vec<String> {
        let door = self.door.clone();
        on_one_thread(async move {
            let connections = join_all((0..FILLING).map(|_| door.connect())).await;
            let share = requests.len().div_ceil(FILLING).max(1);
            let work = connections.into_iter().zip(requests.chunks(share));
            let work = work.map(|(mut connection, requests)| async move {
                let mut ids = Vec::with_capacity(requests.len());
                for request in requests {
                    let answer = connection.exchange(request).await;
                    ids.push(id_of(answer).unwrap_or_else(|| panic!("{answer}")).to_owned());
                }
                ids
            });
            join_all(work).await.concat()
        })
        .await
    }

    /// What a metric without labels says.
    pub async fn metric(&self, name: &str) -> f64 {
        let (_, _, metrics) = self.program.administrator().get("/metrics").await;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or(0.0)
    }

    /// Waits until every read model shows everything that was answered; how long that took.
    pub async fn caught_up(&self) -> Duration {
        let (started, client) = (Instant::now(), self.program.administrator());
        loop {
            let (_, _, metrics) = client.get("/metrics").await;
            let lags = metrics.lines().filter(|line| line.starts_with(LAG));
            let lags: Vec<&str> = lags.filter_map(|line| line.rsplit(' ').next()).collect();
            assert!(!lags.is_empty(), "no lag is told: {metrics}");
            if lags.iter().all(|lag| *lag == "0") {
                return started.elapsed();
            }
            assert!(started.elapsed() < CATCH_UP_MAX, "the read models stay behind: {lags:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends it; it has to end well.
    pub async fn stop(self) {
        let Self { program, database, .. } = self;
        assert!(program.terminate(Duration::from_secs(20)).success(), "millrace ends well");
        database.remove().await;
    }
}

/// Products and customers, by their ids.
pub struct Market {
    products: Vec<String>,
    customers: Vec<String>,
}

impl Market {
    /// Fills a server with so many products, each with more stock than can be sold, and as many
    /// customers, each with a credit limit that none reaches.
    pub async fn open(server: &Server, count: usize) -> Self {
        server.register().await;
        let make = |name: &str, input: &dyn Fn(usize) -> String| -> Vec<Vec<u8>> {
            (0..count).map(|number| server.door.mutation(name, &input(number))).collect()
        };
        let products = server.give(make("createProduct", &|number| {
            let price = format!(r#"{{"amount":"{}.99","currency":"EUR"}}"#, number % 100);
            format!(r#"{{"sku":"A-{number}","name":"Item {number}","listPrice":{price}}}"#)
        }));
        let products = products.await;
        let of = |number: usize| format!(r#""productId":"{}""#, products[number]);
        let publish = make("publishProduct", &|number| format!("{{{}}}", of(number)));
        server.give(publish).await;
        let receive = make("receiveStock", &|number| {
            format!(r#"{{{},"quantity":"1000000000"}}"#, of(number))
        });
        server.give(receive).await;
        let customers = server.give(make("openCustomer", &|number| {
            format!(r#"{{"name":"Customer {number}","creditLimit":"1000000000"}}"#)
        }));
        let market = Self { customers: customers.await, products };
        server.caught_up().await;
        market
    }

    /// The customers.
    pub fn customers(&self) -> &[String] {
        &self.customers
    }

    /// A client that orders five lines each time, as the yardstick does: a random customer; of each
    /// fifth of the products a random one; 1, 2, 3, 4 and 5 of them.
    pub fn buyer(self: &Arc<Self>, door: &Door, seed: u64) -> impl FnMut() -> Vec<u8> + use<> {
        const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
        let lines: Vec<String> = (1..=5)
            .map(|quantity| format!(r#"{{"productId":"{NOBODY}","quantity":"{quantity}"}}"#))
            .collect();
        let input = format!(r#"{{"customerId":"{NOBODY}","lines":[{}]}}"#, lines.join(","));
        let mut request = door.mutation("placeOrder", &input);
        let text = String::from_utf8(request.clone()).expect("a request in UTF-8");
        let places: Vec<usize> = text.match_indices(NOBODY).map(|(place, _)| place).collect();
        let market = self.clone();
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        move || {
            let Self { products, customers } = &*market;
            let fifth = products.len() / 5;
            for (index, place) in places.iter().enumerate() {
                let id = match index.checked_sub(1) {
                    None => &customers[dice.random_range(0..customers.len())],
                    Some(line) => &products[line * fifth + dice.random_range(0..fifth)],
                };
                request[*place..*place + NOBODY.len()].copy_from_slice(id.as_bytes());
            }
            request.clone()
        }
    }
}
