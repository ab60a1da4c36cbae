//! `beside_transaction`, `beside_dump`, `beside_vacuum`: appends and readers beside a neighbour
//! that others fear, and beside the same neighbour in another database: the processor that it takes
//! is taken from both, and what differs is what it does to the log. Why it does nothing: see
//! `tests/log/neighbours.rs`.

use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use events::log::{Log, LogId, LogLimits};
use events::words::Position;
use futures_util::StreamExt;
use harness::cluster::TestDatabase;
use serde_json::json;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Scale;
use crate::append::{Payloads, appends};
use crate::report::{Goal, Row};
use crate::rounds::{Round, Rounds, median, rounded};

/// A row, and how it is measured.
pub struct Beside {
    pub name: &'static str,
    what: &'static str,
    neighbour: Neighbour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Neighbour {
    /// A transaction that sees the database as it was when it began, a while ago.
    Transaction,
    /// `pg_dump`, again and again.
    Dump,
    /// `VACUUM` of the log's tables, again and again.
    Vacuum,
}

pub const ROWS: [Beside; 3] = [
    Beside {
        name: "beside_transaction",
        what: "a transaction that is open for a minute",
        neighbour: Neighbour::Transaction,
    },
    Beside { name: "beside_dump", what: "pg_dump", neighbour: Neighbour::Dump },
    Beside { name: "beside_vacuum", what: "VACUUM", neighbour: Neighbour::Vacuum },
];

const CALLERS: usize = 64;
/// While a transaction grows old: few, for what counts is the number of batches.
const CALLERS_AGING: usize = 4;
const PAGE: i64 = 1_000;
/// The least part of the rate that has to be left.
const LEFT: f64 = 0.9;

/// A log in a database of its own.
struct Place {
    database: TestDatabase,
    log: Log,
}

impl Place {
    async fn open() -> Self {
        let database = TestDatabase::create().await;
        let log = Log::open(&database.config, LogId::default(), LogLimits::default()).await;
        Self { log: log.unwrap(), database }
    }

    async fn close(self) {
        drop(self.log);
        self.database.remove().await;
    }
}

impl Beside {
    /// The row; none, if the neighbour cannot be had.
    pub async fn measure(&self, scale: Scale) -> Option<Row> {
        if self.neighbour == Neighbour::Dump {
            Command::new("pg_dump").arg("--version").stdout(Stdio::null()).status().await.ok()?;
        }
        let payloads = Arc::new(Payloads::new());
        let (own, other) = (Place::open().await, Place::open().await);
        for place in [&own, &other] {
            appends(&place.log, &payloads, (CALLERS, 1), scale.append_round).await;
        }
        let (mut rounds, mut reads, mut alone) = (Rounds::default(), Vec::new(), Vec::new());
        // Growing old takes a minute each time.
        let rounds_max = if self.neighbour == Neighbour::Transaction { 2 } else { usize::MAX };
        for _ in 0..scale.rounds.min(rounds_max) {
            alone.push(work(scale, &own, &payloads).await);
            let elsewhere = self.beside(scale, &other, &own, &payloads).await;
            let beside = self.beside(scale, &own, &own, &payloads).await;
            reads.push(beside.1 / elsewhere.1);
            rounds.baseline.push(elsewhere.0.per_second);
            rounds.ours.push(beside.0);
        }
        own.close().await;
        other.close().await;
        Some(self.row(&rounds, &reads, &alone))
    }

    fn row(&self, rounds: &Rounds, reads: &[f64], alone: &[(Round, f64)]) -> Row {
        let what = format!("appends of single facts, {CALLERS} callers, beside {}", self.what);
        let baseline = format!("beside {} in another database", self.what);
        let goal = Goal::Times(LEFT);
        let mut row = Row::of(self.name, &what, "facts/s", (rounds, &baseline, goal));
        let reads = median(reads.iter().copied());
        row.holds = reads >= LEFT;
        let alone_per_second = median(alone.iter().map(|(appended, _)| appended.per_second));
        row.details.insert("reads_ratio".to_owned(), json!(rounded(reads)));
        row.details.insert("alone_per_second".to_owned(), json!(rounded(alone_per_second)));
        row
    }

    /// Work in a place while the neighbour is in one.
    async fn beside(
        &self,
        scale: Scale,
        neighbours: &Place,
        place: &Place,
        payloads: &Arc<Payloads>,
    ) -> (Round, f64) {
        let neighbour = self.neighbour.begin(&neighbours.database).await;
        if self.neighbour == Neighbour::Transaction {
            appends(&place.log, payloads, (CALLERS_AGING, 1), scale.transaction_age).await;
        }
        let done = work(scale, place, payloads).await;
        assert!(!neighbour.is_finished(), "{} has gone", self.what);
        neighbour.abort();
        done
    }
}

/// Appends until a follower has seen them all; then reading from the beginning, facts a second.
async fn work(scale: Scale, place: &Place, payloads: &Arc<Payloads>) -> (Round, f64) {
    let (log, before) = (&place.log, place.log.head().await.unwrap());
    let (seen, mut follower) = watch::channel(before);
    let followed = log.clone();
    let following = tokio::spawn(async move {
        let mut pages = pin!(followed.follow(before, PAGE));
        while let Some(page) = pages.next().await {
            seen.send_replace(page.unwrap().last().unwrap().position);
        }
    });
    let started = Instant::now();
    let mut appended = appends(log, payloads, (CALLERS, 1), scale.append_round).await;
    let head = log.head().await.unwrap();
    follower.wait_for(|seen| *seen >= head).await.unwrap();
    appended.per_second = (head.0 - before.0) as f64 / started.elapsed().as_secs_f64();
    following.abort();
    (appended, read(log, scale.append_round / 2).await)
}

/// Reads the log forward, again and again: facts a second.
async fn read(log: &Log, round: Duration) -> f64 {
    let (started, mut after, mut facts) = (Instant::now(), Position(0), 0);
    while started.elapsed() < round {
        let page = log.read_all(after, PAGE).await.unwrap();
        facts += page.len();
        after = page.last().map_or(Position(0), |fact| fact.position);
    }
    facts as f64 / started.elapsed().as_secs_f64()
}

impl Neighbour {
    /// Begins; it ends with the task.
    async fn begin(self, database: &TestDatabase) -> JoinHandle<()> {
        let (client, url) = (database.connect().await, database.url.clone());
        match self {
            Self::Transaction => {
                let begin = "begin isolation level repeatable read; \
                    select count(*) from log.events";
                client.batch_execute(begin).await.unwrap();
                tokio::spawn(async move {
                    let _open = client;
                    std::future::pending().await
                })
            }
            Self::Vacuum => tokio::spawn(async move {
                loop {
                    client.batch_execute("vacuum log.events").await.unwrap();
                    client.batch_execute("vacuum log.batches").await.unwrap();
                }
            }),
            Self::Dump => tokio::spawn(async move {
                loop {
                    let mut dump = Command::new("pg_dump");
                    dump.arg(&url).stdout(Stdio::null()).kill_on_drop(true);
                    let dumped = dump.status().await.unwrap();
                    assert!(dumped.success(), "pg_dump: {dumped}");
                }
            }),
        }
    }
}
