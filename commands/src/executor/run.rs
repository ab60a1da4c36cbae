//! The loop: take what waits, decide a round, commit it as one batch, answer. While one batch is in
//! flight the next round is decided on the states that it will leave, and the states of the one
//! after that load.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use events::log::{Answer, Append, Log, LogError, StreamKey};
use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::ahead::Ahead;
use super::cache::Cache;
use super::naming::{self, Named};
use super::parking::{Lack, Parking};
use super::round::{Component, Round};
use super::snapshots::Snapshots;
use super::{CommandError, ExecutorLimits, Job, Key, answer, turn};
use crate::state::{Need, States};

/// How often the loop looks who has waited too long: so many times in the longest wait, but at
/// least every second.
const LOOKS_PER_WAIT: u32 = 20;
const LOOK_MAX: Duration = Duration::from_secs(1);

/// A round that was decided and is being committed.
struct InFlight {
    commands: usize,
    /// Decided under the tail lock: no other round is decided until it is back.
    turn: bool,
    committed: BoxFuture<'static, Committed>,
}

/// A round, and what the log said to it.
pub(super) struct Committed {
    pub(super) components: Vec<Component>,
    pub(super) answers: Vec<Result<Answer, LogError>>,
    /// Commands that could not be decided in it after all.
    pub(super) undecided: Vec<Job>,
}

/// What the loop has in hand. Commands are in one of its five places, or in flight.
pub(super) struct Loop {
    pub(super) log: Log,
    pub(super) limits: Arc<ExecutorLimits>,
    pub(super) cache: Cache,
    pub(super) snapshots: Snapshots,
    /// Commands that nobody has looked at yet.
    pub(super) fresh: VecDeque<Job>,
    /// Commands that may be decidable: they come first.
    pub(super) ready: VecDeque<Job>,
    pub(super) parking: Parking,
    pub(super) ahead: Ahead,
    /// The keys of the commands in flight, and commands that have one of them again.
    pub(super) keys: HashSet<Uuid>,
    pub(super) same_key: VecDeque<Job>,
    /// Commands that other processes were ahead of again and again.
    pub(super) turns: VecDeque<Job>,
}

/// Runs until the queue is closed and everything in it is answered.
pub(super) async fn run(
    log: Log,
    limits: Arc<ExecutorLimits>,
    mut queue: mpsc::UnboundedReceiver<Job>,
) {
    let look = (limits.wait_max / LOOKS_PER_WAIT).clamp(Duration::from_millis(1), LOOK_MAX);
    let mut look = tokio::time::interval(look);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut state = Loop::new(log, limits);
    let mut in_flight: VecDeque<InFlight> = VecDeque::new();
    let mut open = true;
    while open || !in_flight.is_empty() || state.waiting() > 0 {
        while let Ok(job) = queue.try_recv() {
            state.fresh.push_back(job);
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
        state.measure(&in_flight);
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
                Some(job) => state.fresh.push_back(job),
                None => open = false,
            },
            _ = look.tick(), if state.waiting() > 0 => state.give_up(),
        }
    }
}

impl Loop {
    fn new(log: Log, limits: Arc<ExecutorLimits>) -> Self {
        let snapshots = Snapshots::start(&log, &limits);
        Self {
            log,
            cache: Cache::new(limits.cache_bytes_max),
            snapshots,
            limits,
            fresh: VecDeque::new(),
            ready: VecDeque::new(),
            parking: Parking::default(),
            ahead: Ahead::default(),
            keys: HashSet::new(),
            same_key: VecDeque::new(),
            turns: VecDeque::new(),
        }
    }

    /// Whether a round is to be decided now: at once if none is in flight; behind another only if
    /// it is as large, for many small batches cost more than they save.
    fn may_decide(&self, in_flight: &VecDeque<InFlight>) -> bool {
        let large = |last: &InFlight| {
            let room = in_flight.len() < self.limits.rounds_in_flight_max && !last.turn;
            room && self.decidable() >= last.commands
        };
        self.turns.is_empty() && self.decidable() > 0 && in_flight.back().is_none_or(large)
    }

    /// How many commands may be decidable.
    fn decidable(&self) -> usize {
        self.ready.len() + self.fresh.len()
    }

    /// How many commands wait; those in flight are not meant.
    fn waiting(&self) -> usize {
        self.decidable() + self.turns.len() + self.same_key.len() + self.parking.len()
    }

    /// Tells whoever has waited too long to be decided that it did not happen.
    fn give_up(&mut self) {
        let wait_max = self.limits.wait_max;
        let late = |job: &Job| job.queued_at.elapsed() > wait_max;
        let mut given_up = self.parking.give_up(late);
        for place in [&mut self.fresh, &mut self.ready, &mut self.turns, &mut self.same_key] {
            let (gone, stay) = std::mem::take(place).into_iter().partition(late);
            *place = stay;
            given_up.extend::<VecDeque<Job>>(gone);
        }
        given_up.into_iter().for_each(|job| answer(job, Err(CommandError::Busy)));
    }

