//! The states that the executor keeps, least recently used first out, bounded in bytes.

use events::Recorded;
use events::facts::DecodeError;
use events::log::{RawFact, StreamKey, StreamMap};
use lru::LruCache;

use crate::state::{Entry, Need};

/// Committed states by stream. Most of what is written is never asked for again, or not soon: so
/// states that were asked for have a part of the room that those that were not cannot take.
pub(super) struct Cache {
    /// Those that were not asked for since they were put here.
    idle: Part,
    /// Those that were.
    asked: Part,
    bytes_max: usize,
}

/// The share of the room that states that were asked for may take: 3 of 4.
const ASKED: (usize, usize) = (3, 4);

impl Cache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { idle: Part::new(), asked: Part::new(), bytes_max }
    }

    pub(super) fn get(&mut self, key: &StreamKey) -> Option<Entry> {
        if let Some(kept) = self.idle.pop(key) {
            self.asked.put(*key, kept);
        }
        self.asked.entries.get(key).filter(|kept| !kept.behind).map(|kept| kept.entry.clone())
    }

    /// What is kept of the state, however far behind: what a load of it begins with.
    pub(super) fn kept(&self, need: &Need) -> Option<Entry> {
        self.peek(&need.key).cloned().filter(|entry| entry.is_of(need))
    }

    fn peek(&self, key: &StreamKey) -> Option<&Entry> {
        let kept = self.asked.entries.peek(key).or_else(|| self.idle.entries.peek(key));
        kept.map(|kept| &kept.entry)
    }

    /// The stream has gone on without this process: the state is to be loaded before it is used.
    pub(super) fn mark_behind(&mut self, key: &StreamKey) {
        for part in [&mut self.asked, &mut self.idle] {
            if let Some(kept) = part.entries.peek_mut(key) {
                kept.behind = true;
            }
        }
    }

    /// Keeps a state, unless a newer one of the stream, or one that tells more, is kept already.
    pub(super) fn put_newer(&mut self, key: StreamKey, entry: Entry) {
        let newer = |kept: &Entry| entry.foreign || kept.version > entry.version;
        if self.peek(&key).is_some_and(|kept| !kept.foreign && newer(kept)) {
            return;
        }
        let part = match self.asked.entries.contains(&key) {
            true => &mut self.asked,
            false => &mut self.idle,
        };
        part.put(key, Kept { entry, behind: false });
    }

    /// Forgets the least recently used until the rest fits. Called between rounds, so that what a
    /// round needs stays.
    pub(super) fn shrink(&mut self) {
        let asked_max = self.bytes_max / ASKED.1 * ASKED.0;
        while self.asked.bytes > asked_max
            && let Some((key, kept)) = self.asked.pop_lru()
        {
            self.idle.put(key, kept);
        }
        while self.idle.bytes + self.asked.bytes > self.bytes_max && self.idle.pop_lru().is_some() {
        }
        let (bytes, states) = (
            self.idle.bytes + self.asked.bytes,
            self.idle.entries.len() + self.asked.entries.len(),
        );
        metrics::gauge!("millrace_executor_cache_bytes").set(bytes as f64);
        metrics::gauge!("millrace_executor_cache_states").set(states as f64);
    }
}

struct Kept {
    entry: Entry,
    /// The stream is known to have gone on.
    behind: bool,
}

/// States, and how many bytes they take.
struct Part {
    entries: LruCache<StreamKey, Kept>,
    bytes: usize,
}

impl Part {
    fn new() -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0 }
    }

    fn put(&mut self, key: StreamKey, kept: Kept) {
        self.bytes += kept.entry.bytes();
        if let Some(kept) = self.entries.put(key, kept) {
            self.bytes -= kept.entry.bytes();
        }
    }

    fn pop(&mut self, key: &StreamKey) -> Option<Kept> {
        let kept = self.entries.pop(key)?;
        self.bytes -= kept.entry.bytes();
        Some(kept)
    }

    fn pop_lru(&mut self) -> Option<(StreamKey, Kept)> {
        let (key, kept) = self.entries.pop_lru()?;
        self.bytes -= kept.entry.bytes();
        Some((key, kept))
    }
}

/// What a load found.
pub(super) type Loaded = StreamMap<Result<Entry, DecodeError>>;

/// Takes one more fact in, of a stream that is to be this feature's.
pub(super) fn take(states: &mut Loaded, feature: Option<&str>, raw: &RawFact) {
    let Some(slot) = states.get_mut(&raw.stream) else {
        return;
    };
    let Ok(entry) = slot else { return };
    // An id that belongs to another feature: no such record here, though its stream exists.
    if feature != Some(&raw.feature) {
        entry.version = raw.version;
        entry.foreign = true;
        return;
    }
    match Recorded::try_from(raw) {
        Ok(recorded) => entry.apply(&recorded.event, raw.event_id),
        Err(error) => *slot = Err(error),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::scenario::organization;
    use crate::state::Needs;
    use crate::stock::StockItem;

    fn need(id: u128) -> Need {
        let mut needs = Needs::new(organization());
        needs.name::<StockItem>(Uuid::from_u128(id));
        needs.list[0]
    }

    /// A cache that has room for so many stock items.
    fn room_for(states: usize) -> Cache {
        Cache::new(need(0).fresh().bytes() * states)
    }

    fn put(cache: &mut Cache, id: u128) {
        cache.put_newer(need(id).key, need(id).fresh());
        cache.shrink();
    }

    fn kept(cache: &Cache, ids: std::ops::Range<u128>) -> Vec<u128> {
        ids.filter(|id| cache.kept(&need(*id)).is_some()).collect()
    }

    #[test]
    fn states_that_are_asked_for_stay_however_many_others_are_written() {
        let mut cache = room_for(8);
        (0..4).for_each(|id| put(&mut cache, id));
        assert!((0..4).all(|id| cache.get(&need(id).key).is_some()));
        (4..100).for_each(|id| put(&mut cache, id));
        assert_eq!(kept(&cache, 0..100), [0, 1, 2, 3, 96, 97, 98, 99]);
    }

    #[test]
    fn of_too_many_that_are_asked_for_the_last_ones_stay() {
        let mut cache = room_for(8);
        for id in 0..100 {
            put(&mut cache, id);
            assert!(cache.get(&need(id).key).is_some(), "{id}");
        }
        cache.shrink();
        assert_eq!(kept(&cache, 0..100), (92..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_state_that_is_behind_is_loaded_from_where_it_stands() {
        let mut cache = room_for(8);
        put(&mut cache, 1);
        cache.mark_behind(&need(1).key);
        assert!(cache.get(&need(1).key).is_none(), "it cannot be decided on");
        assert!(cache.kept(&need(1)).is_some(), "a load begins with it");
        put(&mut cache, 1);
        assert!(cache.get(&need(1).key).is_some());
    }
}
