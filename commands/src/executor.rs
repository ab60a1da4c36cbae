//! The executor: loads, decides and appends; one loop per process. Here is its front; the loop is
//! in `executor/run.rs`, what one round of it decides in `executor/round.rs`.

mod ahead;
mod cache;
mod loading;
mod naming;
mod parking;
mod round;
mod run;
mod settle;
mod snapshots;
mod turn;
mod work;

use std::sync::Arc;
use std::time::{Duration, Instant};

use events::facts::DecodeError;
use events::log::{Log, LogError, PersonKey, StreamMap};
use events::personal::{Vault, VaultError};
use events::words::Position;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tracing::Instrument;
use uuid::Uuid;

use crate::rejection::Rejection;
use crate::state::{Entry, Need};
use crate::{Command, Context, Person};

pub(crate) use work::{Persons, Prepared, Work};

/// A command and everything that comes in from the edge with it.
#[derive(Debug, Clone)]
pub struct Request<C> {
    /// What is wanted.
    pub command: C,
    /// By whom, where, when.
    pub context: Context,
    /// The idempotency key, scoped to organization and actor.
    pub key: Option<String>,
    /// The version that the record must have.
    pub expected_version: Option<i64>,
    /// Joins everything that one request causes.
    pub correlation: Uuid,
}

/// What an accepted command left, durably.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The record that it was about.
    pub id: Uuid,
    /// The position of its last fact: a query that takes it sees what the command did.
    pub position: Position,
    /// How many facts it appended, all behind each other.
    pub facts: u32,
    /// Whether an earlier request under the same key had done it already.
    pub repeated: bool,
}

/// Why a command did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommandError {
    /// A rule forbids it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The record has changed since the version that the caller knows.
    #[error(
        "the record is at version {actual}, you know version {expected}; since then: {}; \
         read it again and decide anew", changes.join(", ")
    )]
    Stale {
        /// What the caller knows.
        expected: i64,
        /// What it is.
        actual: i64,
        /// The types of the facts since, oldest first (at most twenty).
        changes: Vec<&'static str>,
    },
    /// Another request was accepted under the same idempotency key.
    #[error("this idempotency key was used for another request; use a fresh key for a new request")]
    KeyReused,
    /// Too much waits, or it waited too long; it did not happen.
    #[error("too many commands wait; try again in a moment")]
    Busy,
    /// No answer came in time: it may still happen.
    #[error("no answer in time, it may still happen; repeat it with the same idempotency key")]
    Unanswered,
    /// The log could not take it; it did not happen.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What belongs to a person cannot be encrypted; it did not happen.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A stored fact cannot be read by this program.
    #[error("a record that the command needs cannot be read: {0}")]
    Unreadable(#[from] DecodeError),
}

/// Bounds of the executor. Everything that waits or grows has one.
#[derive(Debug, Clone)]
pub struct ExecutorLimits {
    /// Commands that may be here and not answered yet; one more is told "busy".
    pub queue_commands_max: usize,
    /// Commands decided in one round.
    pub round_commands_max: usize,
    /// Facts decided in one round (one command may exceed it, and the two below).
    pub round_facts_max: usize,
    /// Streams named in one round.
    pub round_streams_max: usize,
    /// Bytes of the facts decided in one round.
    pub round_bytes_max: usize,
    /// Rounds decided whose commit has not come back yet.
    pub rounds_in_flight_max: usize,
    /// States kept, in bytes.
    pub cache_bytes_max: usize,
    /// How long a command may wait to be decided.
    pub wait_max: Duration,
    /// How long a caller waits for an answer.
    pub answer_wait_max: Duration,
    /// After so many conflicts with other processes, a command is decided under the tail lock.
    pub conflicts_before_turn: u32,
    /// How often a command is decided again after conflicts with other processes.
    pub conflicts_max: u32,
    /// How often in a row the states of a command may be read before it is told "busy".
    pub loads_max: u32,
    /// Reads of states under way at once, beside the round's own.
    pub reads_max: usize,
    /// A stream's state is kept as a snapshot once in so many facts; 0: never, and none is used.
    pub snapshot_facts: u32,
    /// States that may wait to be kept; one more is not.
    pub snapshots_queue_max: usize,
}

impl Default for ExecutorLimits {
    fn default() -> Self {
        Self {
            queue_commands_max: 4_096,
            round_commands_max: 1_024,
            round_facts_max: 4_000,
            round_streams_max: 9_000,
            round_bytes_max: 8 << 20,
            rounds_in_flight_max: 2,
            cache_bytes_max: 64 << 20,
            wait_max: Duration::from_secs(10),
            answer_wait_max: Duration::from_secs(30),
            conflicts_before_turn: 3,
            conflicts_max: 100,
            loads_max: 20,
            reads_max: 4,
            snapshot_facts: 500,
            snapshots_queue_max: 256,
        }
    }
}

/// A command that waits to be decided.
pub(crate) struct Job {
    pub(crate) work: Box<dyn Work>,
    pub(crate) answer: oneshot::Sender<Result<Outcome, CommandError>>,
    /// Its place in the queue, which is free again once it is answered.
    pub(crate) place: OwnedSemaphorePermit,
    pub(crate) queued_at: Instant,
    pub(crate) conflicts: u32,
    pub(crate) loads: u32,
    pub(crate) key: Key,
    /// Committed states that it named, so that it is decided however small the cache is.
    pub(crate) held: StreamMap<Entry>,
    /// The streams that it named when it was asked last.
    pub(crate) needs: Vec<Need>,
    /// To be decided in a round of its own: with others it was too much for one append.
    pub(crate) alone: bool,
}

