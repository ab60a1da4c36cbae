//! The event log: append, read, follow; raw bytes and type names. What the bytes mean is a layer
//! above, in `Event`. The only code that touches the log's tables.

mod append;
mod appender;
mod as_of;
mod batch;
mod catching_up;
pub mod chain;
pub mod check;
mod columns;
mod connection;
pub mod extent;
mod failure;
mod following;
mod gathering;
mod head;
mod judge;
mod known;
mod limits;
mod locked;
mod persons;
mod read;
mod selection;
mod snapshots;
mod spans;
mod wake;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;
use tokio::sync::watch;
use uuid::Uuid;

pub use append::Decide;
pub use connection::{ConnectError, connect, listening, vigilant, watched};
pub use following::Page;
pub use head::{Hash, Head, NoHash, chain_head};
pub use limits::LogLimits;
pub use persons::StoredKey;
pub use read::Span;
pub use selection::Selection;
pub use snapshots::{Found, Snapshot, Wanted};

use crate::words::Position;

/// Which log: today there is one. Tenants can be spread over several, each with its own lock,
/// positions and chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct LogId(pub i32);

/// A stream: the facts of one record, within its organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamKey {
    /// The tenant.
    pub organization: Uuid,
    /// The record.
    pub id: Uuid,
}

/// Something about each of many streams. Their ids are random, so a fast hash serves.
pub type StreamMap<T> = HashMap<StreamKey, T, foldhash::fast::RandomState>;

/// Streams, each once.
pub type StreamSet = HashSet<StreamKey, foldhash::fast::RandomState>;

/// What an append demands of a stream's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Exactly this one: what the decision read.
    Exact(i64),
    /// The stream does not exist yet.
    None,
    /// Whatever it is.
    Any,
}

/// A fact to append.
#[derive(Debug, Clone)]
pub struct NewFact {
    /// The stream that it goes to.
    pub stream: StreamKey,
    /// The feature that declares it.
    pub feature: Cow<'static, str>,
    /// Its type.
    pub fact_type: Cow<'static, str>,
    /// The version of its shape.
    pub schema_version: i16,
    /// Its own id, unique in the log.
    pub event_id: Uuid,
    /// Its fields: bytes of a JSON object.
    pub data: Vec<u8>,
    /// Who, why, for which request: bytes of a JSON object.
    pub meta: Vec<u8>,
    /// What it is tagged with, within its organization: such as `customer:<id>`.
    pub tags: Vec<Cow<'static, str>>,
}

/// A condition across streams: no fact of these types with this tag since a position.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// The tenant.
    pub organization: Uuid,
    /// The tag.
    pub tag: Cow<'static, str>,
    /// The types of the facts that are excluded.
    pub types: Vec<Cow<'static, str>>,
    /// What the decision has seen: facts up to here are not meant.
    pub since: Position,
}

/// The key of a person of whom an append is the first to speak, wrapped by a master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// The person.
    pub person: PersonKey,
    /// Which master key wraps it.
    pub master: String,
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
}

/// A person, within an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonKey {
    /// The tenant.
    pub organization: Uuid,
    /// The person.
    pub id: Uuid,
}

/// Facts for one or several streams, appended together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Append {
    /// The versions that the decision read, of every stream that it read or writes.
    pub expected: Vec<(StreamKey, Expected)>,
    /// Event ids of these facts that serve as idempotency keys: if one is taken, nothing is
    /// appended and its fact is the answer.
    pub keys: Vec<Uuid>,
    /// What must not have happened elsewhere since the decision looked.
    pub conditions: Vec<Condition>,
    /// The facts, in order. None: the append only checks.
    pub facts: Vec<NewFact>,
    /// Keys of persons of whom the facts are the first to speak: written with them.
    pub new_keys: Vec<NewKey>,
    /// Persons whose keys are taken away, for ever, with these facts.
    pub erased: Vec<PersonKey>,
    /// Names this append to later ones that rest on its facts; see [`Log::ticket`]. 0: none does.
    pub ticket: u64,
    /// The tickets of appends of this handle that were not answered yet when this was decided: if
    /// one of them is not accepted, neither is this. Those without facts left nothing to rest on,
    /// and may be judged anew after this.
    pub rests_on: Vec<u64>,
}

/// What became of an append.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It is durable; its facts stand behind each other from `first` on.
    Appended {
        /// The position of its first fact (for a mere check: where one would have gone).
        first: Position,
        /// When it was recorded.
        recorded_at: DateTime<Utc>,
    },
    /// A stream is not at the version expected; nothing was appended.
    Conflict {
        /// The first such stream.
        stream: StreamKey,
        /// What was expected.
        expected: Expected,
        /// Its version.
        actual: i64,
    },
    /// A fact that a condition excludes was appended; nothing was appended now.
    Excluded {
        /// The first such condition, by its place in the append.
        condition: usize,
        /// Where the fact stands.
        position: Position,
    },
    /// A key is taken; nothing was appended.
    Repeated(Earlier),
    /// An append that it rests on was not accepted; nothing was appended.
    Unfounded {
        /// That append's ticket.
        ticket: u64,
    },
}

