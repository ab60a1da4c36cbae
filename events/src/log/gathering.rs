//! What the appender gathers for its next batch while others are under way, and what is counted of
//! one that was sent.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::Span;

use super::append::{Answers, Job, Load, Locked};
use super::{Answer, Append, LogLimits};

/// Who waits for the answers of how many appends, in order.
pub(super) type Waiting = Vec<(usize, oneshot::Sender<Answers>)>;

/// Appends that go together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) appends: Vec<Append>,
    pub(super) waiting: Waiting,
    pub(super) load: Load,
    /// When the first of them was queued.
    pub(super) since: Option<Instant>,
    /// What comes behind them, alone.
    pub(super) locked: Option<Locked>,
}

impl Batch {
    pub(super) fn push(&mut self, job: Job) {
        let asked = match job {
            Job::Batch(asked) => asked,
            Job::Locked(locked) => {
                self.locked = Some(locked);
                return;
            }
        };
        self.load.appends += asked.load.appends;
        self.load.facts += asked.load.facts;
        self.load.bytes += asked.load.bytes;
        self.since.get_or_insert(asked.queued_at);
        self.waiting.push((asked.appends.len(), asked.answer));
        self.appends.extend(asked.appends);
    }

    pub(super) fn is_full(&self, limits: &LogLimits) -> bool {
        self.locked.is_some()
            || self.load.facts >= limits.batch_facts_max
            || self.load.bytes >= limits.batch_bytes_max
    }

    /// How long the first of them has waited.
    pub(super) fn waited(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// A batch that was sent: its span, from being sent to being answered, and since when.
pub(super) struct Sent {
    pub(super) span: Span,
    since: Instant,
}

impl Sent {
    pub(super) fn now(appends: usize, planned: bool) -> Self {
        let empty = tracing::field::Empty;
        let span = tracing::debug_span!("batch", appends, planned, first = empty, last = empty);
        metrics::histogram!("millrace_log_batch_appends").record(appends as f64);
        Self { span, since: Instant::now() }
    }

    /// It is answered.
    pub(super) fn count(&self, answers: &Answers) {
        let took = self.since.elapsed().as_secs_f64();
        metrics::histogram!("millrace_log_batch_seconds").record(took);
        let kinds = ["appended", "conflict", "repeated", "unfounded", "excluded", "error"];
        let mut counts = kinds.map(|kind| (kind, 0));
        for answer in answers {
            let at = match answer {
                Ok(Answer::Appended { .. }) => 0,
                Ok(Answer::Conflict { .. }) => 1,
                Ok(Answer::Repeated(_)) => 2,
                Ok(Answer::Unfounded { .. }) => 3,
                Ok(Answer::Excluded { .. }) => 4,
                Err(_) => 5,
            };
            counts[at].1 += 1;
        }
        for (answer, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            metrics::counter!("millrace_log_appends_total", "answer" => answer).increment(count);
        }
    }
}
