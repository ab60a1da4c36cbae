//! Claims about the raw log, whose handles are as separate as processes are. What facts mean is
//! not asked here: these mean nothing.

mod appending;
mod catching_up;
pub(crate) mod chain;
mod conditions;
mod contract;
mod crowding;
mod dying;
mod following;
mod limits;
mod locked;
mod moments;
mod neighbours;
mod overlapping;
mod persons;
mod reading;
mod repeating;
mod selecting;
mod silence;
mod tampering;

use std::collections::HashMap;
use std::future::Future;
use std::time::{Duration, Instant};

use events::log::{Answer, Append, Expected, Log, LogError, LogId, LogLimits, NewFact, StreamKey};
use events::log::{RawFact, connect};
use events::words::Position;
use gateway::app::fresh_id;
use harness::TestApp;
use tokio_postgres::Client;
use uuid::Uuid;

/// The advisory lock that every batch is written under.
pub(crate) const TAIL_LOCK: &str = "pg_advisory_lock(1835625580, 0)";

/// A handle of its own: its own appender, its own wake-ups, as another process has them.
async fn open(app: &TestApp) -> Log {
    open_with(app, LogLimits::default()).await
}

async fn open_with(app: &TestApp, limits: LogLimits) -> Log {
    Log::open(&app.database.config, LogId::default(), limits).await.expect("opening the log")
}

async fn sql(app: &TestApp) -> Client {
    connect(&app.database.config).await.expect("connecting to the test's database")
}

fn stream() -> StreamKey {
    StreamKey { organization: fresh_id(), id: fresh_id() }
}

fn fact(stream: StreamKey) -> NewFact {
    named(stream, fresh_id())
}

