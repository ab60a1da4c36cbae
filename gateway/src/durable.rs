//! Files that are there whole or not at all, and still after a crash; what is in them is decided
//! by whoever writes them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The operating system refused something about a file or directory.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}: {source}", path.display())]
pub struct FileError {
    /// What was tried.
    pub what: &'static str,
    /// With which file or directory.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

/// Says what was tried with which path, for `map_err`.
pub fn cannot(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError { what, path: path.to_owned(), source }
}

/// What a file is called until it is whole.
#[must_use]
pub fn unfinished(path: &Path) -> PathBuf {
    path.with_added_extension("unfinished")
}

/// Writes a file, or replaces it: whoever looks, whenever the machine stops, finds the whole of the
/// old one or the whole of the new one.
///
/// # Errors
/// If it cannot be written; the old one is still there.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let unfinished = unfinished(path);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    let mut file = options.open(&unfinished).map_err(cannot("create", &unfinished))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(cannot("write", &unfinished))?;
    finish(path)
}

/// Writes a file that its owner alone reads, unless there is one: of several programs that do so at
/// once, the first one's stays.
///
/// # Errors
/// If it cannot be written.
pub fn make(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    // A name of this process's own, for another may be writing too.
    let unfinished = path.with_added_extension(format!("{}.unfinished", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&unfinished).map_err(cannot("create", &unfinished))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(cannot("write", &unfinished))?;
    let linked = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished).map_err(cannot("remove", &unfinished))?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(cannot("put into place", path)(error))
        }
        _ => sync_directory(directory_of(path)),
    }
}

fn directory_of(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Gives a file that was written and synced under its unfinished name its own.
///
/// # Errors
/// If the operating system refuses.
pub fn finish(path: &Path) -> Result<(), FileError> {
    fs::rename(unfinished(path), path).map_err(cannot("put into place", path))?;
    sync_directory(directory_of(path))
}

/// Makes sure that what a directory lists is on the disk.
///
/// # Errors
/// If the operating system refuses.
pub fn sync_directory(path: &Path) -> Result<(), FileError> {
    let synced = File::open(path).and_then(|directory| directory.sync_all());
    synced.map_err(cannot("write to disk", path))
}