impl Job {
    fn new(
        work: Box<dyn Work>,
        answer: oneshot::Sender<Result<Outcome, CommandError>>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            key: work.key().map_or(Key::Free, Key::Unknown),
            work,
            answer,
            place,
            queued_at: Instant::now(),
            conflicts: 0,
            loads: 0,
            held: StreamMap::default(),
            needs: Vec::new(),
            alone: false,
        }
    }
}

/// Answers whoever waits for a command.
fn answer(job: Job, outcome: Result<Outcome, CommandError>) {
    let Job { answer, place, queued_at, .. } = job;
    if matches!(outcome, Err(CommandError::Busy)) {
        metrics::counter!("millrace_executor_busy_total").increment(1);
    }
    let took = queued_at.elapsed().as_secs_f64();
    metrics::histogram!("millrace_executor_command_seconds").record(took);
    // Before the answer: whoever has it may give the next command.
    drop(place);
    // Whoever gave up waiting does not want the answer.
    drop(answer.send(outcome));
}

/// What is known of a command's idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// It has none, or nobody has used it.
    Free,
    /// It is to be looked up.
    Unknown(Uuid),
}

/// A handle to the executor; clones share one loop.
#[derive(Clone)]
pub struct Executor {
    jobs: mpsc::UnboundedSender<Job>,
    /// One for each command that may be here; whoever has none is not let in.
    places: Arc<Semaphore>,
    answer_wait_max: Duration,
    /// Without one, nothing can be said of persons.
    vault: Option<Vault>,
}

impl Executor {
    /// Starts the loop over a log; it ends when the last handle is dropped and every command is
    /// answered.
    #[must_use]
    pub fn start(log: Log, limits: ExecutorLimits) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        let places = limits.queue_commands_max.min(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(places));
        let answer_wait_max = limits.answer_wait_max;
        tokio::spawn(run::run(log, Arc::new(limits), queue));
        Self { jobs, places, answer_wait_max, vault: None }
    }

    /// With persons' keys, so that commands may speak of persons.
    #[must_use]
    pub fn with_vault(mut self, vault: Vault) -> Self {
        self.vault = Some(vault);
        self
    }

    /// Executes a command and answers once its outcome, and everything that the outcome rests on,
    /// is durable.
    ///
    /// # Errors
    /// [`CommandError`]: it did not happen, but for [`CommandError::Unanswered`].
    pub async fn execute<C: Command>(&self, request: Request<C>) -> Result<Outcome, CommandError> {
        let span = tracing::info_span!(
            "command",
            command = format_args!("{}.{}", C::FEATURE, C::ACTION),
            organization = %request.context.organization,
            correlation = %request.correlation,
            position = tracing::field::Empty,
        );
        let outcome = async {
            let named = request.command.persons(&request.context);
            let organization = request.context.organization.0;
            let persons = self.persons(organization, &named).await?;
            let outcome = self.submit(Box::new(Prepared { request, persons })).await;
            if let Some(vault) = &self.vault
                && named.iter().any(|person| matches!(person, Person::Erased(_)))
            {
                vault.forget(organization);
            }
            outcome
        };
        let outcome = outcome.instrument(span.clone()).await;
        if let Ok(outcome) = &outcome {
            span.record("position", outcome.position.0);
        }
        outcome
    }

    /// The keys of the persons of whom the command's facts are going to speak.
    async fn persons(&self, organization: Uuid, named: &[Person]) -> Result<Persons, CommandError> {
        // Who is erased needs no key: that is possible where every master key is lost.
        if named.iter().all(|person| matches!(person, Person::Erased(_))) {
            return Ok(Persons::default());
        }
        let vault = self.vault.as_ref().ok_or(VaultError::NoMaster)?;
        let known = named.iter().filter_map(|person| match person {
            Person::Known(id) => Some(PersonKey { organization, id: *id }),
            Person::New(_) | Person::Erased(_) => None,
        });
        let mut keys = vault.keys(&known.collect::<Vec<_>>()).await?;
        let mut new = Vec::new();
        for person in named {
            if let Person::New(id) = person {
                let person = PersonKey { organization, id: *id };
                let (key, wrapped) = vault.new_key(person)?;
                keys.add(person, key);
                new.push(wrapped);
            }
        }
        Ok(Persons { keys, new, digest: Some(vault.nobodys().await?) })
    }

    async fn submit(&self, work: Box<dyn Work>) -> Result<Outcome, CommandError> {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            metrics::counter!("millrace_executor_busy_total").increment(1);
            return Err(CommandError::Busy);
        };
        let (answer, answered) = oneshot::channel();
        let job = Job::new(work, answer, place);
        self.jobs.send(job).map_err(|_| CommandError::Log(LogError::Closed))?;
        match tokio::time::timeout(self.answer_wait_max, answered).await {
            Ok(answer) => answer.unwrap_or(Err(CommandError::Log(LogError::Closed))),
            Err(_) => Err(CommandError::Unanswered),
        }
    }
}
