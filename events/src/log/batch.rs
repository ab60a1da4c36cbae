//! One batch against PostgreSQL. Either in one pipelined step, on what this process knows of the
//! tail; or, where that is not enough, in two: take the tail lock and look; judge and
//! write. The judging itself is pure and stands in `judge`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{TryFutureExt, join, try_join};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Row, Statement};
use uuid::Uuid;

use super::catching_up::CaughtUp;
use super::columns::{Columns, Writing};
use super::connection::{Line, Session};
use super::failure::{Failure, Fault, Reached};
use super::judge::{Tail, Tickets, Verdict, judge, ours};
use super::known::{Base, Known, Plan};
use super::read::{fact, load_params};
use super::{Answer, Append, Condition, Earlier, LogId, RawFact, StreamKey};
use crate::words::Position;

/// The first half of the advisory lock's key: every log of Millrace.
pub(super) const LOCK_CLASS: i32 = 0x6d69_6c6c;

/// The plans of an empty table become sequential scans once it grows, and this connection only
/// ever looks things up by index. A client that is stopped, or cannot be reached, while it holds
/// the lock loses it by itself.
const SETTINGS: &str = "
    set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off;
    set enable_bitmapscan = off; set jit = off; set synchronous_commit = on;
    set idle_in_transaction_session_timeout = '2s'; set tcp_user_timeout = '10s';
    set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3;
    set application_name = 'millrace appender'";

/// The appender's connection with its statements.
pub(super) struct Connection {
    pub(super) line: Line,
    pub(super) session: Session,
    /// How long the server may say nothing to a step.
    patience: Duration,
    id: LogId,
    pub(super) lock: Statement,
    pub(super) since: Statement,
    tail: Statement,
    versions: Statement,
    find_ids: Statement,
    excluded: Statement,
    write: Writing,
    load: Statement,
}

impl Connection {
    /// Connects and prepares, and ends the session of the connection before. Whatever it then
    /// waits for, it waits at most so long.
    pub(super) async fn open(
        config: &Config,
        id: LogId,
        patience: Duration,
        before: Option<Session>,
    ) -> Result<Self, Failure> {
        let silent = |_| Failure { fault: Fault::Silent(patience), reached: Reached::Nothing };
        let line = timeout(patience, Line::open(config, Arc::new(|_| ()))).await;
        let line = line.map_err(silent)?.map_err(Failure::connecting)?;
        let client = &line.client;
        let ended = async {
            match before {
                Some(before) => line.end(before).await,
                None => Ok(()),
            }
        };
        let prepared = async {
            try_join!(
                client.batch_execute(SETTINGS),
                line.session(),
                ended,
                client.prepare(include_str!("sql/lock.sql")),
                client.prepare(include_str!("sql/since.sql")),
                client.prepare(include_str!("sql/tail.sql")),
                client.prepare(include_str!("sql/versions.sql")),
                client.prepare(include_str!("sql/find_ids.sql")),
                client.prepare(include_str!("sql/excluded.sql")),
                Writing::prepare(client),
                client.prepare(include_str!("sql/load_streams.sql")),
            )
        };
        let prepared = timeout(patience, prepared).await.map_err(silent)?;
        let ((), session, (), lock, since, tail, versions, find_ids, excluded, write, load) =
            prepared.map_err(Failure::connecting)?;
        Ok(Self {
            line,
            session,
            patience,
            id,
            lock,
            since,
            tail,
            versions,
            find_ids,
            excluded,
            write,
            load,
        })
    }

    /// A step of a batch. If nothing is heard, the connection is given up.
    pub(super) async fn step<T>(
        &self,
        reached: Reached,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let done = timeout(self.patience, work).await;
        done.unwrap_or_else(|_| {
            self.line.cut();
            Err(Failure { fault: Fault::Silent(self.patience), reached })
        })
    }

    /// Whether the connection is known to be no more.
    pub(super) fn is_closed(&self) -> bool {
        self.line.client.is_closed()
    }