    /// What is in hand, while nothing can be done but wait.
    fn measure(&self, in_flight: &VecDeque<InFlight>) {
        let decided: usize = in_flight.iter().map(|round| round.commands).sum();
        let commands = decided + self.waiting();
        metrics::gauge!("millrace_executor_queue_commands").set(commands as f64);
        metrics::gauge!("millrace_executor_rounds_in_flight").set(in_flight.len() as f64);
    }

    /// Decides those who have lost too often, under the tail lock.
    fn turn(&mut self) -> InFlight {
        let commands = self.turns.len().min(self.limits.round_commands_max);
        metrics::counter!("millrace_executor_turns_total").increment(1);
        metrics::histogram!("millrace_executor_turn_commands").record(commands as f64);
        let jobs: Vec<Job> = self.turns.drain(..commands).collect();
        let committed =
            turn::take_turn(&self.log, &self.snapshots, &self.cache, &self.limits, jobs);
        InFlight { commands, turn: true, committed }
    }

    /// Decides what can be decided, and begins to read what the others lack.
    fn round(&mut self) -> Option<InFlight> {
        let mut round = Round::default();
        while let Some(job) = self.ready.front().or_else(|| self.fresh.front())
            && round.has_room_for(job, &self.limits)
            && let Some(job) = self.ready.pop_front().or_else(|| self.fresh.pop_front())
        {
            self.decide(&mut round, job);
        }
        self.cache.shrink();
        self.parking.read(&self.log, &self.snapshots);
        let commands = round.len();
        if commands == 0 {
            return None;
        }
        metrics::histogram!("millrace_executor_round_commands").record(commands as f64);
        metrics::histogram!("millrace_executor_round_facts").record(round.facts() as f64);
        let mut components = round.components();
        for component in &mut components {
            self.keys.extend(&component.append.keys);
            self.ahead.push(component, self.log.ticket());
        }
        let appends: Vec<Append> =
            components.iter_mut().map(|c| std::mem::take(&mut c.append)).collect();
        // Queued now, so behind the rounds before it.
        let mut answers = Box::pin(self.log.append_all(appends));
        let undecided = Vec::new();
        if let Some(answers) = (&mut answers).now_or_never() {
            // The log has no room, or nothing fits: told at once, not behind those in flight.
            self.settle(Committed { components, answers, undecided });
            return None;
        }
        let committed =
            Box::pin(async move { Committed { components, answers: answers.await, undecided } });
        Some(InFlight { commands, turn: false, committed })
    }

    /// Decides a command in a round, if nothing stands in the way.
    fn decide(&mut self, round: &mut Round, mut job: Job) {
        if job.queued_at.elapsed() > self.limits.wait_max {
            return answer(job, Err(CommandError::Busy));
        }
        if job.work.key().is_some_and(|key| round.has_key(key) || self.keys.contains(&key)) {
            // The outcome of the one before it decides.
            return self.same_key.push_back(job);
        }
        match self.states(&mut job, round) {
            Ok(states) => {
                if job.conflicts == 0 {
                    let waited = job.queued_at.elapsed().as_secs_f64();
                    metrics::histogram!("millrace_executor_queue_seconds").record(waited);
                }
                round.decide(job, states);
            }
            Err(lack) => self.parking.park(job, lack, self.limits.loads_max),
        }
    }

    /// While a batch is in flight: begins to read what waiting commands will lack.
    fn read_ahead(&mut self) {
        if self.parking.reads() >= self.limits.reads_max {
            return;
        }
        let before = Round::default();
        while let Some(mut job) = self.fresh.pop_front() {
            match self.states(&mut job, &before) {
                Ok(mut states) => {
                    states.entries.retain(|key, _| self.ahead.get(key).is_none());
                    job.held = states.entries;
                    self.ready.push_back(job);
                }
                Err(lack) => self.parking.park(job, lack, self.limits.loads_max),
            }
        }
        self.parking.read(&self.log, &self.snapshots);
    }

    /// The states that a command names, as this round sees them.
    fn states(&mut self, job: &mut Job, round: &Round) -> Result<States, Lack> {
        if let Key::Unknown(key) = job.key {
            return Err(Lack::Key(key));
        }
        let mut hits = 0;
        let find = |need: &Need| {
            let decided = round.state(&need.key).or_else(|| self.ahead.get(&need.key)).cloned();
            let found = decided.or_else(|| self.cache.get(&need.key));
            let held = job.held.get(&need.key);
            hits += u64::from(found.is_some() && held.is_none());
            found.or_else(|| held.cloned())
        };
        let Named { states: found, lacking, needs } = naming::states(job, find);
        job.needs = needs;
        metrics::counter!("millrace_executor_cache_hits_total").increment(hits);
        if lacking.is_empty() {
            return Ok(found);
        }
        // What was only decided may never commit: it is not held.
        let committed =
            |key: &StreamKey| round.state(key).is_none() && self.ahead.get(key).is_none();
        job.held.extend(found.entries.into_iter().filter(|(key, _)| committed(key)));
        metrics::counter!("millrace_executor_cache_misses_total").increment(lacking.len() as u64);
        let bases = lacking.into_iter().map(|need| {
            let base = self.cache.kept(&need).unwrap_or_else(|| need.fresh());
            (need, base)
        });
        Err(Lack::Streams(bases.collect()))
    }
}
