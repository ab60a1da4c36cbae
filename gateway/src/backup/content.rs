//! The files of a backup while it is made, and the entries for them; when which are copied is said
//! in `create.rs`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::copying::{Copier, make_directory};
use super::manifest::Entry;
use super::{BackupError, CLUSTER, KEYS};
use crate::durable::{cannot, sync_directory};
use crate::postgres::base_backup::{BaseBackupEnd, Part, is_needed, part};

/// Written while the server writes too, so it is read until twice the same was read.
const CONTROL: &str = "global/pg_control";
/// The server writes it once per checkpoint, so this many times would be a wonder.
const CONTROL_READS_MAX: usize = 100;

/// What was copied until now.
pub(super) struct Content {
    from: PathBuf,
    to: PathBuf,
    copier: Arc<Copier>,
    directories: Vec<String>,
    files: Vec<Entry>,
}

impl Content {
    /// Nothing yet, of this cluster, in this backup.
    pub(super) fn new(from: PathBuf, to: PathBuf, copier: Arc<Copier>) -> Self {
        Self { from, to, copier, directories: Vec::new(), files: Vec::new() }
    }

    /// All of the cluster but its log. What goes while it is copied is in the log.
    pub(super) fn with_cluster(mut self) -> Result<Self, BackupError> {
        let total = size(&self.from)?;
        self.copier.progress.begin("copying the cluster", total);
        self.make(CLUSTER.to_owned())?;
        let mut open = vec![PathBuf::new()];
        while let Some(below) = open.pop() {
            for (path, is_directory) in entries(&self.from, &below)? {
                let name = named(CLUSTER, &path)?;
                match (part(&path), is_directory) {
                    (Part::Left | Part::Last, _) => {}
                    (Part::Empty, _) => self.make(name)?,
                    (Part::Copied, true) => {
                        self.make(name)?;
                        open.push(path);
                    }
                    (Part::Copied, false) => self.copy(&path, name)?,
                }
            }
        }
        self.copy_control()?;
        Ok(self)
    }

    fn copy_control(&mut self) -> Result<(), BackupError> {
        let (from, name) = (self.from.join(CONTROL), format!("{CLUSTER}/{CONTROL}"));
        let to = self.to.join(&name);
        for _ in 0..CONTROL_READS_MAX {
            let copied = self.copier.copy(&from, &to, &name)?;
            if let Some(entry) = copied
                && self.copier.look(&from, &name)?.as_ref() == Some(&entry)
            {
                self.files.push(entry);
                return Ok(());
            }
            fs::remove_file(&to).map_err(cannot("remove", &to))?;
        }
        let from = from.display();
        Err(BackupError::Work(format!("{from} is written to again and again: try again later")))
    }

    /// The label, and the log that belongs to the cluster's copy.
    pub(super) fn with_log(mut self, end: &BaseBackupEnd) -> Result<Self, BackupError> {
        self.write(format!("{CLUSTER}/backup_label"), end.label.as_bytes())?;
        let mut found = entries(&self.from, Path::new("pg_wal"))?;
        found.retain(|(path, _)| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| is_needed(name, end))
        });
        found.sort();
        self.copier.progress.begin("copying the log", found.len() as u64 * (16 << 20));
        for (path, _) in found {
            self.copy(&path, named(CLUSTER, &path)?)?;
        }
        for segment in [&end.first_segment, &end.last_segment] {
            let name = format!("{CLUSTER}/pg_wal/{segment}");
            if !self.files.iter().any(|file| file.path == name) {
                return Err(BackupError::Work(format!(
                    "PostgreSQL has not kept {segment} of its log, which the backup needs"
                )));
            }
        }
        Ok(self)
    }

    /// The files with keys.
    pub(super) fn with_keys(mut self, keys: &[(&str, Vec<u8>)]) -> Result<Self, BackupError> {
        if !keys.is_empty() {
            self.make(KEYS.to_owned())?;
        }
        for (name, bytes) in keys {
            self.write(format!("{KEYS}/{name}"), bytes)?;
        }
        Ok(self)
    }

    /// Directories and files, once the directories are on the disk too.
    pub(super) fn on_disk(self) -> Result<(Vec<String>, Vec<Entry>), BackupError> {
        for directory in self.directories.iter().rev() {
            sync_directory(&self.to.join(directory))?;
        }
        sync_directory(&self.to)?;
        Ok((self.directories, self.files))
    }

    fn make(&mut self, name: String) -> Result<(), BackupError> {
        make_directory(&self.to.join(&name))?;
        self.directories.push(name);
        Ok(())
    }

    fn copy(&mut self, path: &Path, name: String) -> Result<(), BackupError> {
        let entry = self.copier.copy(&self.from.join(path), &self.to.join(&name), &name)?;
        self.files.extend(entry);
        Ok(())
    }

    fn write(&mut self, path: String, bytes: &[u8]) -> Result<(), BackupError> {
        let to = self.to.join(&path);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to);
        let mut file = file.map_err(cannot("create", &to))?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.map_err(cannot("write", &to))?;
        let sha256 = format!("{:x}", Sha256::digest(bytes));
        self.files.push(Entry { path, bytes: bytes.len() as u64, sha256 });
        Ok(())
    }
}

/// What a directory of the cluster holds, by paths below the cluster's, and whether it is one
/// itself. Nothing, if it is not there any more.
fn entries(cluster: &Path, below: &Path) -> Result<Vec<(PathBuf, bool)>, BackupError> {
    let directory = cluster.join(below);
    let listed = match fs::read_dir(&directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(cannot("list", &directory))?,
    };
    let mut found = Vec::new();
    for entry in listed {
        let entry = entry.map_err(cannot("list", &directory))?;
        let path = below.join(entry.file_name());
        let kind = entry.file_type().map_err(cannot("look at", &entry.path()))?;
        if !kind.is_dir() && !kind.is_file() && part(&path) == Part::Copied {
            return Err(BackupError::Work(format!(
                "{} is neither a file nor a directory: a cluster whose parts lie elsewhere \
                 (tablespaces, links) cannot be backed up",
                entry.path().display()
            )));
        }
        found.push((path, kind.is_dir()));
    }
    Ok(found)
}

/// The size of everything that will be copied but the log.
fn size(cluster: &Path) -> Result<u64, BackupError> {
    let (mut total, mut open) = (0, vec![PathBuf::new()]);
    while let Some(below) = open.pop() {
        for (path, is_directory) in entries(cluster, &below)? {
            match (part(&path), is_directory) {
                (Part::Copied, true) => open.push(path),
                (Part::Copied, false) => {
                    total += fs::metadata(cluster.join(path)).map_or(0, |found| found.len());
                }
                _ => {}
            }
        }
    }
    Ok(total)
}

/// What a path of the cluster is called in the backup.
fn named(folder: &str, path: &Path) -> Result<String, BackupError> {
    let path = path.to_str().map(|path| format!("{folder}/{path}"));
    path.ok_or_else(|| BackupError::Work("a file of the cluster has a name that is no text".into()))
}