    /// Carries a plan out in one step: when it was recorded.
    ///
    /// # Errors
    /// [`Fault::Moved`] among others: the plan rests on another tail, and nothing was written.
    pub(super) async fn carry_out(
        &self,
        appends: &[Append],
        plan: &Plan,
    ) -> Result<DateTime<Utc>, Failure> {
        if plan.verdict.accepted.is_empty() {
            return self.confirm(&plan.base).await;
        }
        let appends: Vec<&Append> = appends.iter().collect();
        let columns = Columns::of(&appends, &plan.verdict);
        let lock: [&(dyn ToSql + Sync); 2] = [&LOCK_CLASS, &self.id.0];
        let client = &self.line.client;
        let sent = async {
            let (begin, lock, written, commit) = join!(
                client.batch_execute("begin"),
                client.execute(&self.lock, &lock),
                columns.write(client, &self.write, &plan.base),
                client.batch_execute("commit"),
            );
            begin.map_err(Failure::before_commit)?;
            lock.map_err(Failure::before_commit)?;
            let written = written.map_err(Failure::before_commit)?;
            commit.map_err(Failure::sent)?;
            written.ok_or(Failure::MOVED)
        };
        self.step(Reached::Commit, sent).await
    }

    /// What only refuses writes nothing, and holds if the log ends so.
    async fn confirm(&self, base: &Base) -> Result<DateTime<Utc>, Failure> {
        let found = self.line.client.query_opt(&self.tail, &[]).map_err(Failure::looking);
        let found = self.step(Reached::Look, found).await?;
        let ours = found.as_ref().is_some_and(|row| row.get("ours"));
        let position = Position(found.as_ref().map_or(0, |row| row.get("position")));
        let last: Option<Uuid> = found.map(|row| row.get("event_id"));
        // The id alone may be that of the fact before, whose key was planned to be written again.
        let holds = (position, last) == (base.position, base.last) && (ours || !base.ours);
        if holds { Ok(DateTime::UNIX_EPOCH) } else { Err(Failure::MOVED) }
    }

    /// Writes a batch under the tail lock: an answer for each append, in order, once the outcome
    /// is durable. With `resolving`, an append that is in the log already was ours: a commit whose
    /// answer never came.
    pub(super) async fn write(
        &self,
        appends: &[Append],
        resolving: bool,
        known: &mut Known,
        tickets: &mut Tickets,
    ) -> Result<Vec<Answer>, Failure> {
        appends.iter().for_each(|append| tickets.take_back(append));
        let caught_up = if resolving {
            CaughtUp::Free
        } else {
            self.catch_up_and_write(appends, known, tickets).await?
        };
        let locked = match caught_up {
            CaughtUp::Done(answers) => return Ok(answers),
            CaughtUp::Held => true,
            CaughtUp::Free => false,
        };
        self.write_in(locked, appends, resolving, known, tickets).await
    }

    /// The key of the tail lock.
    pub(super) fn lock_key(&self) -> (i32, i32) {
        (LOCK_CLASS, self.id.0)
    }

    /// Takes the tail lock, and shows these streams.
    pub(super) async fn lock(&self, streams: &[(StreamKey, i64)]) -> Result<Vec<RawFact>, Failure> {
        let lock: [&(dyn ToSql + Sync); 2] = [&LOCK_CLASS, &self.id.0];
        let (organizations, ids, after) = load_params(streams);
        let load: [&(dyn ToSql + Sync); 3] = [&organizations, &ids, &after];
        let client = &self.line.client;
        let looked = async {
            let (begin, lock, rows) = join!(
                client.batch_execute("begin"),
                client.execute(&self.lock, &lock),
                client.query(&self.load, &load),
            );
            begin.and(lock.map(drop)).and(rows).map_err(Failure::looking)
        };
        Ok(self.step(Reached::Look, looked).await?.iter().map(fact).collect())
    }