/// A fact of this id.
fn named(stream: StreamKey, event_id: Uuid) -> NewFact {
    NewFact {
        stream,
        feature: "things".into(),
        fact_type: "thing.happened".into(),
        schema_version: 1,
        event_id,
        data: format!(r#"{{"id":"{event_id}","n":1.50}}"#).into_bytes(),
        meta: br#"{"actor":"administrator","command":"things.do","correlation":"x"}"#.to_vec(),
        tags: Vec::new(),
    }
}

fn append(expected: &[(StreamKey, Expected)], facts: Vec<NewFact>) -> Append {
    Append { expected: expected.to_vec(), facts, ..Append::default() }
}

/// An append of one fact under an idempotency key.
fn keyed(stream: StreamKey, key: Uuid) -> Append {
    Append { keys: vec![key], facts: vec![named(stream, key)], ..Append::default() }
}

/// Appends one fact to a stream, whatever its version.
async fn any(log: &Log, stream: StreamKey) -> Position {
    first(log.append(append(&[(stream, Expected::Any)], vec![fact(stream)])).await)
}

#[track_caller]
fn first(answer: Result<Answer, LogError>) -> Position {
    match answer {
        Ok(Answer::Appended { first, .. }) => first,
        other => panic!("not appended: {other:?}"),
    }
}

/// Does something while no batch can be written, so that what it appends gathers.
pub(crate) async fn held<T>(app: &TestApp, meanwhile: impl Future<Output = T>) -> T {
    let client = sql(app).await;
    client.batch_execute(&format!("select {TAIL_LOCK}")).await.expect("the tail lock");
    let done = meanwhile.await;
    drop(client);
    done
}

/// Waits until so many sessions wait for the tail lock, which somebody holds.
pub(crate) async fn queued(app: &TestApp, sessions: i64) {
    let waiting = "select count(*) from pg_locks join pg_database as d on d.oid = database \
        where locktype = 'advisory' and not granted and d.datname = current_database()";
    let (client, started) = (sql(app).await, Instant::now());
    while client.query_one(waiting, &[]).await.expect("the locks").get::<_, i64>(0) < sessions {
        assert!(started.elapsed() < Duration::from_secs(20), "nobody comes for the tail lock");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// As [`gathered`], and fails if they were not written as one batch.
async fn in_one_batch(
    app: &TestApp,
    log: &Log,
    appends: Vec<Append>,
) -> Vec<Result<Answer, LogError>> {
    let before = batches(app).await;
    let answers = gathered(app, log, appends).await;
    assert!(batches(app).await <= before + 2, "they were not one batch");
    answers
}

/// Appends several that gather behind one that waits for the tail lock.
async fn gathered(app: &TestApp, log: &Log, appends: Vec<Append>) -> Vec<Result<Answer, LogError>> {
    let (plug, answers) = held(app, async {
        let plugged = log.clone();
        let plug = tokio::spawn(async move { any(&plugged, stream()).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let log = log.clone();
        let answers = tokio::spawn(async move { log.append_all(appends).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        (plug, answers)
    })
    .await;
    plug.await.expect("the append in front");
    answers.await.expect("the appends")
}

async fn batches(app: &TestApp) -> i64 {
    count(app, "select count(*) from log.batches").await
}

async fn count(app: &TestApp, query: &str) -> i64 {
    sql(app).await.query_one(query, &[]).await.expect("counting").get(0)
}

/// Everything in the log, by pages.
pub(crate) async fn everything(log: &Log) -> Vec<RawFact> {
    let mut facts: Vec<RawFact> = Vec::new();
    loop {
        let after = facts.last().map_or(Position(0), |fact| fact.position);
        let page = log.read_all(after, 700).await.expect("reading everything");
        if page.is_empty() {
            return facts;
        }
        facts.extend(page);
    }
}

/// What became of many appends.
#[derive(Default)]
struct Outcomes {
    kept: Vec<(Append, Position)>,
    refused: Vec<Append>,
}

impl Outcomes {
    fn note(&mut self, append: Append, answer: &Result<Answer, LogError>) {
        match answer {
            Ok(Answer::Appended { first, .. }) => self.kept.push((append, *first)),
            _ => self.refused.push(append),
        }
    }

    fn extend(&mut self, other: Self) {
        self.kept.extend(other.kept);
        self.refused.extend(other.refused);
    }

    /// Everything acknowledged is there exactly once and where it was said to be, nothing else is
    /// there, and the log is whole.
    async fn hold(&self, log: &Log) {
        let facts = everything(log).await;
        whole(&facts);
        let by_id: HashMap<Uuid, &RawFact> = facts.iter().map(|f| (f.event_id, f)).collect();
        assert_eq!(by_id.len(), facts.len(), "an id stands in the log twice");
        for (append, first) in &self.kept {
            for (offset, fact) in append.facts.iter().enumerate() {
                let found = by_id.get(&fact.event_id).expect("an acknowledged fact is lost");
                assert_eq!(found.position.0, first.0 + offset as i64);
                assert_eq!((found.stream, &found.data), (fact.stream, &fact.data));
            }
        }
        for fact in self.refused.iter().flat_map(|append| &append.facts) {
            assert!(!by_id.contains_key(&fact.event_id), "a refused fact is there");
        }
        let kept: usize = self.kept.iter().map(|(append, _)| append.facts.len()).sum();
        assert_eq!(facts.len(), kept, "the log holds what nobody was told of");
    }
}

/// Positions without gaps, versions 1..n in each stream, a time that never decreases.
pub(crate) fn whole(facts: &[RawFact]) {
    let mut versions: HashMap<StreamKey, i64> = HashMap::new();
    for (index, fact) in facts.iter().enumerate() {
        assert_eq!(fact.position.0, index as i64 + 1, "a gap in the positions");
        let version = versions.entry(fact.stream).or_insert(0);
        *version += 1;
        assert_eq!(fact.version, *version, "a gap in the versions of {:?}", fact.stream);
    }
    let times: Vec<_> = facts.iter().map(|fact| fact.recorded_at).collect();
    assert!(times.is_sorted(), "recorded_at decreases");
}