/// The fact that has a key already.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    /// The key.
    pub event_id: Uuid,
    /// Its position.
    pub position: Position,
    /// Its stream.
    pub stream: StreamKey,
    /// Its version in that stream.
    pub version: i64,
    /// Its stored meta.
    pub meta: Vec<u8>,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// A fact as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct RawFact {
    /// Its place in the log, from 1, without gaps.
    pub position: Position,
    /// Its stream.
    pub stream: StreamKey,
    /// The feature that declares it.
    pub feature: String,
    /// Its place in the stream, from 1.
    pub version: i64,
    /// Its own id.
    pub event_id: Uuid,
    /// Its type.
    pub fact_type: String,
    /// The version of its shape.
    pub schema_version: i16,
    /// Its fields: bytes of a JSON object.
    pub data: Vec<u8>,
    /// Who, why, for which request: bytes of a JSON object.
    pub meta: Vec<u8>,
    /// The database's clock under the tail lock; never decreases.
    pub recorded_at: DateTime<Utc>,
}

/// What can go wrong with the log, other than what an [`Answer`] says.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// Too much waits already; nothing was appended.
    #[error("the log is busy: {waiting} appends wait already; try again shortly")]
    Busy {
        /// How many wait.
        waiting: usize,
    },
    /// It exceeds a limit; nothing was appended.
    #[error("{what} of this append: {found}, but at most {limit} are allowed; split it")]
    TooLarge {
        /// Facts, streams or bytes.
        what: &'static str,
        /// What it has.
        found: usize,
        /// What it may have.
        limit: usize,
    },
    /// The database cannot be reached; nothing was appended.
    #[error("the event log's database is not available: {0}")]
    Unavailable(String),
    /// The database refused; nothing was appended or read.
    #[error("the event log's database refused: {0}")]
    Database(String),
    /// The log was closed; nothing was appended.
    #[error("the log is closed: the program is stopping")]
    Closed,
}

/// A handle to the log; clones share one appender and one set of readers.
#[derive(Clone)]
pub struct Log {
    id: LogId,
    appends: append::Queue,
    readers: Pool,
    head: Arc<watch::Sender<Position>>,
    shared: Arc<following::Shared>,
    limits: Arc<LogLimits>,
}

impl Log {
    /// Opens the log of a migrated database: starts its appender and its wake-up connection,
    /// which live as long as a handle does.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn open(
        config: &tokio_postgres::Config,
        id: LogId,
        limits: LogLimits,
    ) -> Result<Self, LogError> {
        let readers = connection::pool(config, &limits)?;
        let head = Arc::new(watch::Sender::new(Position(0)));
        let (appends, jobs) = append::queue();
        let (shared, limits) = (Arc::default(), Arc::new(limits));
        let log = Self { id, appends, readers, head: head.clone(), shared, limits };
        wake::advance(&head, log.head().await?);
        let weak_head = Arc::downgrade(&head);
        let (poll, silence_max) = (log.limits.poll_interval, log.limits.silence_max);
        tokio::spawn(wake::run(config.clone(), id, weak_head.clone(), poll, silence_max));
        tokio::spawn(spans::run(log.readers.clone(), weak_head, poll));
        tokio::spawn(appender::run(config.clone(), id, log.limits.clone(), head, jobs));
        Ok(log)
    }

    /// Appends, and answers once the outcome is durable.
    ///
    /// # Errors
    /// [`LogError`]: nothing was appended.
    pub async fn append(&self, append: Append) -> Result<Answer, LogError> {
        let mut answers = self.append_all(vec![append]).await;
        answers.pop().unwrap_or(Err(LogError::Closed))
    }

    /// Appends several, independent of each other, preferably in one batch; an answer for each,
    /// in order. They are queued by the call; the future brings the answers.
    pub fn append_all(
        &self,
        appends: Vec<Append>,
    ) -> impl Future<Output = Vec<Result<Answer, LogError>>> + Send + use<> {
        self.appends.submit(&self.limits, appends)
    }

    /// Takes the tail lock, gives `decide` the facts of these streams after a version of each, and
    /// appends what it makes of them before anybody else can append anything; an answer for each,
    /// in order. `decide` must not wait for anything. Queued by the call.
    pub fn append_locked(
        &self,
        streams: Vec<(StreamKey, i64)>,
        decide: Decide,
    ) -> impl Future<Output = Result<Vec<Result<Answer, LogError>>, LogError>> + Send + use<> {
        self.appends.submit_locked(&self.limits, streams, decide)
    }

    /// A ticket for an append, so that others can be decided on it before it is answered: their
    /// versions alone would not tell whose facts they rest on.
    #[must_use]
    pub fn ticket(&self) -> u64 {
        self.appends.ticket()
    }

    /// The last position that this process knows to be committed.
    #[must_use]
    pub fn known_head(&self) -> Position {
        *self.head.borrow()
    }
}
