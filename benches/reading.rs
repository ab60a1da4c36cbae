//! `read_log`, `load_100`, `load_cached`: reading the log forward and by streams, decoded, beside
//! PostgreSQL's own COPY; and states that are loaded beside states that are kept.

use std::pin::pin;
use std::time::{Duration, Instant};

use commands::State;
use commands::stock::StockItem;
use commands::stock::receive::ReceiveStock;
use events::log::{Log, LogId, LogLimits, Selection, StreamKey};
use events::stock::StockItemId;
use events::warehouses::WarehouseId;
use events::words::{OrganizationId, Quantity, Unit};
use events::{Event, Recorded};
use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt};
use harness::Desk;
use harness::cluster::TestDatabase;
use tokio_postgres::Client;

use crate::Scale;
use crate::append::Payloads;
use crate::report::{Goal, Row};
use crate::rounds::{Round, Rounds, median};

/// Facts of a page; as the export reads.
const PAGE: usize = 5_000;
/// Facts of each stock item: it is opened by the first.
const RECEIVED: usize = 100;
/// Streams that are loaded together, and by so many at once: as the executor does under load.
const TOGETHER: usize = 16;
const LOADERS: usize = 2;

/// A shop whose stock items have a hundred facts each.
struct Stock {
    database: TestDatabase,
    log: Log,
    desk: Desk,
    streams: Vec<StreamKey>,
    receive: Vec<ReceiveStock>,
}

impl Stock {
    async fn open(items: usize) -> Self {
        let database = TestDatabase::create().await;
        let log = Log::open(&database.config, LogId::default(), LogLimits::default()).await;
        let log = log.unwrap();
        let executor = commands::Executor::start(log.clone(), Default::default());
        let desk = Desk::found(executor, "bench", gateway::app::system_clock()()).await;
        let quantity = Quantity(1.into());
        let products = join_all((0..items).map(|item| {
            let desk = desk.clone();
            async move { desk.product(&format!("A-{item}"), 1).await }
        }));
        let receive = products.await.into_iter().map(|product_id| ReceiveStock {
            product_id,
            warehouse_id: None,
            quantity,
        });
        let receive: Vec<ReceiveStock> = receive.collect();
        // Opened, and received once.
        for _ in 2..RECEIVED {
            join_all(receive.iter().map(|receive| desk.run(receive.clone()))).await;
        }
        let organization = desk.organization;
        let streams = receive.iter().map(|receive| stream(organization, receive)).collect();
        database.connect().await.batch_execute("vacuum analyze log.events").await.unwrap();
        Self { database, log, desk, streams, receive }
    }

    async fn close(self) {
        let Self { database, log, desk, .. } = self;
        drop((log, desk));
        database.remove().await;
    }

    /// States a second, folded from the log.
    async fn load(&self, length: Duration) -> f64 {
        let began = Instant::now();
        let loaders = (0..LOADERS).map(|loader| {
            let (log, streams) = (self.log.clone(), self.streams.clone());
            tokio::spawn(async move {
                let mut loaded = 0;
                while began.elapsed() < length {
                    let from = (loaded * LOADERS + loader * TOGETHER) % (streams.len() - TOGETHER);
                    let wanted: Vec<_> =
                        streams[from..from + TOGETHER].iter().map(|key| (*key, 0)).collect();
                    let (mut state, mut facts) = (StockItem::default(), 0);
                    let fold = |raw| {
                        let recorded = Recorded::try_from(&raw).unwrap();
                        if let Event::Stock(fact) = &recorded.event {
                            state.evolve(fact);
                        }
                        facts += 1;
                    };
                    log.load(&wanted, fold).await.unwrap();
                    assert_eq!(facts, TOGETHER * RECEIVED);
                    loaded += TOGETHER;
                }
                loaded
            })
        });
        let loaded: usize = join_all(loaders).await.into_iter().map(Result::unwrap).sum();
        loaded as f64 / began.elapsed().as_secs_f64()
    }

    /// A command on each stock item, through this executor: commands a second.
    async fn receive(&self, desk: &Desk) -> Round {
        let began = Instant::now();
        let work = self.receive.iter().map(async |receive| {
            let asked = Instant::now();
            desk.run(receive.clone()).await;
            asked.elapsed().as_secs_f64()
        });
        let taken = join_all(work).await;
        Round::of(taken, self.receive.len(), began.elapsed())
    }
}

fn stream(organization: OrganizationId, receive: &ReceiveStock) -> StreamKey {
    let warehouse = WarehouseId::default_of(organization);
    let unit = Unit("piece".to_owned());
    let id = StockItemId::of(organization, receive.product_id, warehouse, &unit);
    StreamKey { organization: organization.0, id: id.0 }
}

/// Facts a second, read forward and decoded.
async fn read(log: &Log) -> f64 {
    let (began, mut facts) = (Instant::now(), 0);
    let mut pages = pin!(log.read(Selection::default(), PAGE));
    while let Some(page) = pages.next().await {
        for raw in page.unwrap() {
            std::hint::black_box(Recorded::try_from(&raw).unwrap());
            facts += 1;
        }
    }
    f64::from(facts) / began.elapsed().as_secs_f64()
}

/// Facts a second, as COPY brings them, in PostgreSQL's binary form; nothing is made of them.
async fn copy(client: &Client, facts: i64) -> f64 {
    let began = Instant::now();
    let copy = "copy log.events to stdout (format binary)";
    let bytes = client.copy_out(copy).await.unwrap();
    let bytes: usize = bytes.try_fold(0, async |sum, bytes| Ok(sum + bytes.len())).await.unwrap();
    assert!(bytes > 0);
    facts as f64 / began.elapsed().as_secs_f64()
}

