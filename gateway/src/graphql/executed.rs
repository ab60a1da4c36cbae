//! Whether a request was executed, as whoever sends its answer has to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a request was executed; not so, if it was refused before, for what it says.
#[derive(Debug, Clone, Default)]
pub struct Executed(Arc<AtomicBool>);

impl Executed {
    /// It is about to be.
    pub(super) fn begins(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    #[must_use]
    pub fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
