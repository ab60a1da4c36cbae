//! The front of the appender: checks the limits of an append, queues it, waits for its answer. Who
//! empties the queue stands in `appender`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::batch::streams_of;
use super::{
    Answer, Append, Condition, Expected, LogError, LogLimits, NewFact, NewKey, RawFact, StreamKey,
};

/// What is asked of the appender.
pub(super) enum Job {
    /// Appends that belong together.
    Batch(Asked),
    /// Appends that are decided under the tail lock.
    Locked(Locked),
}

/// Appends that belong together, and who waits for their answers.
pub(super) struct Asked {
    pub(super) appends: Vec<Append>,
    pub(super) answer: oneshot::Sender<Answers>,
    pub(super) load: Load,
    pub(super) queued_at: Instant,
}

/// Appends that are decided under the tail lock.
pub(super) struct Locked {
    /// The streams to show, each after a version.
    pub(super) streams: Vec<(StreamKey, i64)>,
    pub(super) decide: Decide,
    pub(super) answer: oneshot::Sender<Result<Answers, LogError>>,
    pub(super) load: Load,
    pub(super) queued_at: Instant,
}

/// Makes appends of what is seen under the tail lock.
pub type Decide = Box<dyn FnOnce(Vec<RawFact>) -> Vec<Append> + Send>;

/// An answer for each append, in order.
pub(super) type Answers = Vec<Result<Answer, LogError>>;

/// How much appends are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) appends: usize,
    pub(super) facts: usize,
    /// About how many bytes they occupy.
    pub(super) bytes: usize,
}

impl Load {
    /// So many appends that name so many versions, and the bytes in their facts.
    fn of(appends: &[Append]) -> Self {
        let mut load = Self { appends: appends.len(), ..Self::default() };
        for append in appends {
            load.facts += append.facts.len();
            let in_facts: usize = append.facts.iter().map(fact_bytes).sum();
            let expected = append.expected.len() * size_of::<(StreamKey, Expected)>();
            load.bytes += size_of::<Append>() + in_facts + expected;
            load.bytes += append.facts.len() * size_of::<NewFact>();
            load.bytes += append.conditions.len() * size_of::<Condition>();
            load.bytes += append.new_keys.len() * size_of::<NewKey>();
        }
        load
    }
}

fn fact_bytes(fact: &NewFact) -> usize {
    fact.data.len() + fact.meta.len() + fact.tags.iter().map(|tag| tag.len()).sum::<usize>()
}

/// How much waits for the appender.
#[derive(Default)]
struct Waiting {
    appends: AtomicUsize,
    bytes: AtomicUsize,
}

impl Waiting {
    /// Lets it in, unless the queue is full.
    fn enter(&self, limits: &LogLimits, load: Load) -> Result<(), LogError> {
        let waiting = self.appends.fetch_add(load.appends, Ordering::Relaxed);
        let bytes = self.bytes.fetch_add(load.bytes, Ordering::Relaxed);
        let full = waiting + load.appends > limits.queue_appends_max
            || bytes + load.bytes > limits.queue_bytes_max;
        if waiting > 0 && full {
            self.leave(load);
            metrics::counter!("millrace_log_busy_total").increment(load.appends as u64);
            return Err(LogError::Busy { waiting });
        }
        Ok(())
    }

    fn leave(&self, load: Load) {
        self.appends.fetch_sub(load.appends, Ordering::Relaxed);
        self.bytes.fetch_sub(load.bytes, Ordering::Relaxed);
    }
}

/// The way to the appender.
#[derive(Clone)]
pub(super) struct Queue {
    jobs: mpsc::UnboundedSender<Job>,
    waiting: Arc<Waiting>,
    tickets: Arc<AtomicU64>,
}

/// The appender's end of the queue. What is taken off still waits until it is said to be taken.
pub(super) struct Jobs {
    jobs: mpsc::UnboundedReceiver<Job>,
    waiting: Arc<Waiting>,
}

/// A queue with both of its ends.
pub(super) fn queue() -> (Queue, Jobs) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(Waiting::default());
    let jobs = Jobs { jobs: receiver, waiting: waiting.clone() };
    (Queue { jobs: sender, waiting, tickets: Arc::new(AtomicU64::new(1)) }, jobs)
}

impl Jobs {
    pub(super) fn try_recv(&mut self) -> Option<Job> {
        self.jobs.try_recv().ok()
    }

    pub(super) async fn recv(&mut self) -> Option<Job> {
        self.jobs.recv().await
    }

