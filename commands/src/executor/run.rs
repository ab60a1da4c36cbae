//! The loop: take what waits, decide a round, commit it as one batch, answer. While one batch is in
//! flight the next round is decided on the states that it will leave, and the states of the one
//! after that load.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use events::Recorded;
use events::log::{Answer, Append, Earlier, Log, LogError, StreamKey};
use events::words::Position;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::cache::Cache;
use super::naming::{self, Lacking};
use super::parking::{Lack, Parking, repeat};
use super::round::{Component, Round, Verdict};
use super::{CommandError, ExecutorLimits, Job, Key, Outcome, answer, turn};
use crate::state::{Entry, Need, States};

/// After so many conflicts with other processes, a command is decided under the tail lock.
const CONFLICTS_BEFORE_TURN: u32 = 3;
/// How many facts a stale caller is told of.
const CHANGES_MAX: i64 = 20;

/// Rounds that may be in flight at once.
const IN_FLIGHT_MAX: usize = 2;

/// A round that was decided and is being committed.
struct InFlight {
    commands: usize,
    /// Under the tail lock: no other round is decided until it is back.
    alone: bool,
    committed: BoxFuture<'static, Committed>,
}

/// A round, and what the log said to it.
pub(super) struct Committed {
    pub(super) components: Vec<Component>,
    pub(super) answers: Vec<Result<Answer, LogError>>,
    /// Commands that could not be decided in it after all.
    pub(super) undecided: Vec<Job>,
}

struct Loop {
    log: Log,
    limits: Arc<ExecutorLimits>,
    cache: Cache,
    /// Commands that may be decidable.
    ready: VecDeque<Job>,
    parking: Parking,
    /// What the rounds in flight will leave in the streams that they write, should they commit.
    ahead: HashMap<StreamKey, Entry>,
    /// The keys of the commands in flight, and commands that have one of them again.
    keys: HashSet<Uuid>,
    same_key: Vec<Job>,
    /// Commands that other processes were ahead of again and again.
    turns: Vec<Job>,
}

