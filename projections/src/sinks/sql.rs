//! Read models in PostgreSQL: rows and checkpoints commit together, so every fact counts exactly
//! once. What every sort of projection shares is here; the sorts are beside it. Which facts come
//! when is the workers' business.

use std::collections::HashSet;

use events::Recorded;
use events::words::Position;
use futures_util::future::BoxFuture;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::builds::Build;
use super::copying;
use super::view::View;
use crate::skips::Skips;
use crate::table::Table;
use crate::watermarks::changes::Changed;

/// A projection whose types are not known.
pub trait Projection: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// The version of its fold and tables.
    fn version(&self) -> i32;
    /// The features whose facts it folds.
    fn features(&self) -> &'static [&'static str];
    /// The statements that create its tables, in the schema that is searched first.
    fn tables(&self) -> &'static str;
    /// Its tables, as they are to be seen under `read`.
    fn views(&self) -> Vec<View>;
    /// Opens parts of a build of it for writing, on a connection of its own.
    fn open(
        &self,
        client: Client,
        target: Target,
    ) -> BoxFuture<'_, Result<Box<dyn Sink>, SinkError>>;
}

/// What is opened for writing.
#[derive(Debug, Clone)]
pub struct Target {
    /// The tables.
    pub build: Build,
    /// The parts of them.
    pub held: Vec<Held>,
    /// Records that are kept in memory, lest they are read again and again.
    pub hot_max: usize,
    /// From how many new rows on they are written with COPY.
    pub copy_rows_min: usize,
    /// Facts that are gone on without, where they cannot be taken in.
    pub skips: Skips,
    /// Facts that may be parked, or records that may stand still; one more, and the whole does.
    pub parked_max: usize,
}

/// A part that a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub part: i32,
    /// Counts whose it was.
    pub epoch: i64,
}

/// What a projection is given at once.
pub struct Batch<'a> {
    /// Facts of its features, in order.
    pub facts: &'a [&'a Recorded],
    /// Facts of its features that this program cannot read, in order.
    pub unreadable: &'a [Poison],
    /// Streams that are folded again, because somebody decided about a parked fact.
    pub again: &'a [Again],
    /// It holds everything up to here then.
    pub to: Position,
}

/// A fact that a projection cannot take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poison {
    /// The tenant.
    pub organization: Uuid,
    /// Its stream.
    pub stream_id: Uuid,
    /// Its place in the log.
    pub position: Position,
    /// The fact.
    pub event_id: Uuid,
    /// What happened.
    pub fact_type: String,
    /// Why it cannot be taken in.
    pub error: String,
}

impl Poison {
    /// A fact that was read, but not taken in.
    pub(super) fn of(fact: &Recorded, error: String) -> Self {
        Self {
            organization: fact.organization.0,
            stream_id: fact.stream_id,
            position: fact.position,
            event_id: fact.event_id,
            fact_type: fact.event.fact_type().name.to_owned(),
            error,
        }
    }
}

/// A stream of which a fact is parked, to be tried again.
#[derive(Debug, Clone)]
pub struct Again {
    /// The tenant.
    pub organization: Uuid,
    /// The parked fact's stream.
    pub stream_id: Uuid,
    /// The parked fact.
    pub event_id: Uuid,
    /// Where it was decided.
    pub decided_at: Position,
    /// Whether it is gone on without the fact from now on, if it cannot be taken in.
    pub skipped: bool,
    /// The stream's facts up to the end of the batch.
    pub facts: Vec<Recorded>,
    /// Those among them that cannot be read.
    pub unreadable: Vec<Poison>,
}

impl Again {
    /// The facts to fold, and where the fold stops, if it does: at one that cannot be read and is
    /// not skipped.
    pub(super) fn until_stopped(
        &self,
        skips: &HashSet<Uuid>,
    ) -> (impl Iterator<Item = &Recorded>, Option<&Poison>) {
        let end = self.unreadable.iter().find(|poison| !skips.contains(&poison.event_id));
        let before_end = move |fact: &&Recorded| end.is_none_or(|end| fact.position < end.position);
        (self.facts.iter().filter(before_end), end)
    }
}

/// Writes parts of one build of a projection.
pub trait Sink: Send {
    /// Takes in what is in no held part yet, exactly once, and holds everything up to the batch's
    /// end then. What cannot be folded is parked. What changed is told.
    fn apply<'a>(&'a mut self, batch: &'a Batch<'a>) -> BoxFuture<'a, Result<Changed, SinkError>>;

    /// As [`Self::apply`], fact by fact: what PostgreSQL refuses is parked alone. Slow.
    fn isolate<'a>(&'a mut self, batch: &'a Batch<'a>)
    -> BoxFuture<'a, Result<Changed, SinkError>>;

    /// What all held parts hold, as of the last call.
    fn position(&self) -> Position;

    /// What the part of a stream holds; none: it is not held.
    fn reached(&self, organization: Uuid, stream: Uuid) -> Option<Position>;
}