    /// A batch is being written: what is in it waits no more.
    pub(super) fn taken(&self, load: Load, waited: Duration) {
        self.waiting.leave(load);
        let appends = self.waiting.appends.load(Ordering::Relaxed);
        let bytes = self.waiting.bytes.load(Ordering::Relaxed);
        metrics::gauge!("millrace_log_queue_appends").set(appends as f64);
        metrics::gauge!("millrace_log_queue_bytes").set(bytes as f64);
        metrics::histogram!("millrace_log_queue_seconds").record(waited.as_secs_f64());
    }
}

impl Queue {
    pub(super) fn ticket(&self) -> u64 {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// Checks the limits and queues; the future waits for the answers.
    pub(super) fn submit(
        &self,
        limits: &LogLimits,
        appends: Vec<Append>,
    ) -> impl Future<Output = Answers> + Send + use<> {
        let (fit, refusals) = fitting(limits, appends);
        let count = fit.len();
        let pushed = self.push(limits, fit);
        async move {
            let answers = match pushed {
                Ok(answered) => answered.await.map_err(|_| LogError::Closed),
                Err(error) => Err(error),
            };
            refusals.among(answers.unwrap_or_else(|error| vec![Err(error); count]))
        }
    }

    fn push(
        &self,
        limits: &LogLimits,
        appends: Vec<Append>,
    ) -> Result<oneshot::Receiver<Answers>, LogError> {
        let (answer, answered) = oneshot::channel();
        if appends.is_empty() {
            drop(answer.send(Vec::new()));
            return Ok(answered);
        }
        let load = Load::of(&appends);
        self.waiting.enter(limits, load)?;
        let asked = Asked { appends, answer, load, queued_at: Instant::now() };
        self.jobs.send(Job::Batch(asked)).map_err(|_| LogError::Closed)?;
        Ok(answered)
    }

    /// Queues; the future waits for the answers.
    pub(super) fn submit_locked(
        &self,
        limits: &LogLimits,
        streams: Vec<(StreamKey, i64)>,
        decide: Decide,
    ) -> impl Future<Output = Result<Answers, LogError>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let bytes = size_of_val(streams.as_slice());
        let load = Load { appends: 1, facts: 0, bytes };
        let sent = self.waiting.enter(limits, load).and_then(|()| {
            let locked = Locked { streams, decide, answer, load, queued_at: Instant::now() };
            self.jobs.send(Job::Locked(locked)).map_err(|_| LogError::Closed)
        });
        async move {
            sent?;
            answered.await.unwrap_or(Err(LogError::Closed))
        }
    }
}

/// Which of several appends were refused for their size, and why.
pub(super) struct Refusals(Vec<Result<(), LogError>>);

/// Those that fit the limits, and what becomes of the others.
pub(super) fn fitting(limits: &LogLimits, appends: Vec<Append>) -> (Vec<Append>, Refusals) {
    let checked: Vec<_> = appends.iter().map(|append| check(limits, append)).collect();
    let fit = appends.into_iter().zip(&checked).filter(|(_, checked)| checked.is_ok());
    (fit.map(|(append, _)| append).collect(), Refusals(checked))
}

impl Refusals {
    /// The answers for all of them, of those for the ones that fit.
    pub(super) fn among(self, answers: Answers) -> Answers {
        let mut answers = answers.into_iter();
        let answer = |checked: Result<(), LogError>| {
            checked.and_then(|()| answers.next().unwrap_or(Err(LogError::Closed)))
        };
        self.0.into_iter().map(answer).collect()
    }
}

fn check(limits: &LogLimits, append: &Append) -> Result<(), LogError> {
    let within = |what, found, limit| {
        if found > limit { Err(LogError::TooLarge { what, found, limit }) } else { Ok(()) }
    };
    within("facts", append.facts.len(), limits.append_facts_max)?;
    within("conditions", append.conditions.len(), limits.append_streams_max)?;
    within("persons", append.new_keys.len() + append.erased.len(), limits.append_streams_max)?;
    if append.expected.len() + append.facts.len() > limits.append_streams_max {
        let streams = streams_of(std::slice::from_ref(append)).len();
        within("streams", streams, limits.append_streams_max)?;
    }
    for fact in &append.facts {
        within("bytes of one fact", fact_bytes(fact), limits.fact_bytes_max)?;
    }
    within("bytes", append.facts.iter().map(fact_bytes).sum(), limits.append_bytes_max)
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
