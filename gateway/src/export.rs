//! Exporting facts to files that other tools read: the log as it is stored, never decoded, so that
//! ciphertext stays ciphertext and fields that this program does not know are kept.
//!
//! ```text
//! DIR/type=order.placed/day=2026-03-01/<first>-<last>.parquet   a fact a row; or
//! DIR/day=2026-03-01/<first>-<last>.ndjson                      a fact a line
//! DIR/export.json                                               how far it is, and its files
//! ```

pub mod facts;
mod folder;
pub mod manifest;
mod ndjson;
mod parquet;
mod partition;
pub mod since;

use events::log::{ConnectError, LogError};

use crate::durable::FileError;

pub use facts::{Asked, Summary, export};
pub use manifest::Format;

/// Bounds of an export. Everything that waits or grows has one.
#[derive(Debug, Clone)]
pub struct ExportLimits {
    /// Facts that are read at once.
    pub page_facts_max: usize,
    /// Facts that are put into files at once; three times as many are in memory.
    pub chunk_facts_max: usize,
    /// Bytes of the facts that are put into files at once.
    pub chunk_bytes_max: usize,
}

impl Default for ExportLimits {
    fn default() -> Self {
        Self { page_facts_max: 5_000, chunk_facts_max: 100_000, chunk_bytes_max: 64 << 20 }
    }
}

/// Why an export ends before it is through.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// What was asked does not fit what is there: whoever called can mend it.
    #[error("{0}")]
    Usage(String),
    /// It could not be done.
    #[error("{0}")]
    Work(String),
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// It was told to stop. What was written stays, and the next run goes on.
    #[error("stopped before it was done; run it again, and it goes on")]
    Stopped,
}

impl From<ConnectError> for ExportError {
    fn from(error: ConnectError) -> Self {
        Self::Log(error.into())
    }
}
