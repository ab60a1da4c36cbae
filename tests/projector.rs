//! Claims about who feeds the read models: two at once, connections that die under them. Every fact
//! counts once, in sums too. Facts that cannot be read are in `workers::parked`.

use std::time::Duration;

use commands::customers::open::OpenCustomer;
use commands::orders::cancel::CancelOrder;
use commands::orders::place::{OrderLineInput, PlaceOrder};
use events::customers::CustomerId;
use events::log::{Log, LogId, LogLimits};
use events::orders::OrderId;
use events::personal::{Vault, VaultLimits};
use events::products::ProductId;
use futures_util::future::join_all;
use gateway::config::Config;
use gateway::master_keys::fresh_keys;
use harness::app::masters;
use harness::desk::{customer, order};
use harness::{Desk, TestApp, test_with};
use projections::Rollup;
use projections::sales::SalesByMonth;
use projections::watermarks::Watermarks;
use projections::watermarks::following::follow;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use workers::projector::{Projector, ProjectorLimits};

use crate::sales::books::Sales;
use crate::sales::notes;

/// Whoever writes read models in the test's database.
const WRITERS: &str = "from pg_stat_activity where datname = current_database() \
    and application_name = 'millrace projection'";

/// Pages so small that a trade has many.
const PAGE_FACTS: u32 = 20;

fn config() -> Config {
    let mut config = Config::default();
    config.projector.page_facts_max = PAGE_FACTS;
    config.projector.pause_max_ms = 100;
    config
}

/// A projector beside that of the app: another process.
pub(crate) struct Another {
    watermarks: Watermarks,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Another {
    pub(crate) async fn start(app: &TestApp) -> Self {
        let database = &app.database.config;
        let log = Log::open(database, LogId::default(), LogLimits::default()).await;
        let names = projections::all().into_iter().map(|projection| projection.name());
        let watermarks = Watermarks::new(names);
        let limits = ProjectorLimits {
            page_facts_max: PAGE_FACTS,
            hot_records_max: 10,
            pause_max: Duration::from_millis(100),
            ..ProjectorLimits::default()
        };
        let log = log.expect("opening the log");
        let vault = Vault::new(log, masters(), fresh_keys(), VaultLimits::default());
        let database = database.clone();
        let projector = Projector::prepare(vault, database, watermarks.clone(), limits).await;
        let stop = CancellationToken::new();
        let task = tokio::spawn(projector.expect("a projector").run(stop.clone()));
        // What others write is heard of.
        let poll = Duration::from_millis(200);
        tokio::spawn(follow(app.database.config.clone(), watermarks.clone(), poll, stop.clone()));
        Self { watermarks, stop, task }
    }

    /// Waits until it holds everything, and stops it.
    pub(crate) async fn end(self, app: &TestApp) {
        let head = app.settled().await;
        let names: Vec<_> = self.watermarks.all().map(|(name, _)| name).collect();
        let caught_up = self.watermarks.wait(&names, head, Duration::from_secs(30)).await;
        caught_up.expect("the other projector holds everything");
        self.stop.cancel();
        self.task.await.expect("it ends well");
    }
}

/// An organization whose customers buy, think better of it, and are credited.
pub(crate) struct Market {
    pub(crate) desk: Desk,
    pub(crate) customers: Vec<CustomerId>,
    pub(crate) products: Vec<ProductId>,
}

impl Market {
    pub(crate) async fn open(app: &TestApp) -> Self {
        let desk = Desk::open(app, "acme").await;
        let yen = OpenCustomer { currency: "JPY".parse().ok(), ..customer("Nippon Bolts") };
        let mut customers = vec![CustomerId(desk.run(yen).await.id)];
        let mut products = Vec::new();
        for number in 0..2 {
            customers.push(desk.customer(&format!("Customer {number}")).await);
            products.push(desk.product(&format!("A-{number}"), 1_000_000).await);
        }
        Self { desk, customers, products }
    }

    fn purchase(&self, number: usize) -> PlaceOrder {
        let line = |at: usize| OrderLineInput {
            product_id: self.products[at % self.products.len()],
            quantity: (1 + number % 7).to_string().parse().expect("a quantity"),
            unit_price: Some(format!("{}.335", number % 11).parse().expect("a price")),
            warehouse_id: None,
        };
        let months = chrono::Months::new(u32::try_from(number % 5).unwrap_or_default());
        PlaceOrder {
            lines: (number..=number + number % 3).map(line).collect(),
            business_date: Some(self.desk.now.date_naive() - months),
            ..order(self.customers[number % self.customers.len()], self.products[0], 1)
        }
    }

