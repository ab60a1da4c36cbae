//! The front of the appender: checks the limits of an append, queues it, waits for its answer. Who
//! empties the queue stands in `appender`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};

use super::batch::streams_of;
use super::{Answer, Append, LogError, LogLimits, RawFact, StreamKey};

/// What is asked of the appender.
pub(super) enum Job {
    /// Appends that belong together, and who waits for their answers.
    Batch { appends: Vec<Append>, answer: oneshot::Sender<Answers> },
    /// Appends that are decided under the tail lock.
    Locked(Locked),
}

/// Appends that are decided under the tail lock.
pub(super) struct Locked {
    /// The streams to show, each after a version.
    pub(super) streams: Vec<(StreamKey, i64)>,
    pub(super) decide: Decide,
    pub(super) answer: oneshot::Sender<Result<Answers, LogError>>,
}

/// Makes appends of what is seen under the tail lock.
pub type Decide = Box<dyn FnOnce(Vec<RawFact>) -> Vec<Append> + Send>;

/// An answer for each append, in order.
pub(super) type Answers = Vec<Result<Answer, LogError>>;

/// The way to the appender, and how many appends are on it.
#[derive(Clone)]
pub(super) struct Queue {
    jobs: mpsc::UnboundedSender<Job>,
    waiting: Arc<AtomicUsize>,
    tickets: Arc<AtomicU64>,
}

impl Queue {
    /// A queue, its other end, and the count of the appends between them: whoever takes some off
    /// counts them down.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Job>, Arc<AtomicUsize>) {
        let (jobs, taken) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let tickets = Arc::new(AtomicU64::new(1));
        (Self { jobs, waiting: waiting.clone(), tickets }, taken, waiting)
    }

    pub(super) fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// Checks the limits and queues; the future waits for the answers.
    pub(super) fn submit(
        &self,
        limits: &LogLimits,
        appends: Vec<Append>,
    ) -> impl Future<Output = Answers> + Send + use<> {
        let checked: Vec<_> = appends.iter().map(|append| check(limits, append)).collect();
        let fit = appends.into_iter().zip(&checked).filter(|(_, checked)| checked.is_ok());
        let fit: Vec<Append> = fit.map(|(append, _)| append).collect();
        let count = fit.len();
        let pushed = self.push(limits, fit);
        async move {
            let answers = match pushed {
                Ok(answered) => answered.await.map_err(|_| LogError::Closed),
                Err(error) => Err(error),
            };
            let mut answers = answers.unwrap_or_else(|error| vec![Err(error); count]).into_iter();
            let answer = |checked: Result<(), LogError>| {
                checked.and_then(|()| answers.next().unwrap_or(Err(LogError::Closed)))
            };
            checked.into_iter().map(answer).collect()
        }
    }

    fn push(
        &self,
        limits: &LogLimits,
        appends: Vec<Append>,
    ) -> Result<oneshot::Receiver<Answers>, LogError> {
        let (count, limit) = (appends.len(), limits.queue_appends_max);
        let (answer, answered) = oneshot::channel();
        if count == 0 {
            drop(answer.send(Vec::new()));
            return Ok(answered);
        }
        let before = self.waiting.fetch_add(count, Ordering::Relaxed);
        if before > 0 && before + count > limit {
            self.waiting.fetch_sub(count, Ordering::Relaxed);
            return Err(LogError::Busy { waiting: before });
        }
        self.jobs.send(Job::Batch { appends, answer }).map_err(|_| LogError::Closed)?;
        Ok(answered)
    }

    /// Queues; the future waits for the answers.
    pub(super) fn submit_locked(
        &self,
        streams: Vec<(StreamKey, i64)>,
        decide: Decide,
    ) -> impl Future<Output = Result<Answers, LogError>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let sent = self.jobs.send(Job::Locked(Locked { streams, decide, answer }));
        async move {
            sent.map_err(|_| LogError::Closed)?;
            answered.await.unwrap_or(Err(LogError::Closed))
        }
    }
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

/// The first and the last position that a batch took.
pub(super) fn positions(appends: &[Append], answers: &Answers) -> Option<(i64, i64)> {
    let taken = answers.iter().zip(appends).filter_map(|(answer, append)| match answer {
        Ok(Answer::Appended { first, .. }) if !append.facts.is_empty() => {
            Some((first.0, first.0 + append.facts.len() as i64 - 1))
        }
        _ => None,
    });
    taken.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))
}
