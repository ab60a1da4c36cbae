//! One batch against PostgreSQL, in two pipelined steps: take the tail lock and look; judge and
//! write. The judging itself is pure and stands in `judge`.

use std::collections::{BTreeSet, HashMap};

use futures_util::join;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Row, Statement};
use uuid::Uuid;

use super::judge::{Tail, Verdict, judge, ours};
use super::{Answer, Append, Earlier, LogId, StreamKey, chain, connection};
use crate::words::Position;

/// The first half of the advisory lock's key: every log of Millrace.
const LOCK_CLASS: i32 = 0x6d69_6c6c;

/// The plans of an empty table become sequential scans once it grows, and this connection only
/// ever looks things up by index. A client stopped while it holds the lock loses it by itself.
const SETTINGS: &str = "
    set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off;
    set enable_bitmapscan = off; set jit = off; set synchronous_commit = on;
    set idle_in_transaction_session_timeout = '2s'; set application_name = 'millrace appender'";

/// The appender's connection with its statements.
pub(super) struct Connection {
    client: Client,
    id: LogId,
    lock: Statement,
    tail: Statement,
    versions: Statement,
    find_ids: Statement,
    insert_facts: Statement,
    insert_batch: Statement,
}

/// How far a batch came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// Not even the database.
    Nothing,
    /// It was being looked at; nothing was written.
    Look,
    /// It was being written, and the commit was sent.
    Commit,
}

/// Why a batch was not answered.
#[derive(Debug)]
pub(super) struct Failure {
    /// What PostgreSQL or the connection said.
    pub error: tokio_postgres::Error,
    /// How far it came.
    pub reached: Reached,
}

impl Failure {
    fn looking(error: tokio_postgres::Error) -> Self {
        Self { error, reached: Reached::Look }
    }

    /// It may have committed: the commit was sent and its answer never came.
    /// A server that dies may say so (57P01, 57P02) after it has committed.
    pub(super) fn is_unknown(&self) -> bool {
        self.reached == Reached::Commit && is_of(&self.error, &["08", "57"])
    }

    /// The statement itself is at fault, so trying again gives the same.
    pub(super) fn is_refusal(&self) -> bool {
        self.reached != Reached::Nothing && self.error.code().is_some() && !passes(&self.error)
    }
}

/// Whether an error is of a server that is away, stopping, starting or short of something: no
/// answer at all, or one of these classes.
pub(super) fn passes(error: &tokio_postgres::Error) -> bool {
    is_of(error, &["08", "25", "40", "53", "57", "58"])
}

/// Whether an error has no code, as the server did not answer, or one of these classes.
fn is_of(error: &tokio_postgres::Error, classes: &[&str]) -> bool {
    let state = error.code().map(|state| state.code());
    state.is_none_or(|code| classes.iter().any(|class| code.starts_with(class)))
}

impl Connection {
    /// Connects and prepares.
    pub(super) async fn open(config: &Config, id: LogId) -> Result<Self, tokio_postgres::Error> {
        let client = connection::connect(config).await?;
        client.batch_execute(SETTINGS).await?;
        Ok(Self {
            lock: client.prepare(include_str!("sql/lock.sql")).await?,
            tail: client.prepare(include_str!("sql/tail.sql")).await?,
            versions: client.prepare(include_str!("sql/versions.sql")).await?,
            find_ids: client.prepare(include_str!("sql/find_ids.sql")).await?,
            insert_facts: client.prepare(include_str!("sql/insert_facts.sql")).await?,
            insert_batch: client.prepare(include_str!("sql/insert_batch.sql")).await?,
            client,
            id,
        })
    }

    /// Writes a batch: an answer for each append, in order, once the outcome is durable. With
    /// `resolving`, an append that is in the log already was ours: a commit whose answer never
    /// came.
    pub(super) async fn write(
        &self,
        appends: &[Append],
        resolving: bool,
    ) -> Result<Vec<Answer>, Failure> {
        let tail = self.look(appends, resolving).await.map_err(Failure::looking)?;
        let ours: Vec<Option<Answer>> = appends
            .iter()
            .map(|append| if resolving { ours(&tail, append) } else { None })
            .collect();
        let open: Vec<&Append> =
            appends.iter().zip(&ours).filter(|(_, ours)| ours.is_none()).map(|(a, _)| a).collect();
        let base = tail.position;
        let (tail, verdict) = judge(tail, &open);
        self.finish(base, &tail, &open, &verdict).await?;
        let mut judged = verdict.answers.into_iter();
        Ok(ours.into_iter().filter_map(|ours| ours.or_else(|| judged.next())).collect())
    }