/// The rows of this file that are wanted.
pub async fn measure(scale: Scale, wanted: impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    if wanted("read_log") {
        rows.push(log(scale).await);
    }
    let loads = [wanted("load_100"), wanted("load_cached")];
    if loads.contains(&true) {
        let measured = load(scale).await.into_iter().zip(loads);
        rows.extend(measured.filter(|(_, wanted)| *wanted).map(|(row, _)| row));
    }
    for (name, per_second) in [("follow_1000", 1_000), ("follow_20000", 20_000)] {
        if wanted(name) {
            rows.push(follow(scale, name, per_second).await);
        }
    }
    rows
}

/// Facts of orders and stock, as a shop leaves them.
async fn log(scale: Scale) -> Row {
    let stock = Stock::open(scale.read_items).await;
    let client = stock.database.connect().await;
    let facts = stock.log.head().await.unwrap().0;
    let mut rounds = Rounds::default();
    for _ in 0..scale.rounds {
        rounds.baseline.push(copy(&client, facts).await);
        let per_second = read(&stock.log).await;
        rounds.ours.push(Round { per_second, p50_ms: 0.0, p99_ms: 0.0 });
    }
    stock.close().await;
    let what = format!("{facts} facts of a shop, read forward and decoded, by one reader");
    let baseline = "COPY of the same rows to one client, binary, not decoded";
    let mut row = Row::of("read_log", &what, "facts/s", (&rounds, baseline, Goal::Times(0.8)));
    row.details.retain(|name, _| !name.ends_with("_ms"));
    row
}

/// States, loaded; and through the executor, loaded and kept.
async fn load(scale: Scale) -> [Row; 2] {
    let stock = Stock::open(scale.read_items).await;
    let (mut cold, mut rounds) = (Vec::new(), Rounds::default());
    // First, for commands make the streams longer.
    for _ in 0..scale.rounds {
        cold.push(stock.load(scale.append_round).await);
    }
    for _ in 0..scale.rounds {
        let executor = commands::Executor::start(stock.log.clone(), Default::default());
        let fresh = Desk { executor, ..stock.desk.clone() };
        rounds.baseline.push(stock.receive(&fresh).await.per_second);
        rounds.ours.push(stock.receive(&fresh).await);
    }
    let items = stock.streams.len();
    stock.close().await;
    let loaded = Row {
        name: "load_100",
        what: format!(
            "states of streams of {RECEIVED} facts folded from the log, {TOGETHER} streams a \
             statement, {LOADERS} at once; no snapshot, no cache"
        ),
        ours: median(cold.into_iter()),
        baseline: None,
        unit: "streams/s",
        ratio: None,
        goal: Goal::AtLeast(5_000.0),
        holds: true,
        details: Default::default(),
    };
    let what = format!("commands on {items} streams of {RECEIVED} facts at once, states kept");
    let baseline = "the same commands where no state is kept yet";
    let goal = Goal::Times(1.0);
    let kept = Row::of("load_cached", &what, "commands/s", (&rounds, baseline, goal));
    [loaded, kept]
}

/// How long it takes until a follower has a fact, at a steady rate of appends.
async fn follow(scale: Scale, name: &'static str, per_second: usize) -> Row {
    const TICKS_PER_SECOND: usize = 1_000;
    let database = TestDatabase::create().await;
    let log = Log::open(&database.config, LogId::default(), LogLimits::default()).await.unwrap();
    let payloads = Payloads::new();
    let each = per_second / TICKS_PER_SECOND;
    let ticks = (scale.follow.as_secs_f64() * TICKS_PER_SECOND as f64) as usize;
    let wanted = ticks * each;
    let followed = log.clone();
    let following = tokio::spawn(async move {
        let mut seen: Vec<Instant> = Vec::with_capacity(wanted);
        let mut pages = pin!(followed.follow(events::words::Position(0), 2_000));
        while seen.len() < wanted {
            let page = pages.next().await.unwrap().unwrap();
            seen.resize(seen.len() + page.len(), Instant::now());
        }
        seen
    });
    let mut tick = tokio::time::interval(Duration::from_secs(1) / TICKS_PER_SECOND as u32);
    let mut answers = Vec::with_capacity(ticks);
    for number in 0..ticks {
        tick.tick().await;
        let asked = Instant::now();
        let appends = (0..each).map(|at| {
            let stream = crate::append::stream(uuid::Uuid::now_v7());
            let facts = vec![payloads.fact(stream, number + at)];
            events::log::Append { facts, ..Default::default() }
        });
        let answered = log.append_all(appends.collect());
        answers.push(tokio::spawn(async move { (asked, answered.await) }));
    }
    let mut asked_at = vec![None; wanted];
    for answer in join_all(answers).await {
        let (asked, answers) = answer.unwrap();
        for answer in answers {
            match answer.unwrap() {
                events::log::Answer::Appended { first, .. } => {
                    asked_at[first.0 as usize - 1] = Some(asked);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let seen = following.await.unwrap();
    let taken =
        seen.iter().zip(asked_at).map(|(seen, asked)| (*seen - asked.unwrap()).as_secs_f64());
    let round = Round::of(taken.collect(), wanted, scale.follow);
    drop(log);
    database.remove().await;
    let rounds = Rounds { ours: vec![round.clone()], baseline: Vec::new() };
    Row {
        name,
        what: format!(
            "from an append being asked to its fact being at a follower of the same process, at \
             {per_second} facts/s, {each} a millisecond; 99 of 100"
        ),
        ours: round.p99_ms,
        baseline: None,
        unit: "ms",
        ratio: None,
        goal: Goal::AtMost(10.0),
        holds: true,
        details: rounds.details(),
    }
}
