//! The executor: loads, decides and appends; one loop per process. Here is its front; the loop is
//! in `executor/run.rs`, what one round of it decides in `executor/round.rs`.

mod cache;
mod naming;
mod parking;
mod round;
mod run;
mod turn;
mod work;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use events::facts::DecodeError;
use events::log::{Log, LogError, StreamKey};
use events::words::Position;
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;
use uuid::Uuid;

use crate::rejection::Rejection;
use crate::state::Entry;
use crate::{Command, Context};

pub(crate) use work::Work;

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
    /// A stored fact cannot be read by this program.
    #[error("a record that the command needs cannot be read: {0}")]
    Unreadable(#[from] DecodeError),
}

/// Bounds of the executor. Everything that waits or grows has one.
#[derive(Debug, Clone)]
pub struct ExecutorLimits {
    /// Commands that may wait; one more is told "busy".
    pub queue_commands_max: usize,
    /// Commands decided in one round.
    pub round_commands_max: usize,
    /// Facts decided in one round.
    pub round_facts_max: usize,
    /// States kept, in bytes.
    pub cache_bytes_max: usize,
    /// How long a command may wait to be decided.
    pub wait_max: Duration,
    /// How long a caller waits for an answer.
    pub answer_wait_max: Duration,
    /// How often a command is decided again after conflicts with other processes.
    pub conflicts_max: u32,
    /// Reads of states under way at once, beside the round's own.
    pub reads_max: usize,
}

impl Default for ExecutorLimits {
    fn default() -> Self {
        Self {
            queue_commands_max: 4_096,
            round_commands_max: 1_024,
            round_facts_max: 4_000,
            cache_bytes_max: 64 << 20,
            wait_max: Duration::from_secs(10),
            answer_wait_max: Duration::from_secs(30),
            conflicts_max: 100,
            reads_max: 4,
        }
    }
}

/// A command that waits to be decided.
pub(crate) struct Job {
    pub(crate) work: Box<dyn Work>,
    pub(crate) answer: oneshot::Sender<Result<Outcome, CommandError>>,
    pub(crate) queued_at: Instant,
    pub(crate) conflicts: u32,
    pub(crate) loads: u32,
    pub(crate) key: Key,
    /// Committed states that it named, so that it is decided however small the cache is.
    pub(crate) held: HashMap<StreamKey, Entry>,
    /// Whether its states were looked for while a batch was in flight.
    pub(crate) ahead: bool,
}

/// Answers whoever waits for a command.
fn answer(job: Job, outcome: Result<Outcome, CommandError>) {
    metrics::histogram!("millrace_command_seconds").record(job.queued_at.elapsed().as_secs_f64());
    // Whoever gave up waiting does not want the answer.
    drop(job.answer.send(outcome));
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
    jobs: mpsc::Sender<Job>,
    answer_wait_max: Duration,
}

impl Executor {
    /// Starts the loop over a log; it ends when the last handle is dropped and every command is
    /// answered.
    #[must_use]
    pub fn start(log: Log, limits: ExecutorLimits) -> Self {
        let (jobs, queue) = mpsc::channel(limits.queue_commands_max);
        let answer_wait_max = limits.answer_wait_max;
        tokio::spawn(run::run(log, Arc::new(limits), queue));
        Self { jobs, answer_wait_max }
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
        let outcome = self.submit(Box::new(request)).instrument(span.clone()).await;
        if let Ok(outcome) = &outcome {
            span.record("position", outcome.position.0);
        }
        outcome
    }

    async fn submit(&self, work: Box<dyn Work>) -> Result<Outcome, CommandError> {
        let (answer, answered) = oneshot::channel();
        let key = work.key().map_or(Key::Free, Key::Unknown);
        let queued_at = Instant::now();
        let (held, ahead) = (HashMap::new(), false);
        let job = Job { work, answer, queued_at, conflicts: 0, loads: 0, key, held, ahead };
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommandError::Busy,
            mpsc::error::TrySendError::Closed(_) => CommandError::Log(LogError::Closed),
        })?;
        match tokio::time::timeout(self.answer_wait_max, answered).await {
            Ok(answer) => answer.unwrap_or(Err(CommandError::Log(LogError::Closed))),
            Err(_) => Err(CommandError::Unanswered),
        }
    }
}
