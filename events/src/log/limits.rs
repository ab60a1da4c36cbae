//! The bounds of the log, and what they are unless somebody says otherwise.

use std::time::Duration;

/// Bounds of the log. Everything that waits or grows has one.
#[derive(Debug, Clone)]
pub struct LogLimits {
    /// Appends that may wait for the appender; one more is told "busy". What one call brings may
    /// exceed it, and the next, if nothing else waits.
    pub queue_appends_max: usize,
    /// Bytes of the appends that may wait.
    pub queue_bytes_max: usize,
    /// Facts of one batch (the last call that it takes in may exceed it).
    pub batch_facts_max: usize,
    /// Bytes of one batch (the last call that it takes in may exceed it).
    pub batch_bytes_max: usize,
    /// Batches under way at once: while PostgreSQL writes one, the next lies in wait.
    pub batches_in_flight_max: usize,
    /// Facts of one append.
    pub append_facts_max: usize,
    /// Streams of one append.
    pub append_streams_max: usize,
    /// Bytes of one append.
    pub append_bytes_max: usize,
    /// Bytes of one fact, data and meta.
    pub fact_bytes_max: usize,
    /// Streams whose versions the appender keeps in mind, about 100 bytes each.
    pub known_streams_max: usize,
    /// How long an append waits for a database that cannot be reached.
    pub unavailable_wait_max: Duration,
    /// How long the database may say nothing to a step of a batch, before the connection is given
    /// up and the outcome looked up over another; doubled as long as that comes to nothing.
    pub silence_max: Duration,
    /// How often followers look by themselves, should a wake-up be lost.
    pub poll_interval: Duration,
    /// Bytes of a page that is read (one fact may exceed them).
    pub page_bytes_max: usize,
    /// Bytes of what was read last, kept for the followers of this process that come to it.
    pub shared_bytes_max: usize,
    /// Connections for reading.
    pub readers_max: usize,
    /// How long a read waits for one of them.
    pub reader_wait_max: Duration,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            queue_appends_max: 8_192,
            queue_bytes_max: 64 << 20,
            batch_facts_max: 4_000,
            batch_bytes_max: 8 << 20,
            batches_in_flight_max: 2,
            append_facts_max: 20_000,
            append_streams_max: 20_000,
            append_bytes_max: 32 << 20,
            fact_bytes_max: 4 << 20,
            known_streams_max: 200_000,
            unavailable_wait_max: Duration::from_secs(10),
            silence_max: Duration::from_secs(10),
            poll_interval: Duration::from_secs(1),
            page_bytes_max: 16 << 20,
            shared_bytes_max: 16 << 20,
            readers_max: 8,
            reader_wait_max: Duration::from_secs(10),
        }
    }
}
