//! `growth`: whether the rates fall as the log grows, from a million facts to ten; on a server of
//! its own, set up as the README advises for such logs.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use events::log::{Log, LogId, LogLimits, StreamKey};
use events::words::Position;
use gateway::postgres::{Embedded, EmbeddedOptions};
use gateway::verbs::parts::address;
use harness::cluster::{TestDatabase, options, target};
use serde_json::{Map, json};
use tempfile::TempDir;

use crate::Scale;
use crate::append::{Payloads, appends};
use crate::check::checked;
use crate::filling::{Filling, LONG};
use crate::machine::memory_gb;
use crate::report::{Goal, Row};
use crate::rounds::{median, rounded};

/// What is measured at each length.
const RATES: [&str; 5] = ["append_64", "append_512", "read", "load_100", "check_log"];

/// Facts that are read at once, and so long.
const PAGE: i64 = 1_000;

/// A log that grows.
struct Growing {
    server: Embedded,
    /// Where it is.
    place: TempDir,
    database: TestDatabase,
    log: Log,
    payloads: Arc<Payloads>,
    /// Streams of a hundred facts.
    long: Vec<StreamKey>,
}

impl Growing {
    async fn begin() -> Self {
        let place = scratch_in(&target());
        let megabytes = buffers_mb();
        let options = options(place.path());
        let buffers = ("shared_buffers".to_owned(), format!("{megabytes}MB"));
        let settings = options.settings.iter().cloned().chain([buffers]).collect();
        let server = Embedded::start(EmbeddedOptions { settings, ..options }).await.unwrap();
        let config = address(&server.url()).unwrap();
        let database = TestDatabase::within(place.path(), config).await;
        let log = Log::open(&database.config, LogId::default(), LogLimits::default()).await;
        let log = log.unwrap();
        Self { server, place, database, log, payloads: Arc::new(Payloads::new()), long: Vec::new() }
    }

    /// Fills it until there are so many facts.
    async fn grow(&mut self, facts: usize) {
        let there = self.log.head().await.unwrap().0 as usize;
        let filling = Filling {
            facts: facts.saturating_sub(there),
            callers: 8,
            append_facts: if facts < 100_000 { 20 } else { 1_000 },
        };
        let began = Instant::now();
        self.long.extend(filling.fill(&self.log, &self.payloads).await);
        // What a log that grows slowly has long since: statistics, and no work left over.
        let upkeep = "vacuum analyze log.events; checkpoint";
        let client = self.database.connect().await;
        for statement in upkeep.split("; ") {
            client.batch_execute(statement).await.unwrap();
        }
        eprintln!("growth: {facts} facts after {:.0} s", began.elapsed().as_secs_f64());
    }

    /// Each of the rates, in the median of some rounds.
    async fn rates(&self, scale: Scale) -> [f64; 5] {
        let mut rounds: [Vec<f64>; 5] = Default::default();
        for round in 0..scale.growth_rounds {
            for (place, callers) in [64, 512].into_iter().enumerate() {
                let length = scale.append_round;
                let done = appends(&self.log, &self.payloads, (callers, 1), length).await;
                rounds[place].push(done.per_second);
            }
            rounds[2].push(self.read(scale.append_round).await);
            rounds[3].push(self.load(scale.append_round, round).await);
            rounds[4].push(checked(&self.database).await);
        }
        rounds.map(|rates| median(rates.into_iter()))
    }

    /// Facts a second, read forward from the middle on.
    async fn read(&self, length: Duration) -> f64 {
        let (began, mut facts) = (Instant::now(), 0);
        let middle = Position(self.log.head().await.unwrap().0 / 2);
        let mut after = middle;
        while began.elapsed() < length {
            let page = self.log.read_all(after, PAGE).await.unwrap();
            facts += page.len();
            after = page.last().map_or(middle, |last| last.position);
        }
        facts as f64 / began.elapsed().as_secs_f64()
    }

    /// Streams of a hundred facts a second, one after another, from all over the log.
    async fn load(&self, length: Duration, round: usize) -> f64 {
        // Coprime to any count of streams that is not its multiple: no neighbours, no repeats.
        const STRIDE: usize = 7_919;
        let (began, mut loads) = (Instant::now(), 0);
        while began.elapsed() < length {
            let stream = self.long[(round + loads) * STRIDE % self.long.len()];
            let mut facts = 0;
            self.log.load(&[(stream, 0)], |_| facts += 1).await.unwrap();
            assert_eq!(facts, LONG);
            loads += 1;
        }
        loads as f64 / began.elapsed().as_secs_f64()
    }
}

/// What the README advises: a quarter of the memory, and more than 4 GB are of no use here.
fn buffers_mb() -> u64 {
    ((memory_gb() * 1_000.0) as u64 / 4).clamp(128, 4_096)
}

/// A directory that is removed with the value, where there is room, and that any user may enter.
fn scratch_in(folder: &Path) -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::Builder::new().prefix("growth-").tempdir_in(folder).unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path(), open).unwrap();
    place
}

/// Bytes of the disk that a fact takes for a while: row, index entries, write-ahead log.
const DISK_BYTES_A_FACT: u64 = 2_000;

/// Fails before anything is written, if the disk has no room: a full one stops everybody's work.
fn room_for(facts: usize) {
    let folder = target();
    let output = Command::new("df").args(["--output=avail", "-B1"]).arg(&folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let free = said.lines().nth(1).and_then(|line| line.trim().parse::<u64>().ok());
    let free = free.unwrap_or_else(|| panic!("df does not tell what is free: {said}"));
    let needed = facts as u64 * DISK_BYTES_A_FACT;
    let shown = folder.display();
    assert!(free >= needed, "growth needs {needed} bytes at {shown}, and {free} are free");
}

pub async fn measure(scale: Scale) -> Row {
    let (before, after) = scale.grown_facts;
    room_for(after);
    let mut growing = Growing::begin().await;
    growing.grow(before).await;
    let short = growing.rates(scale).await;
    growing.grow(after).await;
    let long = growing.rates(scale).await;
    let Growing { server, place, database, log, .. } = growing;
    drop((log, database));
    server.stop().await.unwrap();
    drop(place);
    let mut details = Map::new();
    details.insert("shared_buffers_mb".to_owned(), json!(buffers_mb()));
    let mut lowest = f64::INFINITY;
    for ((name, short), long) in RATES.into_iter().zip(short).zip(long) {
        details.insert(name.to_owned(), json!([rounded(short), rounded(long)]));
        lowest = lowest.min(long / short);
    }
    Row {
        name: "growth",
        what: format!(
            "the lowest of the rates at {after} facts to those at {before}: appends, facts read \
             forward, streams of {LONG} facts loaded, facts checked, each a second"
        ),
        ours: lowest,
        baseline: None,
        unit: "x the rate before",
        ratio: None,
        goal: Goal::AtLeast(0.9),
        holds: true,
        details,
    }
}