    /// The first step. The lock is taken in a statement of its own: what is read in the statement
    /// that takes it, or before, sees an older snapshot.
    async fn look(
        &self,
        appends: &[Append],
        resolving: bool,
    ) -> Result<Tail, tokio_postgres::Error> {
        let streams = streams_of(appends);
        let (organizations, ids): (Vec<Uuid>, Vec<Uuid>) =
            streams.iter().map(|key| (key.organization, key.id)).unzip();
        let keys: Vec<Uuid> = appends
            .iter()
            .flat_map(|append| {
                let facts = append.facts.iter().filter(|_| resolving);
                append.keys.iter().copied().chain(facts.map(|fact| fact.event_id))
            })
            .collect();
        let lock: [&(dyn ToSql + Sync); 2] = [&LOCK_CLASS, &self.id.0];
        let named: [&(dyn ToSql + Sync); 2] = [&organizations, &ids];
        let taken = async {
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            self.client.query(&self.find_ids, &[&keys]).await
        };
        let (begin, lock, tail, versions, taken) = join!(
            self.client.batch_execute("begin"),
            self.client.execute(&self.lock, &lock),
            self.client.query_one(&self.tail, &[]),
            self.client.query(&self.versions, &named),
            taken,
        );
        begin?;
        lock?;
        let (tail, versions, taken) = (tail?, versions?, taken?);
        Ok(Tail {
            position: Position(tail.get("position")),
            hash: tail.get("hash"),
            recorded_at: tail.get("recorded_at"),
            versions: streams.into_iter().zip(versions.iter().map(|row| row.get(0))).collect(),
            taken: taken.iter().map(earlier).map(|e| (e.event_id, e)).collect(),
        })
    }

    /// The second step: the accepted facts, the batch's row, commit; or nothing at all.
    async fn finish(
        &self,
        base: Position,
        tail: &Tail,
        appends: &[&Append],
        verdict: &Verdict,
    ) -> Result<(), Failure> {
        let count = verdict.accepted.len();
        if count == 0 {
            return self.client.batch_execute("rollback").await.map_err(Failure::looking);
        }
        let facts = verdict
            .accepted
            .iter()
            .map(|&(append, fact, version)| (&appends[append].facts[fact], version));
        let first = Position(base.0 + 1);
        let last = base.0 + count as i64;
        let hash = chain::hash(&tail.hash, first, tail.recorded_at, facts.clone());
        let columns = Columns::of(facts, count);
        let facts: [&(dyn ToSql + Sync); 11] = [
            &first.0,
            &tail.recorded_at,
            &columns.organizations,
            &columns.features,
            &columns.streams,
            &columns.versions,
            &columns.event_ids,
            &columns.types,
            &columns.schema_versions,
            &columns.data,
            &columns.meta,
        ];
        let batch: [&(dyn ToSql + Sync); 4] = [&first.0, &last, &tail.recorded_at, &hash];
        let (facts, batch, commit) = join!(
            self.client.execute(&self.insert_facts, &facts),
            self.client.execute(&self.insert_batch, &batch),
            self.client.batch_execute("commit"),
        );
        for result in [facts.map(drop), batch.map(drop), commit] {
            result.map_err(|error| Failure { error, reached: Reached::Commit })?;
        }
        metrics::histogram!("millrace_log_batch_facts").record(count as f64);
        Ok(())
    }
}

/// The facts of a batch, a column an array.
struct Columns<'a> {
    organizations: Vec<Uuid>,
    features: Vec<&'a str>,
    streams: Vec<Uuid>,
    versions: Vec<i64>,
    event_ids: Vec<Uuid>,
    types: Vec<&'a str>,
    schema_versions: Vec<i16>,
    data: Vec<&'a [u8]>,
    meta: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn of(facts: impl Iterator<Item = (&'a super::NewFact, i64)>, count: usize) -> Self {
        let mut columns = Self {
            organizations: Vec::with_capacity(count),
            features: Vec::with_capacity(count),
            streams: Vec::with_capacity(count),
            versions: Vec::with_capacity(count),
            event_ids: Vec::with_capacity(count),
            types: Vec::with_capacity(count),
            schema_versions: Vec::with_capacity(count),
            data: Vec::with_capacity(count),
            meta: Vec::with_capacity(count),
        };
        for (fact, version) in facts {
            columns.organizations.push(fact.stream.organization);
            columns.features.push(&fact.feature);
            columns.streams.push(fact.stream.id);
            columns.versions.push(version);
            columns.event_ids.push(fact.event_id);
            columns.types.push(&fact.fact_type);
            columns.schema_versions.push(fact.schema_version);
            columns.data.push(&fact.data);
            columns.meta.push(&fact.meta);
        }
        columns
    }
}

/// Every stream that the appends name, once.
pub(super) fn streams_of(appends: &[Append]) -> Vec<StreamKey> {
    let named = appends.iter().flat_map(|append| {
        let expected = append.expected.iter().map(|(stream, _)| *stream);
        expected.chain(append.facts.iter().map(|fact| fact.stream))
    });
    named.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The fact in a row of `find_ids.sql`.
pub(super) fn earlier(row: &Row) -> Earlier {
    Earlier {
        event_id: row.get("event_id"),
        position: Position(row.get("position")),
        stream: StreamKey { organization: row.get("organization_id"), id: row.get("stream_id") },
        version: row.get("version"),
        meta: row.get("meta"),
        recorded_at: row.get("recorded_at"),
    }
}

/// By key.
pub(super) type Taken = HashMap<Uuid, Earlier>;