    /// So many orders, ten at once; some are cancelled, some credited.
    pub(crate) async fn trade(&self, app: &TestApp, orders: usize) {
        for first in (0..orders).step_by(10) {
            let purchases = (first..first + 10).map(|number| async move {
                let placed = self.desk.run(self.purchase(number)).await.id;
                if number % 4 == 0 {
                    let (order_id, reason) = (OrderId(placed), "because".to_owned());
                    self.desk.run(CancelOrder { order_id, reason }).await;
                }
                if number % 4 == 1 {
                    notes::credit(app, self.desk.organization, placed).await;
                }
            });
            join_all(purchases).await;
        }
    }

    /// The sums are those of the documents in the log, of which there are so many.
    pub(crate) async fn adds_up(&self, app: &TestApp, orders: usize) {
        app.settled().await;
        let sales = Sales::read(app, self.desk.organization).await;
        assert_eq!(sales.orders(), (orders * 3 / 4, orders / 4));
        let unlike = sales.unlike(app, self.desk.organization).await;
        assert!(unlike.is_empty(), "{}", unlike.join("\n"));
    }
}

#[test]
fn what_two_projectors_write_counts_once() {
    test_with(config(), async |app| {
        let market = Market::open(app).await;
        let others = [Another::start(app).await, Another::start(app).await];
        market.trade(app, 400).await;
        let client = app.database.connect().await;
        let writers: i64 = client
            .query_one(&format!("select count(*) {WRITERS}"), &[])
            .await
            .expect("counting")
            .get(0);
        assert_eq!(usize::try_from(writers), Ok(3 * projections::all().len()), "all three write");
        for other in others {
            other.end(app).await;
        }
        market.adds_up(app, 400).await;
    });
}

#[test]
fn what_dying_connections_write_counts_once() {
    test_with(config(), async |app| {
        let market = Market::open(app).await;
        let other = Another::start(app).await;
        let (client, traded) = (app.database.connect().await, CancellationToken::new());
        let kill = format!("select count(pg_terminate_backend(pid)) {WRITERS}");
        let killing = async {
            let (mut killed, mut pause) = (0, 30);
            while !traded.is_cancelled() {
                killed += client.query_one(&kill, &[]).await.expect("killing").get::<_, i64>(0);
                pause = 20 + pause * 7 % 181;
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            killed
        };
        let trading = async {
            for _ in 0..5 {
                market.trade(app, 100).await;
            }
            traded.cancel();
        };
        let (killed, ()) = tokio::join!(killing, trading);
        assert!(killed > 50, "{killed} connections killed: nothing is tried");
        other.end(app).await;
        market.adds_up(app, 500).await;
    });
}

#[test]
fn of_a_page_in_whose_middle_a_projector_dies_nothing_counts_yet() {
    test_with(config(), async |app| {
        let market = Market::open(app).await;
        market.trade(app, 20).await;
        app.settled().await;
        let other = Another::start(app).await;
        let (holder, killer) = (app.database.connect().await, app.database.connect().await);
        let (name, version) = (SalesByMonth::NAME, SalesByMonth::VERSION);
        let hold = format!("begin; select 1 from {name}_v{version}.{name} for update");
        holder.batch_execute(&hold).await.expect("holding the rows");
        let pid: i32 =
            holder.query_one("select pg_backend_pid()", &[]).await.expect("a pid").get(0);
        market.trade(app, 20).await;
        // Whoever holds the checkpoint waits for the rows; the other waits for the checkpoint, and
        // is next.
        let kill = format!(
            "select count(pg_terminate_backend(pid)) {WRITERS} and $1 = any(pg_blocking_pids(pid))"
        );
        for _ in 0..6 {
            let since = std::time::Instant::now();
            while killer.query_one(&kill, &[&pid]).await.expect("killing").get::<_, i64>(0) == 0 {
                assert!(since.elapsed() < Duration::from_secs(30), "nobody writes the rows");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        holder.batch_execute("rollback").await.expect("letting go");
        other.end(app).await;
        market.adds_up(app, 40).await;
    });
}
