//! File locks between the programs (and tasks) that use one cluster; what they guard is said in
//! `layout.rs`, and nothing here knows PostgreSQL.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use nix::libc::O_NOFOLLOW;

use super::deadline::Deadline;
use super::error::{PostgresError, cannot};

/// How often a lock that somebody else holds is tried again.
const RETRY: Duration = Duration::from_millis(20);

/// A held lock, released when dropped and, by the kernel, when the program dies. The standard
/// library opens files close-on-exec, so PostgreSQL does not inherit it.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Waits until nobody else holds the lock at `path`.
    pub(super) async fn exclusive(path: &Path, deadline: Deadline) -> Result<Self, PostgresError> {
        Ok(Self(acquire(path, File::try_lock, deadline).await?))
    }

    /// Waits until nobody holds the lock at `path` exclusively.
    pub(super) async fn shared(path: &Path, deadline: Deadline) -> Result<Self, PostgresError> {
        Ok(Self(acquire(path, File::try_lock_shared, deadline).await?))
    }

    /// The lock at `path` if nobody else holds it, without waiting.
    pub(super) fn exclusive_now(path: &Path) -> Result<Option<Self>, PostgresError> {
        let file = open(path)?;
        Ok(is_locked(path, &file, File::try_lock)?.then_some(Self(file)))
    }
}

impl Drop for Lock {
    /// Closing the file would not do: a child that we have forked for whatever purpose holds a
    /// copy of it until it comes to its `exec`, and would count as a user.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "a lock could not be released before its file is closed");
        }
    }
}

/// Waits until nobody else holds the lock at `path`. Then it is held for as long as the file, or a
/// copy of it that a child inherits on purpose, is open.
pub(super) async fn locked_file(path: &Path, deadline: Deadline) -> Result<File, PostgresError> {
    acquire(path, File::try_lock, deadline).await
}

type Attempt = fn(&File) -> Result<(), TryLockError>;

/// Tries again rather than waits in the kernel, so that giving up, by deadline or by dropping the
/// future, leaves no thread behind.
async fn acquire(path: &Path, try_lock: Attempt, by: Deadline) -> Result<File, PostgresError> {
    let file = open(path)?;
    while !is_locked(path, &file, try_lock)? {
        if by.is_over() {
            let (lock, limit) = (path.to_owned(), by.limit);
            return Err(PostgresError::Locked { lock, limit });
        }
        tokio::time::sleep(RETRY).await;
    }
    Ok(file)
}

fn is_locked(path: &Path, file: &File, try_lock: Attempt) -> Result<bool, PostgresError> {
    match try_lock(file) {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(TryLockError::Error(source)) => Err(cannot("lock", path)(source)),
    }
}

/// Opens the file, but through no link: root may do this in a directory of another user.
fn open(path: &Path) -> Result<File, PostgresError> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(O_NOFOLLOW)
        .open(path)
        .map_err(cannot("open the lock file", path))
}
