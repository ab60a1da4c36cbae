//! What becomes of a round that came back: certain answers go out, and what was refused is decided
//! again.

use std::collections::BTreeSet;

use events::Recorded;
use events::log::{Answer, Earlier, Log, LogError, StreamKey};
use events::words::Position;

use super::parking::repeat;
use super::round::{Component, Verdict};
use super::run::{Committed, Loop};
use super::{CommandError, Job, Outcome, answer};
use crate::state::Entry;

/// How many facts a stale caller is told of.
const CHANGES_MAX: i64 = 20;

impl Loop {
    /// A batch came back: answers what is certain, and decides again what was refused.
    pub(super) fn settle(&mut self, committed: Committed) {
        let Committed { components, answers, undecided } = committed;
        let (count, mut refused) = (components.len(), BTreeSet::new());
        for (component, answered) in components.into_iter().zip(answers) {
            for decided in &component.decided {
                if let Some(key) = decided.job.work.key() {
                    self.keys.remove(&key);
                }
            }
            match answered {
                Ok(Answer::Appended { first, .. }) => self.accepted(component, first),
                answered => {
                    refused.insert(component.ticket);
                    self.refused(component, answered);
                }
            }
        }
        metrics::counter!("millrace_executor_components_total").increment(count as u64);
        let lost = refused.len() as u64;
        metrics::counter!("millrace_executor_components_refused_total").increment(lost);
        self.ahead.refuse(refused);
        self.ready.extend(self.same_key.drain(..));
        self.ready.extend(undecided);
    }

    fn accepted(&mut self, component: Component, first: Position) {
        self.ahead.accept(&component);
        for (stream, before) in &component.written {
            let due = |entry: &&Entry| self.snapshots.is_due(*before, entry.version);
            if let Some(entry) = component.states.get(stream).filter(due) {
                self.snapshots.offer(*stream, entry);
            }
        }
        for (stream, entry) in component.states {
            self.cache.put_newer(stream, entry.committed());
        }
        let mut next = first.0;
        for decided in component.decided {
            let job = decided.job;
            match decided.verdict {
                Verdict::Accepted { facts } => {
                    next += i64::from(facts);
                    let (id, position) = (decided.record.id, Position(next - 1));
                    answer(job, Ok(Outcome { id, position, facts, repeated: false }));
                }
                Verdict::Stale { expected, actual } => {
                    let log = self.log.clone();
                    tokio::spawn(tell_changes(log, job, decided.record, expected, actual));
                }
                Verdict::Rejected(rejection) => answer(job, Err(CommandError::Rejected(rejection))),
            }
        }
    }

    fn refused(&mut self, component: Component, answered: Result<Answer, LogError>) {
        match answered {
            Ok(Answer::Conflict { .. }) => {
                for stream in component.states.keys() {
                    self.cache.mark_behind(stream);
                }
                self.again(component, None);
            }
            Ok(Answer::Repeated(earlier)) => self.again(component, Some(&earlier)),
            Ok(_) => self.again(component, None),
            // Each may well fit.
            Err(LogError::TooLarge { .. }) if component.decided.len() > 1 => {
                for decided in component.decided.into_iter().rev() {
                    self.ready.push_front(Job { alone: true, ..decided.job });
                }
            }
            Err(error) => {
                for decided in component.decided {
                    answer(decided.job, Err(CommandError::Log(error.clone())));
                }
            }
        }
    }

    /// Decides a refused component again; whoever's key is taken gets the earlier outcome.
    fn again(&mut self, component: Component, earlier: Option<&Earlier>) {
        for decided in component.decided.into_iter().rev() {
            let mut job = decided.job;
            if let Some(earlier) = earlier.filter(|e| Some(e.event_id) == job.work.key()) {
                let outcome = repeat(&job, earlier);
                answer(job, outcome);
                continue;
            }
            metrics::counter!("millrace_executor_retries_total").increment(1);
            job.conflicts += 1;
            job.loads = 0;
            job.held.clear();
            job.needs.clear();
            if job.conflicts > self.limits.conflicts_max {
                answer(job, Err(CommandError::Busy));
            } else if job.conflicts > self.limits.conflicts_before_turn {
                self.turns.push_front(job);
            } else {
                self.ready.push_front(job);
            }
        }
    }
}

/// Tells a stale caller what has changed since the version that it knows.
async fn tell_changes(log: Log, job: Job, record: StreamKey, expected: i64, actual: i64) {
    let error = match log.read_stream(record, expected.max(0), CHANGES_MAX).await {
        Ok(facts) => {
            let changes = facts.iter().filter_map(|raw| Recorded::try_from(raw).ok());
            let changes = changes.map(|recorded| recorded.event.fact_type().name).collect();
            CommandError::Stale { expected, actual, changes }
        }
        Err(error) => CommandError::Log(error),
    };
    answer(job, Err(error));
}
