//! What is kept in this process's memory: bounded in bytes, what is asked for most stays longest.
//! What may be kept, and how long it is right, is not known here.

use std::any::Any;
use std::sync::Arc;

use foldhash::fast::RandomState;
use moka::notification::RemovalCause;
use moka::sync::Cache;
use uuid::Uuid;

use super::{CountKey, Part};

/// What an entry takes beside its value, in bytes: the key, twice, and where it stands.
const OVERHEAD: usize = 320;
/// So many bytes at once are looked at at once: else the bound is exceeded for a while.
const LARGE: u32 = 16 << 10;
/// A larger part of everything is not kept.
const SHARE_MAX: u64 = 16;

/// What something is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Record { read_model: u16, part: Part, organization: Uuid, id: Uuid },
    Count(CountKey),
}

/// What is kept.
#[derive(Clone)]
pub(super) enum Value {
    /// There is none.
    Absent,
    /// A row, or child rows.
    Known(Arc<dyn Any + Send + Sync>),
    /// A count, and what it was counted after.
    Count(i64, Vec<u64>),
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) generation: u64,
    bytes: u32,
}

impl Entry {
    pub(super) fn new(value: Value, generation: u64, bytes: usize) -> Self {
        let bytes = u32::try_from(bytes + OVERHEAD).unwrap_or(u32::MAX);
        Self { value, generation, bytes }
    }
}

pub(super) struct Memory {
    entries: Cache<Key, Entry, RandomState>,
    entry_bytes_max: u64,
}

impl Memory {
    pub(super) fn new(bytes_max: u64) -> Self {
        let evicted = |_: Arc<Key>, _: Entry, cause| {
            if cause == RemovalCause::Size {
                metrics::counter!("millrace_queries_cache_evictions_total").increment(1);
            }
        };
        let entries = Cache::builder()
            .max_capacity(bytes_max)
            .weigher(|_: &Key, entry: &Entry| entry.bytes)
            .eviction_listener(evicted)
            .build_with_hasher(RandomState::default());
        Self { entries, entry_bytes_max: bytes_max / SHARE_MAX }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Entry> {
        self.entries.get(key)
    }

    pub(super) fn put(&self, key: Key, entry: Entry) {
        let bytes = entry.bytes;
        if u64::from(bytes) > self.entry_bytes_max {
            return;
        }
        self.entries.insert(key, entry);
        if bytes >= LARGE {
            self.entries.run_pending_tasks();
        }
    }

    pub(super) fn drop(&self, key: &Key) {
        self.entries.invalidate(key);
    }

    pub(super) fn clear(&self) {
        self.entries.invalidate_all();
    }

    pub(super) fn bytes(&self) -> u64 {
        self.entries.run_pending_tasks();
        self.entries.weighted_size()
    }
}
