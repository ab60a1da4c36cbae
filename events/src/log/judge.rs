//! May an append go in? Pure: what the database said under the tail lock comes in, verdicts go
//! out.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Answer, Append, Earlier, Expected, StreamKey};
use crate::words::Position;

/// What is known under the tail lock.
pub(super) struct Tail {
    /// The last position.
    pub position: Position,
    /// The last batch's hash.
    pub hash: Vec<u8>,
    /// The time of this batch.
    pub recorded_at: DateTime<Utc>,
    /// The version of every stream that the batch names.
    pub versions: HashMap<StreamKey, i64>,
    /// The keys of the batch that are taken.
    pub taken: HashMap<Uuid, Earlier>,
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
pub(super) fn judge(mut tail: Tail, appends: &[&Append]) -> (Tail, Verdict) {
    let mut verdict = Verdict { answers: Vec::with_capacity(appends.len()), accepted: Vec::new() };
    let base = tail.position;
    for (index, append) in appends.iter().enumerate() {
        let refusal = repeated(&tail, append).or_else(|| conflict(&tail, append));
        let answer = refusal.unwrap_or_else(|| {
            let first = Position(base.0 + verdict.accepted.len() as i64 + 1);
            accept(&mut tail, index, append, first, &mut verdict.accepted);
            Answer::Appended { first, recorded_at: tail.recorded_at }
        });
        verdict.answers.push(answer);
    }
    (tail, verdict)
}

fn repeated(tail: &Tail, append: &Append) -> Option<Answer> {
    let earlier = append.keys.iter().find_map(|key| tail.taken.get(key))?;
    Some(Answer::Repeated(earlier.clone()))
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
                recorded_at: tail.recorded_at,
            };
            tail.taken.insert(fact.event_id, earlier);
        }
    }
}
