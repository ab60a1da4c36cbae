//! Which of something random are played: histories, conversations.

use std::time::{Duration, Instant};

/// Which of something random are played, by their seeds. By default the same ones each time.
#[derive(Debug, Clone)]
pub struct Seeds {
    /// `MILLRACE_SEED`: the seed of the first one; the others follow.
    pub first: u64,
    /// `MILLRACE_HISTORIES`: how many.
    count: u64,
    /// `MILLRACE_SECONDS`: so long, however many that are.
    until: Option<Instant>,
}

impl Seeds {
    /// So many, unless the environment says otherwise.
    ///
    /// # Panics
    /// If it says what is no number.
    #[must_use]
    pub fn of(count: u64) -> Self {
        let setting = |name: &str| {
            let text = std::env::var(name).ok()?;
            Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
        };
        let seconds = setting("MILLRACE_SECONDS").map(Duration::from_secs);
        Self {
            first: setting("MILLRACE_SEED").unwrap_or(1),
            count: setting("MILLRACE_HISTORIES").unwrap_or(count),
            until: seconds.map(|seconds| Instant::now() + seconds),
        }
    }

    /// Whether there is one more after so many.
    #[must_use]
    pub fn more(&self, played: u64) -> bool {
        self.until.map_or(played < self.count, |until| Instant::now() < until)
    }
}
