//! A turn under the tail lock: for commands that another process was ahead of again and again. They
//! are decided on states that nobody can change meanwhile, so no process ever starves another.

use std::sync::{Arc, Mutex, PoisonError};

use events::log::{Append, Log, LogError, RawFact, StreamMap};
use futures_util::future::BoxFuture;

use super::cache::{Cache, Loaded, take};
use super::loading::load;
use super::naming::{self, NEEDS_ROUNDS_MAX};
use super::round::{Component, Round};
use super::run::Committed;
use super::snapshots::Snapshots;
use super::{CommandError, ExecutorLimits, Job, answer};
use crate::state::{Entry, Need};

/// The streams that the commands named so far, and how far each is known.
type Bases = StreamMap<(Need, Entry)>;

/// Decides these commands in a turn of their own.
pub(super) fn take_turn(
    log: &Log,
    snapshots: &Snapshots,
    cache: &Cache,
    limits: &Arc<ExecutorLimits>,
    jobs: Vec<Job>,
) -> BoxFuture<'static, Committed> {
    let mut bases = Bases::default();
    let unknown = name(&jobs, &mut bases, |need| cache.kept(need));
    let (log, snapshots, limits) = (log.clone(), snapshots.clone(), limits.clone());
    Box::pin(async move {
        match catch_up(&log, &snapshots, &jobs, &mut bases, unknown).await {
            Ok(()) => decide_locked(log, limits, bases, jobs).await,
            Err(error) => refuse(jobs, &error),
        }
    })
}

/// Takes in whatever the commands name by now; what nobody has kept comes back.
fn name(
    jobs: &[Job],
    bases: &mut Bases,
    kept: impl Fn(&Need) -> Option<Entry>,
) -> Vec<(Need, Entry)> {
    let mut unknown = Vec::new();
    for job in jobs {
        let named = |need: &Need| {
            let (_, base) = bases.entry(need.key).or_insert_with(|| {
                let base = kept(need).unwrap_or_else(|| {
                    unknown.push((*need, need.fresh()));
                    need.fresh()
                });
                (*need, base)
            });
            Some(base.clone())
        };
        naming::states(job, named);
    }
    unknown
}

/// Reads what nobody has kept before the lock is taken: under it, only what came since is read.
async fn catch_up(
    log: &Log,
    snapshots: &Snapshots,
    jobs: &[Job],
    bases: &mut Bases,
    mut unknown: Vec<(Need, Entry)>,
) -> Result<(), LogError> {
    for _ in 0..=NEEDS_ROUNDS_MAX {
        if unknown.is_empty() {
            break;
        }
        for (key, loaded) in load(log, snapshots, unknown).await? {
            // One that cannot be read fails whoever needs it, once it is loaded in the usual way.
            if let (Some((_, base)), Ok(entry)) = (bases.get_mut(&key), loaded) {
                *base = entry;
            }
        }
        unknown = name(jobs, bases, |_| None);
    }
    Ok(())
}

async fn decide_locked(
    log: Log,
    limits: Arc<ExecutorLimits>,
    bases: Bases,
    jobs: Vec<Job>,
) -> Committed {
    let streams = bases.iter().map(|(key, (_, base))| (*key, base.version)).collect();
    let seat = Arc::new(Mutex::new(Seat { jobs, components: Vec::new() }));
    let (deciding, tickets) = (seat.clone(), log.clone());
    let decide = move |facts: Vec<RawFact>| {
        let mut seat = deciding.lock().unwrap_or_else(PoisonError::into_inner);
        seat.decide(bases, &facts, &limits, || tickets.ticket())
    };
    let answers = log.append_locked(streams, Box::new(decide)).await;
    let mut seat = seat.lock().unwrap_or_else(PoisonError::into_inner);
    let Seat { jobs, components } = std::mem::take(&mut *seat);
    match answers {
        Ok(answers) => Committed { components, answers, undecided: jobs },
        Err(error) => refuse(jobs, &error),
    }
}

fn refuse(jobs: Vec<Job>, error: &LogError) -> Committed {
    for job in jobs {
        answer(job, Err(CommandError::Log(error.clone())));
    }
    Committed { components: Vec::new(), answers: Vec::new(), undecided: Vec::new() }
}

/// The commands of a turn: first all of them undecided, then those that were.
#[derive(Default)]
struct Seat {
    jobs: Vec<Job>,
    components: Vec<Component>,
}

impl Seat {
    /// Under the lock: brings the states up to date and decides on them. Pure.
    fn decide(
        &mut self,
        bases: Bases,
        facts: &[RawFact],
        limits: &ExecutorLimits,
        mut ticket: impl FnMut() -> u64,
    ) -> Vec<Append> {
        let features: StreamMap<&str> =
            bases.iter().map(|(key, (need, _))| (*key, need.kind.feature)).collect();
        let mut states: Loaded =
            bases.into_iter().map(|(key, (_, base))| (key, Ok(base))).collect();
        for raw in facts {
            take(&mut states, features.get(&raw.stream).copied(), raw);
        }
        let mut round = Round::default();
        for job in std::mem::take(&mut self.jobs) {
            let find = |need: &Need| {
                let decided = round.state(&need.key).cloned();
                decided.or_else(|| states.get(&need.key)?.as_ref().ok().cloned())
            };
            let same_key = job.work.key().is_some_and(|key| round.has_key(key));
            let naming::Named { states: named, lacking, .. } = naming::states(&job, find);
            if lacking.is_empty() && !same_key && round.has_room_for(&job, limits) {
                round.decide(job, named);
            } else {
                // Whoever names more by now, or finds no room, is decided later.
                self.jobs.push(job);
            }
        }
        self.components = round.components();
        let components = self.components.iter_mut();
        let appends = components.map(|component| {
            component.ticket = ticket();
            component.append.ticket = component.ticket;
            std::mem::take(&mut component.append)
        });
        appends.collect()
    }
}

#[cfg(test)]
mod tests;