    /// As [`Self::write`], or with `locked` after [`Self::lock`].
    pub(super) async fn write_in(
        &self,
        locked: bool,
        appends: &[Append],
        resolving: bool,
        known: &mut Known,
        tickets: &mut Tickets,
    ) -> Result<Vec<Answer>, Failure> {
        appends.iter().for_each(|append| tickets.take_back(append));
        let looked = self.look(locked, appends, resolving).map_err(Failure::looking);
        let tail = self.step(Reached::Look, looked).await?;
        let ours: Vec<Option<Answer>> = appends
            .iter()
            .map(|append| if resolving { ours(&tail, append) } else { None })
            .collect();
        let open: Vec<&Append> =
            appends.iter().zip(&ours).filter(|(_, ours)| ours.is_none()).map(|(a, _)| a).collect();
        let found = appends.iter().zip(&ours).filter(|(_, ours)| ours.is_some());
        found.for_each(|(append, _)| tickets.accept(append));
        let base = Base::seen(&tail);
        let (tail, verdict) = judge(tail, &open, tickets);
        let at = self.finish(&open, &verdict, &base).await?;
        known.learn(base.last, &tail);
        let mut judged = verdict.answers_at(at);
        Ok(ours.into_iter().filter_map(|ours| ours.or_else(|| judged.next())).collect())
    }

    /// The last step under the tail lock: writes what was accepted and commits; when it was
    /// recorded. Where nothing was, the lock is let go.
    pub(super) async fn finish(
        &self,
        appends: &[&Append],
        verdict: &Verdict,
        base: &Base,
    ) -> Result<DateTime<Utc>, Failure> {
        let client = &self.line.client;
        if verdict.accepted.is_empty() {
            let unlocked = client.batch_execute("rollback").map_err(Failure::looking);
            self.step(Reached::Look, unlocked).await?;
            return Ok(DateTime::UNIX_EPOCH);
        }
        let columns = Columns::of(appends, verdict);
        let sent = async {
            let (written, commit) =
                join!(columns.write(client, &self.write, base), client.batch_execute("commit"),);
            let written = written.map_err(Failure::sent)?;
            commit.map_err(Failure::sent)?;
            written.ok_or(Failure::MOVED)
        };
        self.step(Reached::Commit, sent).await
    }

    /// The first step. The lock is taken in a statement of its own: what is read in the statement
    /// that takes it, or before, sees an older snapshot.
    async fn look(
        &self,
        locked: bool,
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
        let client = &self.line.client;
        let taken = async {
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            client.query(&self.find_ids, &[&keys]).await
        };
        let begin = async { if locked { Ok(()) } else { client.batch_execute("begin").await } };
        let lock = async { if locked { Ok(0) } else { client.execute(&self.lock, &lock).await } };
        let (begin, lock, tail, versions, taken, excluded) = join!(
            begin,
            lock,
            client.query_opt(&self.tail, &[]),
            client.query(&self.versions, &named),
            taken,
            self.look_for_excluded(appends),
        );
        begin?;
        lock?;
        let (tail, versions, taken, excluded) = (tail?, versions?, taken?, excluded?);
        Ok(Tail {
            position: Position(tail.as_ref().map_or(0, |tail| tail.get("position"))),
            last: tail.map(|tail| tail.get("event_id")),
            versions: streams.into_iter().zip(versions.iter().map(|row| row.get(0))).collect(),
            taken: taken.iter().map(earlier).map(|e| (e.event_id, e)).collect(),
            excluded,
        })
    }

    /// Which conditions do not hold.
    async fn look_for_excluded(
        &self,
        appends: &[Append],
    ) -> Result<HashMap<Condition, Position>, tokio_postgres::Error> {
        let conditions: Vec<&Condition> =
            appends.iter().flat_map(|append| &append.conditions).collect();
        if conditions.is_empty() {
            return Ok(HashMap::new());
        }
        let of = conditions.iter();
        let organizations: Vec<Uuid> = of.clone().map(|of| of.organization).collect();
        let tags: Vec<&str> = of.clone().map(|of| of.tag.as_ref()).collect();
        let types: Vec<String> = of.clone().map(|of| of.types.join(",")).collect();
        let since: Vec<i64> = of.map(|of| of.since.0).collect();
        let params: [&(dyn ToSql + Sync); 4] = [&organizations, &tags, &types, &since];
        let found = self.line.client.query(&self.excluded, &params).await?;
        let found = conditions.into_iter().zip(&found);
        let found = found.map(|(condition, row)| (condition.clone(), Position(row.get(0))));
        Ok(found.filter(|(_, position)| position.0 > 0).collect())
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
