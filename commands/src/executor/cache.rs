//! The states that the executor keeps, least recently used first out, bounded in bytes.

use std::collections::HashMap;

use events::Recorded;
use events::facts::DecodeError;
use events::log::{Log, LogError, RawFact, StreamKey};
use lru::LruCache;

use crate::state::{Entry, Need};

/// Committed states by stream.
pub(super) struct Cache {
    entries: LruCache<StreamKey, Entry>,
    bytes: usize,
    bytes_max: usize,
}

impl Cache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0, bytes_max }
    }

    pub(super) fn get(&mut self, key: &StreamKey) -> Option<Entry> {
        self.entries.get(key).cloned()
    }

    /// Keeps a state, unless a newer one of the stream, or one that tells more, is kept already.
    pub(super) fn put_newer(&mut self, key: StreamKey, entry: Entry) {
        let newer = |kept: &Entry| entry.foreign || kept.version > entry.version;
        if self.entries.peek(&key).is_some_and(|kept| !kept.foreign && newer(kept)) {
            return;
        }
        self.remove(&key);
        self.bytes += entry.bytes();
        self.entries.put(key, entry);
    }

    pub(super) fn remove(&mut self, key: &StreamKey) {
        if let Some(entry) = self.entries.pop(key) {
            self.bytes -= entry.bytes();
        }
    }

    /// Forgets the least recently used until the rest fits. Called between rounds, so that what a
    /// round needs stays.
    pub(super) fn shrink(&mut self) {
        while self.bytes > self.bytes_max {
            let Some((_, entry)) = self.entries.pop_lru() else {
                break;
            };
            self.bytes -= entry.bytes();
        }
        metrics::gauge!("millrace_executor_cache_bytes").set(self.bytes as f64);
    }
}

/// What a load found.
pub(super) type Loaded = HashMap<StreamKey, Result<Entry, DecodeError>>;

/// Folds streams from the log.
pub(super) async fn load(log: &Log, needs: &[Need]) -> Result<Loaded, LogError> {
    let mut found: Loaded = needs.iter().map(|need| (need.key, Ok(need.fresh()))).collect();
    let features: HashMap<StreamKey, &str> =
        needs.iter().map(|need| (need.key, need.feature)).collect();
    if needs.is_empty() {
        return Ok(found);
    }
    let keys: Vec<StreamKey> = found.keys().copied().collect();
    log.load(&keys, |raw: RawFact| {
        let Some(slot) = found.get_mut(&raw.stream) else {
            return;
        };
        let Ok(entry) = slot else { return };
        // An id that belongs to another feature: no such record here, though its stream exists.
        if features.get(&raw.stream) != Some(&raw.feature.as_str()) {
            entry.version = raw.version;
            entry.foreign = true;
            return;
        }
        match Recorded::try_from(&raw) {
            Ok(recorded) => entry.apply(&recorded.event),
            Err(error) => *slot = Err(error),
        }
    })
    .await?;
    Ok(found)
}
