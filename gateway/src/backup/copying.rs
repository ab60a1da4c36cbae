//! Copying files so that they are on the disk and their digests known, in bounded memory; which
//! files is said elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use nix::libc::O_NOFOLLOW;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::BackupError;
use super::manifest::Entry;
use crate::durable::cannot;
use crate::progress::Progress;

/// How much is held of a file at once.
const PIECE: usize = 1 << 20;

/// Copies files, and tells how far it is.
pub struct Copier {
    /// Who is told.
    pub progress: Progress,
    /// When to give up.
    pub stop: CancellationToken,
}

impl Copier {
    /// Copies a file, readable by its owner alone, to where there is none: the entry for it under
    /// this name, once it is on the disk. None: it is not there any more.
    ///
    /// # Errors
    /// If it cannot be read or written, or it is time to stop.
    pub fn copy(&self, from: &Path, to: &Path, name: &str) -> Result<Option<Entry>, BackupError> {
        let Some(mut source) = open(from)? else { return Ok(None) };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).custom_flags(O_NOFOLLOW);
        let mut copy = options.open(to).map_err(cannot("create", to))?;
        let entry = self.pour(&mut source, from, name, |piece| {
            copy.write_all(piece).map_err(cannot("write", to)).map_err(BackupError::from)
        })?;
        copy.sync_all().map_err(cannot("write to disk", to))?;
        Ok(Some(entry))
    }

    /// What the entry of a file under this name would be. None: it is not there.
    ///
    /// # Errors
    /// If it cannot be read, or it is time to stop.
    pub fn look(&self, path: &Path, name: &str) -> Result<Option<Entry>, BackupError> {
        let Some(mut source) = open(path)? else { return Ok(None) };
        self.pour(&mut source, path, name, |_| Ok(())).map(Some)
    }

    fn pour(
        &self,
        source: &mut File,
        from: &Path,
        name: &str,
        mut take: impl FnMut(&[u8]) -> Result<(), BackupError>,
    ) -> Result<Entry, BackupError> {
        let (mut digest, mut bytes) = (Sha256::new(), 0_u64);
        let mut piece = vec![0; PIECE];
        loop {
            if self.stop.is_cancelled() {
                return Err(BackupError::Stopped);
            }
            let read = match source.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(cannot("read", from))?,
            };
            if read == 0 {
                let sha256 = format!("{:x}", digest.finalize());
                return Ok(Entry { path: name.to_owned(), bytes, sha256 });
            }
            digest.update(&piece[..read]);
            take(&piece[..read])?;
            bytes += read as u64;
            self.progress.add(read as u64);
        }
    }
}

/// Opens a file, but through no link. None: it is not there.
fn open(path: &Path) -> Result<Option<File>, BackupError> {
    match OpenOptions::new().read(true).custom_flags(O_NOFOLLOW).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => Ok(Some(opened.map_err(cannot("open", path))?)),
    }
}

/// Makes a directory that only its owner can enter.
///
/// # Errors
/// If it is there, or cannot be made.
pub fn make_directory(path: &Path) -> Result<(), BackupError> {
    let made = fs::DirBuilder::new().mode(0o700).create(path);
    Ok(made.map_err(cannot("create the directory", path))?)
}
