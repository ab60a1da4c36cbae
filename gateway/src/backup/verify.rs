//! Looks whether a backup is what its manifest says, and whether it comes up as a database.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::copying::Copier;
use super::manifest::{DIGEST, Entry, MANIFEST, Manifest};
use super::restore::{read, try_out};
use super::{BackupError, blocking};
use crate::durable::cannot;
use crate::postgres::EmbeddedOptions;
use crate::postgres::restoring::discard;

/// What is wrong with a backup; each line names a file.
pub type Faults = Vec<String>;

/// Reads the manifest, and everything that it names.
///
/// # Errors
/// If there is no whole manifest, or something cannot be read.
pub async fn compare(
    backup: &Path,
    copier: Arc<Copier>,
) -> Result<(Arc<Manifest>, Faults), BackupError> {
    let manifest = Arc::new(read(backup).await?);
    let (backup, known) = (backup.to_owned(), manifest.clone());
    let faults = blocking(move || faults(&backup, &known, &copier)).await?;
    Ok((manifest, faults))
}

/// Restores a backup into a directory of its own, has PostgreSQL bring it up, looks at its log, and
/// removes all that again.
///
/// # Errors
/// What does not come up, or is not there.
pub async fn bring_up(
    backup: &Path,
    manifest: Arc<Manifest>,
    options: EmbeddedOptions,
    copier: Arc<Copier>,
) -> Result<(), BackupError> {
    let scratch = options.data.clone();
    let _alone = claim(&scratch, &options).await?;
    let tried = try_out(backup, manifest, options.clone(), copier).await;
    let discarded = discard(&options).await;
    fs::remove_dir_all(&scratch).map_err(cannot("remove", &scratch))?;
    tried?;
    Ok(discarded?)
}

/// Makes the directory, for this verification alone; what a killed one left there is removed.
async fn claim(scratch: &Path, options: &EmbeddedOptions) -> Result<fs::File, BackupError> {
    let mark = scratch.join("verifying.lock");
    if scratch.exists() && !mark.exists() {
        let scratch = scratch.display();
        return Err(BackupError::Usage(format!(
            "{scratch} is there, and not of a verification: move it away, or choose another \
             --scratch"
        )));
    }
    let left = mark.exists();
    fs::create_dir_all(scratch).map_err(cannot("create the directory", scratch))?;
    // The user as whom root runs PostgreSQL has to pass.
    let mode = if nix::unistd::geteuid().is_root() { 0o755 } else { 0o700 };
    let opened = fs::set_permissions(scratch, fs::Permissions::from_mode(mode));
    opened.map_err(cannot("open", scratch))?;
    let lock = fs::File::create(&mark).map_err(cannot("create", &mark))?;
    if lock.try_lock().is_err() {
        let scratch = scratch.display();
        return Err(BackupError::Work(format!("another verification works in {scratch}")));
    }
    if left {
        discard(options).await?;
        let link = scratch.join("postgres");
        match fs::remove_file(&link) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(cannot("remove", &link)(error).into());
            }
            _ => {}
        }
    }
    Ok(lock)
}

fn faults(backup: &Path, manifest: &Manifest, copier: &Copier) -> Result<Faults, BackupError> {
    copier.progress.begin("reading the backup", manifest.bytes());
    let mut there = BTreeMap::new();
    list(backup, Path::new(""), &mut there)?;
    let mut faults = Faults::new();
    for expected in &manifest.files {
        let kind = there.remove(Path::new(&expected.path));
        faults.extend(fault(backup, expected, kind, copier)?);
    }
    for directory in &manifest.directories {
        match there.remove(Path::new(directory)) {
            Some(Kind::Directory) => {}
            Some(_) => faults.push(format!("{directory}: is no directory")),
            None => faults.push(format!("{directory}: the directory is missing")),
        }
    }
    for path in
        there.into_keys().filter(|path| ![MANIFEST, DIGEST].map(Path::new).contains(&&**path))
    {
        faults.push(format!("{}: does not belong to the backup", path.display()));
    }
    Ok(faults)
}

fn fault(
    backup: &Path,
    expected: &Entry,
    kind: Option<Kind>,
    copier: &Copier,
) -> Result<Option<String>, BackupError> {
    let name = &expected.path;
    let bytes = match kind {
        None => return Ok(Some(format!("{name}: is missing"))),
        Some(Kind::File(bytes)) => bytes,
        Some(_) => return Ok(Some(format!("{name}: is no file"))),
    };
    if bytes != expected.bytes {
        return Ok(Some(format!("{name}: has {bytes} bytes instead of {}", expected.bytes)));
    }
    match copier.look(&backup.join(name), name) {
        Ok(found) if found.as_ref() == Some(expected) => Ok(None),
        Ok(_) => Ok(Some(format!("{name}: was changed: its SHA-256 is another one"))),
        Err(BackupError::File(error)) => Ok(Some(format!("{name}: {error}"))),
        Err(error) => Err(error),
    }
}

enum Kind {
    File(u64),
    Directory,
    Other,
}

/// Everything below a directory, through no link.
fn list(
    backup: &Path,
    below: &Path,
    found: &mut BTreeMap<PathBuf, Kind>,
) -> Result<(), BackupError> {
    let directory = backup.join(below);
    for entry in fs::read_dir(&directory).map_err(cannot("list", &directory))? {
        let entry = entry.map_err(cannot("list", &directory))?;
        let path = below.join(entry.file_name());
        let about = entry.metadata().map_err(cannot("look at", &entry.path()))?;
        if about.is_dir() {
            list(backup, &path, found)?;
            found.insert(path, Kind::Directory);
        } else {
            found.insert(path, if about.is_file() { Kind::File(about.len()) } else { Kind::Other });
        }
    }
    Ok(())
}
