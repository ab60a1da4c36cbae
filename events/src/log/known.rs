//! What this process knows of the log's tail without asking: as long as nobody else appends, that
//! is everything it needs to judge a batch. Nothing here is trusted: what is written on it is
//! written only if the tail is what it was taken to be (`sql/write.sql`).

use std::collections::HashSet;
use std::collections::hash_map::Entry;

use lru::LruCache;
use tokio_postgres::Row;
use uuid::Uuid;

use super::judge::{Tail, Tickets, Verdict, judge};
use super::{Answer, Append, Expected, StreamKey, StreamMap, StreamSet};
use crate::words::Position;

/// Where a batch begins to write, and what the log must be like for that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base {
    /// The last position.
    pub(super) position: Position,
    /// The last fact's id. Once seen there, it names the whole log up to it, for nothing in a log
    /// ever changes.
    pub(super) last: Option<Uuid>,
    /// It was not seen: the batch that this session sent last is going to leave it.
    pub(super) ours: bool,
}

impl Base {
    const NOTHING: Self = Self { position: Position(0), last: None, ours: false };

    /// The end of the log, as it was seen.
    pub(super) fn seen(tail: &Tail) -> Self {
        Self { position: tail.position, last: tail.last, ours: false }
    }
}

/// The tail as this process last saw or made it.
pub(super) struct Known {
    /// Whether the tail was ever seen, and nothing has failed since.
    sure: bool,
    base: Base,
    versions: LruCache<StreamKey, i64>,
    streams_max: usize,
}

/// A batch, judged on what is known.
pub(super) struct Plan {
    /// Where it begins to write, and what must be there for the plan to hold.
    pub(super) base: Base,
    /// What becomes of the appends, if it does.
    pub(super) verdict: Verdict,
}

/// Whether each key is the id of a fact that is written: then the index on event ids refuses the
/// whole, should it be taken.
fn keys_are_written(append: &Append) -> bool {
    match append.keys.as_slice() {
        [] => true,
        [key] if append.facts.first().is_some_and(|fact| fact.event_id == *key) => true,
        keys => {
            let ids: HashSet<&Uuid> = append.facts.iter().map(|fact| &fact.event_id).collect();
            keys.iter().all(|key| ids.contains(key))
        }
    }
}

impl Known {
    /// Knows nothing yet, and never more than so many streams.
    pub(super) fn new(streams_max: usize) -> Self {
        let versions = LruCache::unbounded();
        Self { sure: false, base: Base::NOTHING, versions, streams_max }
    }

    /// How far it knows the log.
    pub(super) fn position(&self) -> Option<Position> {
        self.sure.then_some(self.base.position)
    }

    /// Takes in all that others have appended since, as it was seen under the tail lock.
    pub(super) fn follow(&mut self, others: &[Row]) {
        self.base.ours = false;
        for row in others {
            let stream =
                StreamKey { organization: row.get("organization_id"), id: row.get("stream_id") };
            self.versions.put(stream, row.get("version"));
            self.base.position = Position(row.get("position"));
            self.base.last = Some(row.get("event_id"));
        }
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.versions.len() > self.streams_max {
            self.versions.pop_lru();
        }
    }

    /// How many streams it knows.
    pub(super) fn streams(&self) -> usize {
        self.versions.len()
    }

    /// Something did not come out as planned.
    pub(super) fn forget(&mut self) {
        self.sure = false;
        self.versions.clear();
    }

    /// Takes in what was seen under the tail lock, and what was then written.
    pub(super) fn learn(&mut self, seen: Option<Uuid>, after: &Tail) {
        if !self.sure || self.base.last != seen {
            self.versions.clear();
        }
        self.sure = true;
        self.take(after, false);
    }

    fn take(&mut self, tail: &Tail, ours: bool) {
        self.base = Base { ours, ..Base::seen(tail) };
        for (&stream, &version) in &tail.versions {
            self.versions.put(stream, version);
        }
        self.shrink();
    }

    /// Judges a batch on what is known, and takes the plan to come true. None: something that it
    /// rests on is not known.
    pub(super) fn plan(&mut self, appends: &[Append], tickets: &mut Tickets) -> Option<Plan> {
        // What others tagged is looked up, under the lock.
        let knowable = |append: &Append| append.conditions.is_empty() && keys_are_written(append);
        if !self.sure || !appends.iter().all(knowable) {
            return None;
        }
        let (versions, assumed) = self.versions_for(appends)?;
        let base = self.base;
        let (taken, excluded) = Default::default();
        let tail = Tail { position: base.position, last: base.last, versions, taken, excluded };
        let (tail, verdict) = judge(tail, &appends.iter().collect::<Vec<_>>(), tickets);
        // That a stream is new is proved by writing its first fact, and by nothing else. The same
        // goes for keys: whether that of a refused append is taken, the plan does not know.
        let unproved = assumed.iter().any(|stream| tail.versions.get(stream) == Some(&0));
        let mut refused = appends.iter().zip(&verdict.answers).filter(|(append, answer)| {
            !append.keys.is_empty()
                && matches!(answer, Answer::Conflict { .. } | Answer::Unfounded { .. })
        });
        if unproved || refused.next().is_some() {
            appends.iter().for_each(|append| tickets.take_back(append));
            return None;
        }
        self.take(&tail, base.ours || !verdict.accepted.is_empty());
        Some(Plan { base, verdict })
    }

    /// The version of every stream named, and which of them are only taken to be new: the index
    /// on stream and version refuses their first fact if they are not.
    fn versions_for(&mut self, appends: &[Append]) -> Option<(StreamMap<i64>, StreamSet)> {
        let (mut versions, mut assumed) = (StreamMap::default(), StreamSet::default());
        for append in appends {
            let mut written: Option<StreamSet> = None;
            for &(stream, expected) in &append.expected {
                if versions.contains_key(&stream) {
                    continue;
                }
                if let Some(&version) = self.versions.get(&stream) {
                    versions.insert(stream, version);
                    continue;
                }
                let written = written
                    .get_or_insert_with(|| append.facts.iter().map(|fact| fact.stream).collect());
                let begins = matches!(expected, Expected::None | Expected::Exact(0));
                if !begins || !written.contains(&stream) {
                    return None;
                }
                versions.insert(stream, 0);
                assumed.insert(stream);
            }
            for fact in &append.facts {
                if let Entry::Vacant(unknown) = versions.entry(fact.stream) {
                    unknown.insert(*self.versions.get(&fact.stream)?);
                }
            }
        }
        Some((versions, assumed))
    }
}
