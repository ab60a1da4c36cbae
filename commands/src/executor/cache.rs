//! The states that the executor keeps, least recently used first out, bounded in bytes.

use std::collections::HashMap;

use events::Recorded;
use events::facts::DecodeError;
use events::log::{Log, LogError, RawFact, StreamKey};
use lru::LruCache;

use crate::state::{Entry, Need};

/// Committed states by stream.
pub(super) struct Cache {
    entries: LruCache<StreamKey, Kept>,
    bytes: usize,
    bytes_max: usize,
}

impl Cache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0, bytes_max }
    }

    pub(super) fn get(&mut self, key: &StreamKey) -> Option<Entry> {
        self.entries.get(key).filter(|kept| !kept.behind).map(|kept| kept.entry.clone())
    }

    /// What is kept of the state, however far behind: what a load of it begins with.
    pub(super) fn kept(&self, need: &Need) -> Option<Entry> {
        let kept = self.entries.peek(&need.key).map(|kept| kept.entry.clone());
        kept.filter(|entry| entry.is_of(need))
    }

    /// The stream has gone on without this process: the state is to be loaded before it is used.
    pub(super) fn mark_behind(&mut self, key: &StreamKey) {
        if let Some(kept) = self.entries.peek_mut(key) {
            kept.behind = true;
        }
    }

    /// Keeps a state, unless a newer one of the stream, or one that tells more, is kept already.
    pub(super) fn put_newer(&mut self, key: StreamKey, entry: Entry) {
        let newer = |kept: &Entry| entry.foreign || kept.version > entry.version;
        if self.entries.peek(&key).is_some_and(|kept| !kept.entry.foreign && newer(&kept.entry)) {
            return;
        }
        self.bytes += entry.bytes();
        if let Some(kept) = self.entries.put(key, Kept { entry, behind: false }) {
            self.bytes -= kept.entry.bytes();
        }
    }

    /// Forgets the least recently used until the rest fits. Called between rounds, so that what a
    /// round needs stays.
    pub(super) fn shrink(&mut self) {
        while self.bytes > self.bytes_max {
            let Some((_, kept)) = self.entries.pop_lru() else {
                break;
            };
            self.bytes -= kept.entry.bytes();
        }
        metrics::gauge!("millrace_executor_cache_bytes").set(self.bytes as f64);
        metrics::gauge!("millrace_executor_cache_states").set(self.entries.len() as f64);
    }
}

struct Kept {
    entry: Entry,
    /// The stream is known to have gone on.
    behind: bool,
}

/// What a load found.
pub(super) type Loaded = HashMap<StreamKey, Result<Entry, DecodeError>>;

/// Folds streams from the log, each from where its base stands.
pub(super) async fn load(log: &Log, bases: Vec<(Need, Entry)>) -> Result<Loaded, LogError> {
    if bases.is_empty() {
        return Ok(Loaded::new());
    }
    let features: HashMap<StreamKey, &'static str> =
        bases.iter().map(|(need, _)| (need.key, need.feature)).collect();
    let keys: Vec<(StreamKey, i64)> =
        bases.iter().map(|(need, base)| (need.key, base.version)).collect();
    let mut found: Loaded = bases.into_iter().map(|(need, base)| (need.key, Ok(base))).collect();
    log.load(&keys, |raw: RawFact| take(&mut found, &features, &raw)).await?;
    Ok(found)
}

/// Takes one more fact in.
pub(super) fn take(
    states: &mut Loaded,
    features: &HashMap<StreamKey, &'static str>,
    raw: &RawFact,
) {
    let Some(slot) = states.get_mut(&raw.stream) else {
        return;
    };
    let Ok(entry) = slot else { return };
    // An id that belongs to another feature: no such record here, though its stream exists.
    if features.get(&raw.stream) != Some(&raw.feature.as_str()) {
        entry.version = raw.version;
        entry.foreign = true;
        return;
    }
    match Recorded::try_from(raw) {
        Ok(recorded) => entry.apply(&recorded.event),
        Err(error) => *slot = Err(error),
    }
}