/// Runs until the queue is closed and everything in it is answered.
pub(super) async fn run(log: Log, limits: Arc<ExecutorLimits>, mut queue: mpsc::Receiver<Job>) {
    let mut state = Loop::new(log, limits);
    let mut in_flight: VecDeque<InFlight> = VecDeque::new();
    let mut open = true;
    while open || !in_flight.is_empty() || state.is_busy() {
        while let Ok(job) = queue.try_recv() {
            state.ready.push_back(job);
        }
        if in_flight.is_empty() && !state.turns.is_empty() {
            in_flight.push_back(state.turn());
            continue;
        }
        if state.may_decide(&in_flight) {
            in_flight.extend(state.round());
            continue;
        }
        state.read_ahead();
        let first = async {
            match in_flight.front_mut() {
                Some(round) => (&mut round.committed).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            committed = first => {
                in_flight.pop_front();
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
    fn new(log: Log, limits: Arc<ExecutorLimits>) -> Self {
        Self {
            log,
            cache: Cache::new(limits.cache_bytes_max),
            limits,
            ready: VecDeque::new(),
            parking: Parking::default(),
            ahead: HashMap::new(),
            keys: HashSet::new(),
            same_key: Vec::new(),
            turns: Vec::new(),
        }
    }

    /// Whether a round is to be decided now: at once if none is in flight; behind another only if
    /// it is as large, for many small batches cost more than they save.
    fn may_decide(&self, in_flight: &VecDeque<InFlight>) -> bool {
        let large = |last: &InFlight| {
            let room = in_flight.len() < IN_FLIGHT_MAX && !last.alone;
            room && self.ready.len() >= last.commands
        };
        self.turns.is_empty() && !self.ready.is_empty() && in_flight.back().is_none_or(large)
    }

    fn is_busy(&self) -> bool {
        !(self.parking.is_empty() && self.ready.is_empty() && self.turns.is_empty())
    }

    /// Decides those who have lost too often, under the tail lock.
    fn turn(&mut self) -> InFlight {
        let commands = self.turns.len().min(self.limits.round_commands_max);
        metrics::counter!("millrace_executor_turns").increment(commands as u64);
        let jobs: Vec<Job> = self.turns.drain(..commands).collect();
        let committed = turn::take_turn(&self.log, &self.cache, jobs);
        InFlight { commands, alone: true, committed }
    }

    /// Decides what can be decided, and begins to read what the others lack.
    fn round(&mut self) -> Option<InFlight> {
        let mut round = Round::default();
        while round.len() < self.limits.round_commands_max
            && round.facts < self.limits.round_facts_max
        {
            let Some(mut job) = self.ready.pop_front() else {
                break;
            };
            if job.queued_at.elapsed() > self.limits.wait_max {
                answer(job, Err(CommandError::Busy));
            } else if job.work.key().is_some_and(|key| round.has_key(key) || self.is_keyed(key)) {
                // The outcome of the one before it decides.
                self.same_key.push(job);
            } else {
                match self.states(&mut job, &round) {
                    Ok(states) => round.decide(job, states),
                    Err(lack) => self.parking.park(job, lack),
                }
            }
        }
        self.cache.shrink();
        self.parking.read(&self.log);
        let commands = round.len();
        if commands == 0 {
            return None;
        }
        metrics::histogram!("millrace_executor_round_commands").record(commands as f64);
        let mut components = round.components();
        for component in &mut components {
            component.append.ticket = self.log.ticket();
            self.keys.extend(&component.append.keys);
            for key in &component.written {
                if let Some(entry) = component.states.get_mut(key) {
                    entry.ticket = component.append.ticket;
                    self.ahead.insert(*key, entry.clone());
                }
            }
        }
        let appends: Vec<Append> =
            components.iter_mut().map(|c| std::mem::take(&mut c.append)).collect();
        // Queued now, so behind the rounds before it.
        let answers = self.log.append_all(appends);
        let committed = Box::pin(async move {
            Committed { components, answers: answers.await, undecided: Vec::new() }
        });
        Some(InFlight { commands, alone: false, committed })
    }

    fn is_keyed(&self, key: Uuid) -> bool {
        self.keys.contains(&key)
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
                Ok(mut states) => {
                    states.entries.retain(|key, _| !self.ahead.contains_key(key));
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
        let find = |need: &Need| {
            let decided = round.state(&need.key).or_else(|| self.ahead.get(&need.key)).cloned();
            let committed = decided.or_else(|| self.cache.get(&need.key));
            committed.or_else(|| job.held.get(&need.key).cloned())
        };
        let Lacking { found, needs } = match naming::states(job, find) {
            Ok(states) => {
                metrics::counter!("millrace_executor_cache_hits").increment(states.len() as u64);
                return Ok(states);
            }
            Err(lacking) => lacking,
        };
        // What was only decided may never commit: it is not held.
        let committed =
            |key: &StreamKey| round.state(key).is_none() && !self.ahead.contains_key(key);
        job.held.extend(found.entries.into_iter().filter(|(key, _)| committed(key)));
        metrics::counter!("millrace_executor_cache_misses").increment(needs.len() as u64);
        let bases = needs.into_iter().map(|need| (need, self.cache.base(&need)));
        Err(Lack::Streams(bases.collect()))
    }

    /// A batch came back: answers what is certain, and decides again what was refused.
    fn settle(&mut self, committed: Committed) {
        let Committed { components, answers, undecided } = committed;
        for (component, answered) in components.into_iter().zip(answers) {
            let accepted = matches!(answered, Ok(Answer::Appended { .. }));
            for stream in &component.written {
                // What later rounds decided on a refused component is going to be refused too.
                let later = |entry: &Entry| entry.ticket != component.states[stream].ticket;
                if !accepted || !self.ahead.get(stream).is_some_and(later) {
                    self.ahead.remove(stream);
                }
            }
            for decided in &component.decided {
                if let Some(key) = decided.job.work.key() {
                    self.keys.remove(&key);
                }
            }
            match answered {
                Ok(Answer::Appended { first, .. }) => self.accepted(component, first),
                Ok(Answer::Conflict { .. }) => {
                    metrics::counter!("millrace_executor_components_refused").increment(1);
                    for stream in component.states.keys() {
                        self.cache.mark_behind(stream);
                    }
                    self.again(component, None);
                }
                Ok(Answer::Repeated(earlier)) => self.again(component, Some(&earlier)),
                Ok(Answer::Unfounded { .. }) => self.again(component, None),
                Err(error) => {
                    for decided in component.decided {
                        answer(decided.job, Err(CommandError::Log(error.clone())));
                    }
                }
            }
        }
        self.ready.extend(self.same_key.drain(..));
        self.ready.extend(undecided);
    }

    fn accepted(&mut self, component: Component, first: Position) {
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
            } else if job.conflicts > CONFLICTS_BEFORE_TURN {
                self.turns.push(job);
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
