//! The appender: one task that collects appends while a batch is being written, and writes them
//! as the next. How a batch is written stands in `batch`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_postgres::Config;
use tracing::Instrument;

use super::batch::{Connection, Failure, Reached, streams_of};
use super::connection::shown;
use super::{Answer, Append, LogError, LogId, LogLimits, wake};
use crate::words::Position;

/// An append and who waits for its answer.
pub(super) struct Job {
    append: Append,
    answer: oneshot::Sender<Result<Answer, LogError>>,
}

/// Checks the limits, queues, and waits for the answers.
pub(super) async fn submit(
    queue: &mpsc::Sender<Job>,
    limits: &LogLimits,
    appends: Vec<Append>,
) -> Vec<Result<Answer, LogError>> {
    let mut waiting = Vec::with_capacity(appends.len());
    for append in appends {
        waiting.push(check(limits, &append).and_then(|()| {
            let (answer, answered) = oneshot::channel();
            queue.try_send(Job { append, answer }).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => {
                    LogError::Busy { waiting: limits.queue_appends_max }
                }
                mpsc::error::TrySendError::Closed(_) => LogError::Closed,
            })?;
            Ok(answered)
        }));
    }
    let mut answers = Vec::with_capacity(waiting.len());
    for answered in waiting {
        answers.push(match answered {
            Ok(answered) => answered.await.unwrap_or(Err(LogError::Closed)),
            Err(error) => Err(error),
        });
    }
    answers
}

fn check(limits: &LogLimits, append: &Append) -> Result<(), LogError> {
    let within = |what, found, limit| {
        if found > limit { Err(LogError::TooLarge { what, found, limit }) } else { Ok(()) }
    };
    let bytes = |fact: &super::NewFact| fact.data.len() + fact.meta.len();
    within("facts", append.facts.len(), limits.append_facts_max)?;
    if append.expected.len() + append.facts.len() > limits.append_streams_max {
        let streams = streams_of(std::slice::from_ref(append)).len();
        within("streams", streams, limits.append_streams_max)?;
    }
    for fact in &append.facts {
        within("bytes of one fact", bytes(fact), limits.fact_bytes_max)?;
    }
    within("bytes", append.facts.iter().map(bytes).sum(), limits.append_bytes_max)
}

/// Runs until the last handle is dropped and everything queued is answered.
pub(super) async fn run(
    config: Config,
    id: LogId,
    limits: Arc<LogLimits>,
    head: Arc<watch::Sender<Position>>,
    mut queue: mpsc::Receiver<Job>,
) {
    let mut appender = Appender { config, id, limits, head, connection: None };
    while let Some(first) = queue.recv().await {
        let batch = gather(&appender.limits, first, &mut queue);
        appender.write(batch).await;
    }
}

/// The first, and whatever else waits, up to the limits of a batch.
fn gather(limits: &LogLimits, first: Job, queue: &mut mpsc::Receiver<Job>) -> Vec<Job> {
    let size = |job: &Job| -> (usize, usize) {
        let bytes = job.append.facts.iter().map(|fact| fact.data.len() + fact.meta.len());
        (job.append.facts.len(), bytes.sum())
    };
    let (mut facts, mut bytes) = size(&first);
    let mut batch = vec![first];
    while facts < limits.batch_facts_max && bytes < limits.batch_bytes_max {
        let Ok(next) = queue.try_recv() else { break };
        let (next_facts, next_bytes) = size(&next);
        facts += next_facts;
        bytes += next_bytes;
        batch.push(next);
    }
    batch
}

struct Appender {
    config: Config,
    id: LogId,
    limits: Arc<LogLimits>,
    head: Arc<watch::Sender<Position>>,
    connection: Option<Connection>,
}

impl Appender {
    /// Writes a batch and answers. Once a commit may have happened it does not answer before it
    /// knows, however long the database is away.
    async fn write(&mut self, batch: Vec<Job>) {
        let (appends, waiting): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|job| (job.append, job.answer)).unzip();
        let span = tracing::debug_span!(
            "batch",
            appends = appends.len(),
            first = tracing::field::Empty,
            last = tracing::field::Empty,
        );
        let answers = self.outcome(&appends, false).instrument(span.clone()).await;
        if let Some((first, last)) = positions(&appends, &answers) {
            span.record("first", first).record("last", last);
            // Durable: whoever follows may read it.
            wake::advance(&self.head, Position(last));
        }
        for (answer, waiting) in answers.into_iter().zip(waiting) {
            // Whoever gave up waiting does not want the answer.
            drop(waiting.send(answer));
        }
    }

    /// With `resolving`, a commit of these was sent before and its answer never came.
    async fn outcome(
        &mut self,
        appends: &[Append],
        mut resolving: bool,
    ) -> Vec<Result<Answer, LogError>> {
        let deadline = Instant::now() + self.limits.unavailable_wait_max;
        let mut pause = Duration::from_millis(20);
        loop {
            let failure = match self.attempt(appends, resolving).await {
                Ok(answers) => return answers.into_iter().map(Ok).collect(),
                Err(failure) => failure,
            };
            self.connection = None;
            // Refused while writing: what is not in the log by then is not going to be.
            if failure.is_refusal() && (!resolving || failure.reached == Reached::Commit) {
                return self.one_by_one(appends, &failure, resolving).await;
            }
            resolving |= failure.is_unknown();
            tracing::warn!(
                error = shown(&failure.error),
                resolving,
                "a batch could not be written yet"
            );
            metrics::counter!("millrace_log_batch_retries").increment(1);
            if !resolving && Instant::now() >= deadline {
                let error = LogError::Unavailable(shown(&failure.error));
                return vec![Err(error); appends.len()];
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// PostgreSQL refused a statement: find the append that it is about, and spare its neighbours.
    async fn one_by_one(
        &mut self,
        appends: &[Append],
        failure: &Failure,
        resolving: bool,
    ) -> Vec<Result<Answer, LogError>> {
        tracing::error!(error = ?failure.error, "PostgreSQL refused a batch");
        if appends.len() == 1 {
            return vec![Err(LogError::Database(shown(&failure.error)))];
        }
        let mut answers = Vec::with_capacity(appends.len());
        for append in appends {
            let alone = std::slice::from_ref(append);
            answers.extend(Box::pin(self.outcome(alone, resolving)).await);
        }
        answers
    }

    async fn attempt(
        &mut self,
        appends: &[Append],
        resolving: bool,
    ) -> Result<Vec<Answer>, Failure> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.config, self.id)
                .await
                .map_err(|error| Failure { error, reached: Reached::Nothing })?,
        };
        let answers = connection.write(appends, resolving).await?;
        self.connection = Some(connection);
        Ok(answers)
    }
}

/// The first and the last position that a batch took.
fn positions(appends: &[Append], answers: &[Result<Answer, LogError>]) -> Option<(i64, i64)> {
    let taken = answers.iter().zip(appends).filter_map(|(answer, append)| match answer {
        Ok(Answer::Appended { first, .. }) if !append.facts.is_empty() => {
            Some((first.0, first.0 + append.facts.len() as i64 - 1))
        }
        _ => None,
    });
    taken.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))
}
