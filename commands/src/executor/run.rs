//! The loop: take what waits, decide a round, commit it as one batch, answer. One batch is in
//! flight at a time; meanwhile the states of the next round load.

use std::collections::VecDeque;
use std::sync::Arc;

use events::Recorded;
use events::log::{Answer, Append, Earlier, Log, LogError, StreamKey};
use events::words::Position;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::cache::Cache;
use super::parking::{Lack, Parking, repeat};
use super::round::{Component, Round, Verdict};
use super::{CommandError, ExecutorLimits, Job, Key, Outcome, answer};
use crate::state::{Needs, States};

/// How often a command may name more streams, after the first.
const NEEDS_ROUNDS_MAX: usize = 3;
/// How many facts a stale caller is told of.
const CHANGES_MAX: i64 = 20;

type Committed = (Vec<Component>, Vec<Result<Answer, LogError>>);

struct Loop {
    log: Log,
    limits: Arc<ExecutorLimits>,
    cache: Cache,
    /// Commands that may be decidable.
    ready: VecDeque<Job>,
    parking: Parking,
}

/// Runs until the queue is closed and everything in it is answered.
pub(super) async fn run(log: Log, limits: Arc<ExecutorLimits>, mut queue: mpsc::Receiver<Job>) {
    let cache = Cache::new(limits.cache_bytes_max);
    let (ready, parking) = (VecDeque::new(), Parking::default());
    let mut state = Loop { log, limits, cache, ready, parking };
    let mut in_flight: Option<BoxFuture<'static, Committed>> = None;
    let mut open = true;
    while open || in_flight.is_some() || !state.parking.is_empty() || !state.ready.is_empty() {
        while let Ok(job) = queue.try_recv() {
            state.ready.push_back(job);
        }
        if in_flight.is_none() && !state.ready.is_empty() {
            in_flight = state.round();
            continue;
        }
        state.read_ahead();
        let committed = async {
            match &mut in_flight {
                Some(commit) => commit.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            committed = committed => {
                in_flight = None;
                state.settle(committed);
            }
            Some(fetched) = state.parking.next() => {
                state.ready.extend(state.parking.install(fetched, &mut state.cache));
            }
            job = queue.recv(), if open => match job {
                Some(job) => state.ready.push_back(job),
                None => open = false,
            },
        }
    }
}

impl Loop {
    /// Decides what can be decided, and begins to read what the others lack.
    fn round(&mut self) -> Option<BoxFuture<'static, Committed>> {
        let mut round = Round::default();
        let mut same_key = Vec::new();
        while round.len() < self.limits.round_commands_max
            && round.facts < self.limits.round_facts_max
        {
            let Some(mut job) = self.ready.pop_front() else {
                break;
            };
            if job.queued_at.elapsed() > self.limits.wait_max {
                answer(job, Err(CommandError::Busy));
            } else if job.work.key().is_some_and(|key| round.has_key(key)) {
                // The outcome of the one before it decides.
                same_key.push(job);
            } else {
                match self.states(&mut job, &round) {
                    Ok(states) => round.decide(job, states),
                    Err(lack) => self.parking.park(job, lack),
                }
            }
        }
        self.ready.extend(same_key);
        self.cache.shrink();
        self.parking.read(&self.log);
        if round.len() == 0 {
            return None;
        }
        metrics::histogram!("millrace_executor_round_commands").record(round.len() as f64);
        let mut components = round.components();
        let appends: Vec<Append> =
            components.iter_mut().map(|c| std::mem::take(&mut c.append)).collect();
        let log = self.log.clone();
        Some(Box::pin(async move { (components, log.append_all(appends).await) }))
    }

    /// While a batch is in flight: begins to read what waiting commands will lack.
    fn read_ahead(&mut self) {
        if self.parking.reads() >= self.limits.reads_max {
            return;
        }
        let before = Round::default();
        for mut job in std::mem::take(&mut self.ready) {
            if job.ahead {
                self.ready.push_back(job);
                continue;
            }
            match self.states(&mut job, &before) {
                Ok(states) => {
                    let held = states.entries;
                    self.ready.push_back(Job { ahead: true, held, ..job });
                }
                Err(lack) => self.parking.park(job, lack),
            }
        }
        self.parking.read(&self.log);
    }

    /// The states that a command names, as this round sees them.
    fn states(&mut self, job: &mut Job, round: &Round) -> Result<States, Lack> {
        if let Key::Unknown(key) = job.key {
            return Err(Lack::Key(key));
        }
        let organization = job.work.organization();
        let mut states = States::new(organization);
        for _ in 0..=NEEDS_ROUNDS_MAX {
            let mut needs = Needs::new(organization);
            job.work.needs(&states, &mut needs);
            let before = states.len();
            let mut lacking = Vec::new();
            for need in needs.list {
                if states.have(&need) {
                    continue;
                }
                let entry = round.state(&need.key).cloned();
                let entry = entry.or_else(|| self.cache.get(&need.key));
                let entry = entry.or_else(|| job.held.get(&need.key).cloned());
                match entry.and_then(|entry| entry.seen_as(&need)) {
                    Some(entry) => states.insert(&need, entry),
                    None if need.begins && job.conflicts == 0 => {
                        states.insert(&need, need.fresh());
                    }
                    None => lacking.push(need),
                }
            }
            if !lacking.is_empty() {
                // What this round decided may never commit: it is not held.
                let committed = |key: &StreamKey| round.state(key).is_none();
                job.held.extend(states.entries.into_iter().filter(|(key, _)| committed(key)));
                metrics::counter!("millrace_executor_cache_misses").increment(lacking.len() as u64);
                return Err(Lack::Streams(lacking));
            }
            if states.len() == before {
                break;
            }
        }
        metrics::counter!("millrace_executor_cache_hits").increment(states.len() as u64);
        Ok(states)
    }

    /// A batch came back: answers what is certain, and decides again what was refused.
    fn settle(&mut self, (components, answers): Committed) {
        for (component, answered) in components.into_iter().zip(answers) {
            match answered {
                Ok(Answer::Appended { first, .. }) => self.accepted(component, first),
                Ok(Answer::Conflict { .. }) => {
                    metrics::counter!("millrace_executor_components_refused").increment(1);
                    for stream in component.states.keys() {
                        self.cache.remove(stream);
                    }
                    self.again(component, None);
                }
                Ok(Answer::Repeated(earlier)) => self.again(component, Some(&earlier)),
                Err(error) => {
                    for decided in component.decided {
                        answer(decided.job, Err(CommandError::Log(error.clone())));
                    }
                }
            }
        }
    }

    fn accepted(&mut self, component: Component, first: Position) {
        for (stream, entry) in component.states {
            self.cache.put_newer(stream, entry);
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

    /// Decides a refused component again; whoever's key is taken gets the earlier outcome.
    fn again(&mut self, component: Component, earlier: Option<&Earlier>) {
        for decided in component.decided.into_iter().rev() {
            let mut job = decided.job;
            if let Some(earlier) = earlier.filter(|e| Some(e.event_id) == job.work.key()) {
                let outcome = repeat(&job, earlier);
                answer(job, outcome);
                continue;
            }
            job.conflicts += 1;
            job.loads = 0;
            job.held.clear();
            if job.conflicts > self.limits.conflicts_max {
                answer(job, Err(CommandError::Busy));
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
