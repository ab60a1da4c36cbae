//! A turn under the tail lock: for commands that another process was ahead of again and again. They
//! are decided on states that nobody can change meanwhile, so no process ever starves another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use events::log::{Append, Log, LogError, RawFact, StreamKey};
use futures_util::future::BoxFuture;

use super::cache::{Cache, Loaded, take};
use super::naming;
use super::round::{Component, Round};
use super::run::Committed;
use super::{CommandError, Job, answer};
use crate::state::{Entry, Need};

/// What the commands named so far, and what is kept of it.
type Bases = HashMap<StreamKey, (Need, Entry)>;

/// Decides these commands in a turn of their own.
pub(super) fn take_turn(log: &Log, cache: &Cache, jobs: Vec<Job>) -> BoxFuture<'static, Committed> {
    let mut bases = Bases::new();
    for job in &jobs {
        let named = naming::states(job, |need| {
            let (_, base) = bases.entry(need.key).or_insert_with(|| (*need, cache.base(need)));
            Some(base.clone())
        });
        // Whoever names more once the states are up to date is decided later.
        drop(named);
    }
    let streams = bases.iter().map(|(key, (_, base))| (*key, base.version)).collect();
    let seat = Arc::new(Mutex::new(Seat { jobs, components: Vec::new() }));
    let (deciding, log_of_tickets) = (seat.clone(), log.clone());
    let decide = move |facts: Vec<RawFact>| {
        let mut seat = deciding.lock().unwrap_or_else(PoisonError::into_inner);
        seat.decide(bases, &facts, &log_of_tickets)
    };
    let answers = log.append_locked(streams, Box::new(decide));
    Box::pin(async move {
        let answers = answers.await;
        let mut seat = seat.lock().unwrap_or_else(PoisonError::into_inner);
        let (components, jobs) =
            (std::mem::take(&mut seat.components), std::mem::take(&mut seat.jobs));
        match answers {
            Ok(answers) => Committed { components, answers, undecided: jobs },
            Err(error) => {
                refuse(jobs, &error);
                Committed { components, answers: Vec::new(), undecided: Vec::new() }
            }
        }
    })
}

fn refuse(jobs: Vec<Job>, error: &LogError) {
    for job in jobs {
        answer(job, Err(CommandError::Log(error.clone())));
    }
}

/// The commands of a turn: first all of them undecided, then those that were.
struct Seat {
    jobs: Vec<Job>,
    components: Vec<Component>,
}

impl Seat {
    /// Under the lock: brings the states up to date and decides on them. Pure.
    fn decide(&mut self, bases: Bases, facts: &[RawFact], log: &Log) -> Vec<Append> {
        let features = bases.iter().map(|(key, (need, _))| (*key, need.feature)).collect();
        let mut states: Loaded =
            bases.into_iter().map(|(key, (_, base))| (key, Ok(base))).collect();
        for raw in facts {
            take(&mut states, &features, raw);
        }
        let mut round = Round::default();
        for job in std::mem::take(&mut self.jobs) {
            let find = |need: &Need| {
                let decided = round.state(&need.key).cloned();
                decided.or_else(|| states.get(&need.key)?.as_ref().ok().cloned())
            };
            match naming::states(&job, find) {
                Ok(named) if !job.work.key().is_some_and(|key| round.has_key(key)) => {
                    round.decide(job, named);
                }
                _ => self.jobs.push(job),
            }
        }
        self.components = round.components();
        let components = self.components.iter_mut();
        let appends = components.map(|component| {
            component.append.ticket = log.ticket();
            std::mem::take(&mut component.append)
        });
        appends.collect()
    }
}
