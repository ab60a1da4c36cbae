//! A moment until which something may take; what happens after it is the caller's.

use std::time::{Duration, Instant};

/// The end of a wait, with the time that was allowed for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    since: Instant,
    /// How long the wait may take in all.
    pub(super) limit: Duration,
}

impl Deadline {
    /// A deadline that lies `limit` from now.
    pub(super) fn after(limit: Duration) -> Self {
        Self { since: Instant::now(), limit }
    }

    /// What is left of it; nothing once it has passed.
    pub(super) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.since.elapsed())
    }

    /// Whether the time is up.
    pub(super) fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}
