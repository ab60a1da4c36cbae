//! What a backup says of itself: the manifest, and how it is written and read; whether the files
//! are as it says is looked at elsewhere.

use std::fs;
use std::path::{Component, Path};

use chrono::{DateTime, Utc};
use events::words::Position;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BackupError, CLUSTER, KEYS};
use crate::durable::{self, cannot};

/// The manifest's file.
pub const MANIFEST: &str = "manifest.json";
/// The file of its digest.
pub const DIGEST: &str = "manifest.json.sha256";
/// The version of the layout and the manifest that this program writes, and the newest it reads.
pub const FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the layout and of this manifest.
    pub format: u32,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// The version of Millrace that wrote it.
    pub program: String,
    /// The major version of the PostgreSQL whose cluster it is.
    pub postgresql: u32,
    /// What of the event log is certainly inside; nothing, if the database had no log yet.
    pub log: Option<LogHead>,
    /// Every directory below the backup's own, parents first.
    pub directories: Vec<String>,
    /// Every file but the manifest and its digest.
    pub files: Vec<Entry>,
}

/// The end of a batch of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// Its last position; 0 of an empty log.
    pub position: Position,
    /// The hash of the chain there, in hexadecimal.
    pub hash: String,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it is, below the backup's directory.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// The size of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Writes it: with that the backup is one. The digest goes first.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, backup: &Path) -> Result<(), BackupError> {
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|error| BackupError::Work(error.to_string()))? + "\n";
        let digest = format!("{:x}  {MANIFEST}\n", Sha256::digest(&text));
        durable::replace(&backup.join(DIGEST), digest.as_bytes(), 0o600)?;
        Ok(durable::replace(&backup.join(MANIFEST), text.as_bytes(), 0o600)?)
    }

    /// Reads it, and makes sure that it is what was written.
    ///
    /// # Errors
    /// If there is none, it was changed, or this program does not know its format.
    pub fn read(backup: &Path) -> Result<Self, BackupError> {
        let (path, digest) = (backup.join(MANIFEST), backup.join(DIGEST));
        if !path.exists() {
            let backup = backup.display();
            return Err(BackupError::Work(format!(
                "{backup} is no whole backup: there is no {MANIFEST}, which is written last"
            )));
        }
        let bytes = fs::read(&path).map_err(cannot("read", &path))?;
        let told = fs::read_to_string(&digest).map_err(cannot("read", &digest))?;
        let broken = |why: &str| BackupError::Work(format!("{}: {why}", path.display()));
        if told != format!("{:x}  {MANIFEST}\n", Sha256::digest(&bytes)) {
            return Err(broken(&format!("it, or {DIGEST} beside it, was changed: they differ")));
        }
        let text: serde_json::Value = serde_json::from_slice(&bytes)
            .map_err(|error| broken(&format!("it is no JSON: {error}")))?;
        match text["format"].as_u64() {
            Some(format) if format <= u64::from(FORMAT) => {}
            found => {
                let found = found.map_or("none".to_owned(), |format| format.to_string());
                return Err(broken(&format!(
                    "its format is {found}, and this program knows up to {FORMAT}: take the \
                     program that wrote it, or a newer one"
                )));
            }
        }
        let manifest: Self = serde_json::from_value(text)
            .map_err(|error| broken(&format!("it is no manifest: {error}")))?;
        let files = manifest.files.iter().map(|file| &file.path);
        match files.chain(&manifest.directories).find(|path| !is_inside(path)) {
            Some(path) => Err(broken(&format!("`{path}` is no path of a backup"))),
            None => Ok(manifest),
        }
    }
}

/// Whether a path stays below the backup's directory, in a folder that backups have.
fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    let first = parts.next().map(Component::as_os_str);
    let known = [CLUSTER, KEYS].iter().any(|folder| first == Some((*folder).as_ref()));
    known && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::is_inside;

    #[test]
    fn no_path_leads_out_of_a_backup() {
        for path in ["cluster", "cluster/base/1", "keys/master-keys"] {
            assert!(is_inside(path), "{path}");
        }
        for path in ["", "/etc/passwd", "cluster/../../a", "manifest.json", "../cluster", "."] {
            assert!(!is_inside(path), "{path}");
        }
    }
}
