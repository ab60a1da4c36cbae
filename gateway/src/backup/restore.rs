//! Brings a backup back: its files into a data directory that has no cluster, and a first start, so
//! that PostgreSQL makes them consistent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use events::words::Position;

use super::copying::{Copier, make_directory};
use super::manifest::Manifest;
use super::proof::prove;
use super::{BackupError, CLUSTER, KEYS, blocking};
use crate::durable::{self, cannot, sync_directory};
use crate::postgres::restoring::{Restoring, withdraw};
use crate::postgres::{Embedded, EmbeddedOptions};
use crate::verbs::parts::address;

/// Restores a backup with its keys into a data directory, and leaves its server stopped. Where the
/// log ends; nothing, if there was none.
///
/// # Errors
/// [`BackupError`]; then the data directory has no cluster.
pub async fn restore(
    backup: &Path,
    options: EmbeddedOptions,
    copier: Copier,
) -> Result<Option<Position>, BackupError> {
    let manifest = Arc::new(read(backup).await?);
    let copier = Arc::new(copier);
    let place = Restoring::begin(&options, (&backup.join(CLUSTER), manifest.postgresql)).await?;
    let (from, entries, data) = (backup.to_owned(), manifest.clone(), options.data.clone());
    blocking(move || {
        copy_cluster(&from, &entries, &place, &copier)?;
        // Before the cluster: whoever finds that finds its keys.
        copy_keys(&from, &entries, &data, &copier)?;
        Ok(place.finish()?)
    })
    .await?;
    let proved = bring_up(options.clone(), &manifest).await;
    if proved.is_err()
        && let Err(error) = withdraw(&options).await
    {
        let data = options.data.display().to_string();
        tracing::error!(%error, data, "a cluster that is of no use could not be removed");
    }
    proved
}

/// As [`restore`], without keys: to see whether it comes up.
pub(super) async fn try_out(
    backup: &Path,
    manifest: Arc<Manifest>,
    options: EmbeddedOptions,
    copier: Arc<Copier>,
) -> Result<Option<Position>, BackupError> {
    let place = Restoring::begin(&options, (&backup.join(CLUSTER), manifest.postgresql)).await?;
    let (from, entries) = (backup.to_owned(), manifest.clone());
    blocking(move || {
        copy_cluster(&from, &entries, &place, &copier)?;
        Ok(place.finish()?)
    })
    .await?;
    bring_up(options, &manifest).await
}

pub(super) async fn read(backup: &Path) -> Result<Manifest, BackupError> {
    let backup = backup.to_owned();
    blocking(move || Manifest::read(&backup)).await
}

fn copy_cluster(
    backup: &Path,
    manifest: &Manifest,
    place: &Restoring,
    copier: &Copier,
) -> Result<(), BackupError> {
    let (total, folder) = (manifest.bytes(), place.directory());
    copier.progress.begin("restoring", total);
    let below =
        |path: &str| Path::new(path).strip_prefix(CLUSTER).ok().map(|path| folder.join(path));
    let directories: Vec<PathBuf> = manifest
        .directories
        .iter()
        .filter(|path| *path != CLUSTER)
        .filter_map(|p| below(p))
        .collect();
    for directory in &directories {
        make_directory(directory)?;
    }
    for file in &manifest.files {
        let Some(to) = below(&file.path) else { continue };
        let from = backup.join(&file.path);
        if copier.copy(&from, &to, &file.path)?.as_ref() != Some(file) {
            return Err(BackupError::Work(format!(
                "{} is not what the manifest says: `backup verify` tells all that is wrong",
                from.display()
            )));
        }
    }
    for directory in directories.iter().rev() {
        sync_directory(directory)?;
    }
    Ok(sync_directory(&folder)?)
}

/// A file of keys that is there already has to be the same: another one belongs to other data.
fn copy_keys(
    backup: &Path,
    manifest: &Manifest,
    data: &Path,
    copier: &Copier,
) -> Result<(), BackupError> {
    for file in &manifest.files {
        let Ok(name) = Path::new(&file.path).strip_prefix(KEYS) else { continue };
        let (from, to) = (backup.join(&file.path), data.join(name));
        if copier.look(&from, &file.path)?.as_ref() != Some(file) {
            let from = from.display();
            return Err(BackupError::Work(format!("{from} is not what the manifest says")));
        }
        let bytes = fs::read(&from).map_err(cannot("read", &from))?;
        let there = match fs::read(&to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                durable::replace(&to, &bytes, 0o600)?;
                continue;
            }
            there => there.map_err(cannot("read", &to))?,
        };
        if there != bytes {
            let to = to.display();
            return Err(BackupError::Usage(format!(
                "{to} is there already, with other keys than the backup's: restore into another \
                 --data, or move it away"
            )));
        }
    }
    Ok(())
}

/// Starts the cluster, which makes it consistent, looks at what it holds, and stops it.
async fn bring_up(
    options: EmbeddedOptions,
    manifest: &Manifest,
) -> Result<Option<Position>, BackupError> {
    let embedded = Embedded::start(options).await?;
    let proved = match address(&embedded.url()) {
        Ok(database) => prove(&database, manifest.log.as_ref()).await,
        Err(error) => Err(BackupError::Work(error)),
    };
    let stopped = embedded.stop().await;
    let proved = proved?;
    stopped?;
    Ok(proved)
}