/// A read model could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// PostgreSQL says so, or is away.
    #[error("{}", .0.as_db_error().map_or_else(|| .0.to_string(), ToString::to_string))]
    Database(#[from] tokio_postgres::Error),
    /// A fact cannot be folded.
    #[error("{0}")]
    Fold(String),
    /// So much is parked that it stands still as a whole.
    #[error("more than {max} facts cannot be taken in, the last one {last}: update this millrace")]
    TooManyParked {
        /// How many may be parked.
        max: usize,
        /// What happened, and why it cannot be taken in.
        last: String,
    },
    /// Another worker has taken parts over.
    #[error("parts of build {build} are another worker's now")]
    Lost {
        /// Which build.
        build: i64,
    },
}

impl SinkError {
    /// A fact cannot be folded, or its values are none that PostgreSQL takes: trying again gives
    /// the same.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Fold(_)) || self.is_of(&["22", "23", "54"])
    }

    /// It passes by itself: PostgreSQL is away, busy, or stopping, or another worker has the parts.
    #[must_use]
    pub fn passes(&self) -> bool {
        let Self::Database(error) = self else {
            return matches!(self, Self::Lost { .. });
        };
        error.code().is_none() || self.is_of(&["08", "25", "40", "53", "55", "57", "58"])
    }

    /// Of one of these classes of PostgreSQL's errors.
    fn is_of(&self, classes: &[&str]) -> bool {
        let Self::Database(error) = self else { return false };
        let state = error.code().map(|state| state.code());
        state.is_some_and(|code| classes.iter().any(|class| code.starts_with(class)))
    }

    /// Somebody else holds what is needed, for longer than one wants to wait.
    #[must_use]
    pub fn is_locked_out(&self) -> bool {
        let Self::Database(error) = self else { return false };
        error.code() == Some(&tokio_postgres::error::SqlState::LOCK_NOT_AVAILABLE)
    }
}

pub(super) type Params<'a> = Vec<&'a (dyn ToSql + Sync)>;

/// A commit need not wait for the disk: what a crash takes back is folded again from the log.
/// Rows are found by their keys, by plans made anew for each page: one made while the tables were
/// empty would read all of them, or go by any index, until the next ANALYZE. A worker that is
/// stopped in the middle lets its parts go.
const SETTINGS: &str = "set synchronous_commit = off; set jit = off; \
    set plan_cache_mode = force_custom_plan; \
    set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; \
    set idle_in_transaction_session_timeout = '2s'; \
    set application_name = 'millrace projection'";

/// Makes a connection one that read models are written on.
pub(super) async fn set_up(client: &Client) -> Result<(), SinkError> {
    Ok(client.batch_execute(SETTINGS).await?)
}

/// Writes rows by a statement that takes an array for each column; without one there are none.
pub(super) async fn write<T: Table>(
    client: &Client,
    statement: Option<&Statement>,
    rows: &[&T],
) -> Result<(), tokio_postgres::Error> {
    let Some(statement) = statement.filter(|_| !rows.is_empty()) else {
        return Ok(());
    };
    let columns = T::columns(rows);
    let params: Params<'_> = columns.iter().map(|column| column.as_ref() as _).collect();
    client.execute(statement, &params).await.map(drop)
}

/// Does something within a transaction, or leaves everything as it was and says why PostgreSQL
/// refuses.
pub(super) async fn attempt(
    client: &Client,
    work: impl Future<Output = Result<(), tokio_postgres::Error>>,
) -> Result<Result<(), String>, SinkError> {
    client.batch_execute("savepoint attempt").await?;
    let refused = match work.await.map_err(SinkError::from) {
        Ok(()) => None,
        Err(error) if error.is_refusal() => Some(error.to_string()),
        Err(error) => return Err(error),
    };
    let end = match refused {
        None => "release savepoint attempt",
        Some(_) => "rollback to savepoint attempt; release savepoint attempt",
    };
    client.batch_execute(end).await?;
    Ok(refused.map_or(Ok(()), Err))
}

/// How rows that are not there yet are written.
pub(super) struct Inserts {
    insert: Statement,
    copy: String,
    copy_rows_min: usize,
}

impl Inserts {
    pub(super) async fn prepare<T: Table>(
        client: &Client,
        target: &Target,
    ) -> Result<Self, SinkError> {
        let schema = &target.build.schema;
        let insert = client.prepare(&super::statements::insert::<T>(schema)).await?;
        let copy = super::statements::copy::<T>(schema);
        Ok(Self { insert, copy, copy_rows_min: target.copy_rows_min })
    }

    /// Whether so many rows go by COPY.
    pub(super) fn copies(&self, rows: usize) -> bool {
        rows >= self.copy_rows_min
    }

    /// Writes rows whose keys no row has.
    pub(super) async fn write<T: Table>(
        &self,
        client: &Client,
        rows: &[&T],
    ) -> Result<(), tokio_postgres::Error> {
        if self.copies(rows.len()) {
            return copying::copy(client, &self.copy, rows).await;
        }
        write(client, Some(&self.insert), rows).await
    }
}
