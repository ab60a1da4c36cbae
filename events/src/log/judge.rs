//! May an append go in? Pure: what is known of the tail comes in, verdicts go out.

use std::collections::{HashMap, HashSet, VecDeque};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Answer, Append, Condition, Earlier, Expected, NewFact, StreamMap};
use crate::words::Position;

/// What is known of the tail.
pub(super) struct Tail {
    /// The last position.
    pub position: Position,
    /// The last fact's id; none, if the log is empty.
    pub last: Option<Uuid>,
    /// The version of every stream that the batch names.
    pub versions: StreamMap<i64>,
    /// The keys of the batch that are taken.
    pub taken: HashMap<Uuid, Earlier>,
    /// The conditions of the batch that do not hold, and the first fact that each excludes.
    pub excluded: HashMap<Condition, Position>,
}

/// The appends of this process that were accepted, by ticket: the latest of them.
pub(super) struct Tickets {
    accepted: HashSet<u64>,
    order: VecDeque<u64>,
    kept_max: usize,
}

impl Tickets {
    /// Keeps more than can wait at once: whoever rests on an older one is decided again.
    pub(super) fn new(queue_appends_max: usize) -> Self {
        let kept_max = queue_appends_max.saturating_mul(8);
        Self { accepted: HashSet::new(), order: VecDeque::new(), kept_max }
    }

    /// The append was accepted, or is taken to be.
    pub(super) fn accept(&mut self, append: &Append) {
        if append.ticket == 0 || !self.accepted.insert(append.ticket) {
            return;
        }
        self.order.push_back(append.ticket);
        if self.order.len() > self.kept_max
            && let Some(oldest) = self.order.pop_front()
        {
            self.accepted.remove(&oldest);
        }
    }

    /// The append was not accepted after all.
    pub(super) fn take_back(&mut self, append: &Append) {
        if self.accepted.remove(&append.ticket) {
            self.order.retain(|ticket| *ticket != append.ticket);
        }
    }
}

/// The verdict on a batch.
pub(super) struct Verdict {
    /// An answer for each append, in order.
    pub answers: Vec<Answer>,
    /// The accepted facts (append, fact) with their versions, in order of position.
    pub accepted: Vec<(usize, usize, i64)>,
}

/// Judges each append in order, each on what the ones before it left. A refused one changes
/// nothing for its neighbours.
pub(super) fn judge(mut tail: Tail, appends: &[&Append], tickets: &mut Tickets) -> (Tail, Verdict) {
    let mut verdict = Verdict { answers: Vec::with_capacity(appends.len()), accepted: Vec::new() };
    let base = tail.position;
    for (index, append) in appends.iter().enumerate() {
        let refusal = repeated(&tail, append)
            .or_else(|| unfounded(tickets, append))
            .or_else(|| conflict(&tail, append))
            .or_else(|| excluded(&tail, append, &appends[..index], &verdict));
        if refusal.is_none() {
            tickets.accept(append);
        }
        let answer = refusal.unwrap_or_else(|| {
            let first = Position(base.0 + verdict.accepted.len() as i64 + 1);
            accept(&mut tail, index, append, first, &mut verdict.accepted);
            Answer::Appended { first, recorded_at: NOT_YET }
        });
        verdict.answers.push(answer);
    }
    tail.position = Position(base.0 + verdict.accepted.len() as i64);
    if let Some(&(append, fact, _)) = verdict.accepted.last() {
        tail.last = Some(appends[append].facts[fact].event_id);
    }
    (tail, verdict)
}

/// Stands for the time of the batch that is being judged: the database says it when it writes.
const NOT_YET: DateTime<Utc> = DateTime::<Utc>::MIN_UTC;

impl Verdict {
    /// The answers, once the time of the batch is known.
    pub fn answers_at(self, at: DateTime<Utc>) -> impl Iterator<Item = Answer> {
        self.answers.into_iter().map(move |mut answer| {
            match &mut answer {
                Answer::Appended { recorded_at, .. }
                | Answer::Repeated(Earlier { recorded_at, .. })
                    if *recorded_at == NOT_YET =>
                {
                    *recorded_at = at;
                }
                _ => {}
            }
            answer
        })
    }
}

/// The answer to an append whose commit was never answered, if that commit is in the log: all of
/// its facts, behind each other. Its key alone may be somebody else's.
pub(super) fn ours(tail: &Tail, append: &Append) -> Option<Answer> {
    let earlier = tail.taken.get(&append.facts.first()?.event_id)?;
    let (first, recorded_at) = (earlier.position, earlier.recorded_at);
    let mut facts = append.facts.iter().zip(first.0..);
    let whole = facts.all(|(fact, position)| {
        tail.taken.get(&fact.event_id).is_some_and(|found| {
            (found.position.0, found.stream) == (position, fact.stream) && found.meta == fact.meta
        })
    });
    whole.then_some(Answer::Appended { first, recorded_at })
}

fn repeated(tail: &Tail, append: &Append) -> Option<Answer> {
    let earlier = append.keys.iter().find_map(|key| tail.taken.get(key))?;
    Some(Answer::Repeated(earlier.clone()))
}

fn unfounded(tickets: &Tickets, append: &Append) -> Option<Answer> {
    let ticket = *append.rests_on.iter().find(|ticket| !tickets.accepted.contains(ticket))?;
    Some(Answer::Unfounded { ticket })
}

fn conflict(tail: &Tail, append: &Append) -> Option<Answer> {
    append.expected.iter().find_map(|&(stream, expected)| {
        let actual = tail.versions.get(&stream).copied().unwrap_or(0);
        let met = match expected {
            Expected::Exact(version) => actual == version,
            Expected::None => actual == 0,
            Expected::Any => true,
        };
        (!met).then_some(Answer::Conflict { stream, expected, actual })
    })
}

/// The first condition that does not hold: for what is in the log, or for what was accepted before
/// it.
fn excluded(tail: &Tail, append: &Append, before: &[&Append], verdict: &Verdict) -> Option<Answer> {
    let base = tail.position.0;
    append.conditions.iter().enumerate().find_map(|(condition, excluding)| {
        let accepted = || {
            let places = verdict.accepted.iter().zip(base + 1..);
            places.filter(|(_, position)| *position > excluding.since.0).find_map(
                |((append, fact, _), position)| {
                    let fact = &before.get(*append)?.facts[*fact];
                    excluding.excludes(fact).then_some(Position(position))
                },
            )
        };
        let position = tail.excluded.get(excluding).copied().or_else(accepted)?;
        Some(Answer::Excluded { condition, position })
    })
}

impl Condition {
    fn excludes(&self, fact: &NewFact) -> bool {
        fact.stream.organization == self.organization
            && fact.tags.contains(&self.tag)
            && self.types.contains(&fact.fact_type)
    }
}

fn accept(
    tail: &mut Tail,
    index: usize,
    append: &Append,
    first: Position,
    accepted: &mut Vec<(usize, usize, i64)>,
) {
    for (offset, fact) in append.facts.iter().enumerate() {
        let version = tail.versions.entry(fact.stream).or_insert(0);
        *version += 1;
        accepted.push((index, offset, *version));
        if append.keys.contains(&fact.event_id) {
            let earlier = Earlier {
                event_id: fact.event_id,
                position: Position(first.0 + offset as i64),
                stream: fact.stream,
                version: *version,
                meta: fact.meta.clone(),
                recorded_at: NOT_YET,
            };
            tail.taken.insert(fact.event_id, earlier);
        }
    }
}

#[cfg(test)]
mod tests;
