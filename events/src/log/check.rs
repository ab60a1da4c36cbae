//! Checks a whole log against itself: positions, versions of streams, times, the hash chain. Here:
//! what is asked and answered, and how the log is dealt out in ranges to several connections. What
//! is looked at in a range stands in `check/`.

mod bad;
mod copied;
mod range;
mod streams;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Shared, PoisonError};

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_postgres::{Client, Config, Statement};

use super::chain::Sum;
use super::head::no_log;
use super::{Hash, Head, LogError, connect};
use crate::words::Position;
use range::Range;

pub use bad::{Bad, Kind};

/// These connections only ever go by the indexes, whatever PostgreSQL thinks of them while the
/// tables are small, and change nothing.
const SETTINGS: &str = "
    set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off;
    set enable_bitmapscan = off; set jit = off; set default_transaction_read_only = on;
    set application_name = 'millrace check'";

/// How a log is checked.
#[derive(Debug, Clone)]
pub struct Check {
    /// A hash that was noted earlier: it has to be in the chain.
    pub head: Option<Hash>,
    /// Connections, each of which checks a range at a time.
    pub readers_max: usize,
    /// Facts of a range (its last batch may exceed it): what a connection keeps in memory is
    /// bounded by it, about 200 bytes for each.
    pub range_facts_max: i64,
}

impl Default for Check {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { head: None, readers_max: cores.min(16), range_facts_max: 50_000 }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Facts that were looked at: all, if nothing is wrong.
    pub facts: u64,
    /// The last batch when the check began; what came later was not looked at. None: the log is
    /// empty, or its last batch bears no hash.
    pub head: Option<Head>,
    /// Where the batch ends whose hash was asked for.
    pub noted: Option<Position>,
    /// The first position where something is wrong.
    pub bad: Option<Bad>,
}

/// What is told meanwhile: facts looked at, and facts in all. First of all that none was yet.
pub type Progress = dyn Fn(u64, u64) + Send + Sync;

/// Checks the log of a migrated database, up to where it ends now. Others may append meanwhile.
///
/// # Errors
/// If the database cannot be reached or refuses: then nothing is known of the log.
pub async fn check(
    config: &Config,
    check: &Check,
    progress: Arc<Progress>,
) -> Result<Checked, LogError> {
    let client = connect(config).await?;
    let tail = client.query_one(include_str!("sql/check_tail.sql"), &[]).await.map_err(no_log)?;
    let last: Option<i64> = tail.get("last_position");
    progress(0, total(last));
    let stored: Option<&[u8]> = tail.get("hash");
    let hash = stored.and_then(|stored| Sum::try_from(stored).ok()).map(Hash);
    let run = Arc::new(Run {
        last,
        range_facts_max: check.range_facts_max.max(1),
        wanted: check.head,
        noted: AtomicI64::new(NOWHERE),
        next: Mutex::new(Some(None)),
        facts: AtomicU64::new(0),
        lowest: AtomicI64::new(NOWHERE),
        bad: Shared::new(None),
        progress,
    });
    if let Some(behind) = tail.get::<_, Option<i64>>("behind") {
        run.found(bad::behind(last, behind));
    }
    if last.is_some() {
        let mut readers = JoinSet::new();
        let (of_run, reader) = (run.clone(), Reader::over(client).await?);
        readers.spawn(async move { of_run.read(&reader).await });
        for _ in 1..run.readers(check.readers_max) {
            let (run, config) = (run.clone(), config.clone());
            readers.spawn(
                async move { run.read(&Reader::over(connect(&config).await?).await?).await },
            );
        }
        while let Some(read) = readers.join_next().await {
            read.map_err(|error| LogError::Database(error.to_string()))??;
        }
    }
    Ok(run.outcome(last.zip(hash).map(|(last, hash)| Head { position: Position(last), hash })))
}

/// As many facts as positions.
fn total(last: Option<i64>) -> u64 {
    last.unwrap_or(0).try_into().unwrap_or(0)
}

/// Behind every position.
const NOWHERE: i64 = i64::MAX;

/// A check that is under way.
struct Run {
    /// The last position that a batch had when it began.
    last: Option<i64>,
    range_facts_max: i64,
    wanted: Option<Hash>,
    /// Where the batch ends that has the wanted hash.
    noted: AtomicI64,
    /// Behind which batch the next range begins (none within: before the first); none: all are
    /// given out.
    next: Mutex<Option<Option<i64>>>,
    facts: AtomicU64,
    /// The lowest position where something is wrong, for a quick look.
    lowest: AtomicI64,
    bad: Shared<Option<Bad>>,
    progress: Arc<Progress>,
}

/// A connection that checks.
struct Reader {
    client: Client,
    range_end: Statement,
    versions: Statement,
}

impl Reader {
    async fn over(client: Client) -> Result<Self, LogError> {
        client.batch_execute(SETTINGS).await?;
        let range_end = client.prepare(include_str!("sql/check_range_end.sql")).await?;
        let versions = client.prepare(include_str!("sql/check_versions.sql")).await?;
        Ok(Self { client, range_end, versions })
    }
}

impl Run {
    /// How many connections have something to do.
    fn readers(&self, readers_max: usize) -> usize {
        let ranges = total(self.last).div_ceil(self.range_facts_max.unsigned_abs());
        readers_max.min(usize::try_from(ranges).unwrap_or(usize::MAX))
    }

    /// Checks ranges until there are no more, or none that could bring anything lower to light.
    async fn read(&self, reader: &Reader) -> Result<(), LogError> {
        while let Some(range) = self.next(reader).await? {
            if let Some(bad) = range::check(self, reader, range).await? {
                self.found(bad);
            }
        }
        Ok(())
    }

    /// The next range: it ends with a batch, wherever in the numbers that is.
    async fn next(&self, reader: &Reader) -> Result<Option<Range>, LogError> {
        let mut next = self.next.lock().await;
        let (Some(after), Some(last)) = (*next, self.last) else { return Ok(None) };
        if after.is_some_and(|after| after >= self.lowest.load(Ordering::Relaxed)) {
            return Ok(None);
        }
        let enough = after.unwrap_or(0).saturating_add(self.range_facts_max);
        let end = reader.client.query_opt(&reader.range_end, &[&enough, &last]).await?;
        let through = end.map_or(last, |end| end.get("last_position"));
        *next = (through < last).then_some(Some(through));
        Ok(Some(Range { after, through }))
    }

    /// Something is wrong; the lowest is kept.
    fn found(&self, found: Bad) {
        let mut bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        if bad.as_ref().is_none_or(|bad| found.from() < bad.from()) {
            self.lowest.store(found.from(), Ordering::Relaxed);
            *bad = Some(found);
        }
    }

    /// So many more facts were looked at.
    fn advance(&self, facts: u64) {
        let done = self.facts.fetch_add(facts, Ordering::Relaxed) + facts;
        (self.progress)(done, total(self.last));
    }

    /// A batch was seen that ends here and has this hash.
    fn seen(&self, last: i64, hash: &Sum) {
        if self.wanted.is_some_and(|wanted| wanted.0 == *hash) {
            self.noted.fetch_min(last, Ordering::Relaxed);
        }
    }

    fn outcome(&self, head: Option<Head>) -> Checked {
        let noted = self.noted.load(Ordering::Relaxed);
        let noted = (noted != NOWHERE).then_some(Position(noted));
        let bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner).take();
        let lacks = self.wanted.filter(|_| noted.is_none()).map(bad::cut_off);
        Checked { facts: self.facts.load(Ordering::Relaxed), head, noted, bad: bad.or(lacks) }
    }
}
