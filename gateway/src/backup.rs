//! Backups of the embedded cluster: a base backup and the keys, in one folder, that can be verified
//! and restored. What PostgreSQL demands of a base backup stands in `postgres/base_backup.rs`.
//!
//! ```text
//! DIR/cluster/…              the cluster's files, with the log that makes them consistent
//! DIR/keys/master-keys       the keys that wrap persons' keys, if there are any
//! DIR/manifest.json          what there is: written last, so that what was cut off has none
//! DIR/manifest.json.sha256   its digest, as `sha256sum --check` reads it
//! ```

mod content;
pub mod copying;
pub mod create;
pub mod manifest;
pub mod proof;
pub mod restore;
pub mod verify;

use crate::durable::FileError;
use crate::postgres::PostgresError;
use crate::postgres::base_backup::BaseBackupError;

/// Where the cluster's files are.
pub const CLUSTER: &str = "cluster";
/// Where the keys are.
pub const KEYS: &str = "keys";
/// The files of a data directory that hold keys, without which what is encrypted is lost.
pub const KEY_FILES: [&str; 1] = [crate::master_keys::FILE];

/// Why a backup is not made, verified or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// What was asked does not fit what is there: whoever called can mend it.
    #[error("{0}")]
    Usage(String),
    /// It could not be done.
    #[error("{0}")]
    Work(String),
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The server refused.
    #[error(transparent)]
    Server(#[from] BaseBackupError),
    /// The server could not be run.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// It was told to stop.
    #[error("stopped before it was done")]
    Stopped,
}

impl BackupError {
    /// Whether whoever called can mend it by calling otherwise.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_) | Self::Postgres(PostgresError::Occupied { .. }))
    }
}

/// Runs what blocks beside the runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| BackupError::Work(error.to_string()))?
}
