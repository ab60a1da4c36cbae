//! Makes a backup of a cluster that runs: its files as they are, while they are written to, and the
//! log from before to behind that makes them consistent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use events::log::extent;
use events::words::Position;

use super::content::Content;
use super::copying::{Copier, make_directory};
use super::manifest::{FORMAT, LogHead, MANIFEST, Manifest};
use super::{BackupError, CLUSTER, KEY_FILES, blocking};
use crate::durable::{cannot, sync_directory};
use crate::postgres::base_backup::{BaseBackup, BaseBackupError};

/// What is backed up.
#[derive(Debug, Clone)]
pub struct Source {
    /// The data directory, for the keys.
    pub data: PathBuf,
    /// The cluster's directory.
    pub cluster: PathBuf,
    /// The major version of its server.
    pub major: u32,
    /// How to connect to it.
    pub database: tokio_postgres::Config,
}

/// Makes a backup in a directory that is empty or does not exist yet. If it fails, nothing stays.
///
/// # Errors
/// [`BackupError`].
pub async fn create(
    source: Source,
    to: &Path,
    now: DateTime<Utc>,
    copier: Copier,
) -> Result<Manifest, BackupError> {
    let is_new = prepare(to)?;
    let made = fill(&source, to, now, Arc::new(copier)).await;
    if made.is_err() {
        let (to, left) = (to.to_owned(), to.display().to_string());
        let cleared = blocking(move || clear(&to, is_new)).await;
        if let Err(error) = cleared {
            tracing::warn!(%error, left, "what was written of the backup could not be removed");
        }
    }
    made
}

/// Makes the directory, or makes sure that it is empty; whether it is new.
fn prepare(to: &Path) -> Result<bool, BackupError> {
    let entries = match fs::read_dir(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.unwrap_or(Path::new("."));
            fs::create_dir_all(parent).map_err(cannot("create the directory", parent))?;
            make_directory(to)?;
            sync_directory(parent)?;
            return Ok(true);
        }
        entries => entries.map_err(cannot("list", to))?,
    };
    if entries.count() > 0 {
        let what = match (to.join(MANIFEST).exists(), to.join(CLUSTER).exists()) {
            (true, _) => "it holds a backup already; choose another, or remove it",
            (false, true) => "it holds a part of a backup that was cut off; remove it",
            (false, false) => "it is not empty; choose another",
        };
        return Err(BackupError::Usage(format!("cannot back up into {}: {what}", to.display())));
    }
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(to, mode).map_err(cannot("close to others", to))?;
    Ok(false)
}

fn clear(to: &Path, is_new: bool) -> Result<(), BackupError> {
    if is_new {
        return Ok(fs::remove_dir_all(to).map_err(cannot("remove", to))?);
    }
    for entry in fs::read_dir(to).map_err(cannot("list", to))? {
        let path = entry.map_err(cannot("list", to))?.path();
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(cannot("remove", &path))?;
    }
    Ok(())
}

async fn fill(
    source: &Source,
    to: &Path,
    now: DateTime<Utc>,
    copier: Arc<Copier>,
) -> Result<Manifest, BackupError> {
    let keys = read_keys(&source.data)?;
    let server = BaseBackup::begin(&source.database).await?;
    let content = Content::new(source.cluster.clone(), to.to_owned(), copier);
    let content = blocking(move || content.with_cluster()).await?;
    let log = log_head(&server).await?;
    let end = server.end().await?;
    let content = blocking(move || content.with_log(&end)).await?;
    drop(server);
    // The log's end may rest on a key that came while the files were copied, and its beginning on
    // one that went.
    if read_keys(&source.data)? != keys {
        let message = "the master keys were changed while the backup was made; make it again";
        return Err(BackupError::Work(message.to_owned()));
    }
    let (to, postgresql) = (to.to_owned(), source.major);
    blocking(move || {
        let (directories, files) = content.with_keys(&keys)?.on_disk()?;
        let program = env!("CARGO_PKG_VERSION").to_owned();
        let created_at = now;
        let manifest =
            Manifest { format: FORMAT, created_at, program, postgresql, log, directories, files };
        manifest.write(&to)?;
        Ok(manifest)
    })
    .await
}

/// What is certainly in the backup, because it is visible before the backup ends.
async fn log_head(server: &BaseBackup) -> Result<Option<LogHead>, BackupError> {
    let client = server.client();
    if !extent::is_there(client).await.map_err(BaseBackupError::from)? {
        return Ok(None);
    }
    let end = extent::last_batch(client, Position(i64::MAX)).await;
    let end = end.map_err(BaseBackupError::from)?;
    Ok(Some(LogHead { position: end.position, hash: end.hash }))
}

/// The files with keys that there are, with their contents.
fn read_keys(data: &Path) -> Result<Vec<(&'static str, Vec<u8>)>, BackupError> {
    let mut found = Vec::new();
    for name in KEY_FILES {
        let path = data.join(name);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            read => found.push((name, read.map_err(cannot("read", &path))?)),
        }
    }
    Ok(found)
}
