//! What the writers of one process are to do, in words that another process can be given.

use std::sync::Arc;
use std::time::{Duration, Instant};

use events::log::{Log, LogError, LogId, LogLimits};
use gateway::verbs::parts::address;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{Hearsay, Journal, World, Writer};
use crate::dice::Dice;

/// How long a process tries to open a log whose server may be away.
const OPEN_WAIT_MAX: Duration = Duration::from_secs(20);
/// A process has fewer writers.
const WRITERS_MAX: u32 = 100;

/// What the writers of one process are to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Part {
    /// Which process: no two of a history have the same number.
    pub process: u32,
    /// What there is to write to.
    pub world: World,
    /// Where the log is.
    pub url: String,
    /// What is tried.
    pub seed: u64,
    /// How many writers there are.
    pub writers: u32,
    /// How many things each of them does.
    pub things: usize,
    /// The longest pause between two things, in milliseconds.
    pub pause_max_ms: u64,
    /// How large a batch of this process may be.
    pub batch_facts_max: usize,
    /// How much it keeps in mind.
    pub known_streams_max: usize,
    /// How long an append waits for a server that is away, in milliseconds.
    pub unavailable_wait_max_ms: u64,
}

/// A process's handle, and what its writers know.
#[derive(Clone)]
pub struct Cast {
    part: Arc<Part>,
    log: Log,
    hearsay: Hearsay,
    journal: Journal,
}

impl Part {
    /// The log's bounds in this process: what is slow elsewhere is quick in histories.
    #[must_use]
    pub fn limits(&self) -> LogLimits {
        LogLimits {
            batch_facts_max: self.batch_facts_max,
            known_streams_max: self.known_streams_max,
            unavailable_wait_max: Duration::from_millis(self.unavailable_wait_max_ms),
            silence_max: Duration::from_millis(250),
            poll_interval: Duration::from_millis(100),
            ..LogLimits::default()
        }
    }

    /// Opens the log, as soon as that can be done.
    ///
    /// # Errors
    /// If it cannot be for long.
    pub async fn begin(self, journal: Journal) -> Result<Cast, LogError> {
        let config = address(&self.url).map_err(LogError::Unavailable)?;
        let since = Instant::now();
        let log = loop {
            match Log::open(&config, LogId::default(), self.limits()).await {
                Ok(log) => break log,
                Err(error) if since.elapsed() > OPEN_WAIT_MAX => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        Ok(Cast { part: Arc::new(self), log, hearsay: Hearsay::default(), journal })
    }
}

impl Cast {
    /// One of the writers.
    #[must_use]
    pub fn writer(&self, index: u32) -> Writer {
        let number = self.part.process * WRITERS_MAX + index;
        Writer {
            world: self.part.world,
            number,
            log: self.log.clone(),
            dice: Dice::of(self.part.seed.wrapping_add(u64::from(index))),
            hearsay: self.hearsay.clone(),
            journal: self.journal.clone(),
            pause_max_ms: self.part.pause_max_ms,
            attempts: 0,
        }
    }

    /// One more writer, beside those of the part.
    #[must_use]
    pub fn last_writer(&self) -> Writer {
        self.writer(WRITERS_MAX - 1)
    }

    /// Lets all of them do what they are to do.
    pub async fn play(&self) {
        let mut writers = JoinSet::new();
        for index in 0..self.part.writers {
            writers.spawn(self.writer(index).run(self.part.things));
        }
        writers.join_all().await;
    }
}
