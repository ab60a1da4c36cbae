//! An export's folder: who may write there, what is to be there and what is not.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::ExportError;
use super::manifest::{ChainEnd, ExportedFile, Filter, Format, MANIFEST, Manifest, VERSION};
use crate::durable::{cannot, unfinished};

/// A folder that nobody else writes to.
pub(super) struct Folder {
    /// Where it is.
    pub(super) path: PathBuf,
    /// What is in it.
    pub(super) manifest: Manifest,
    _lock: File,
}

/// What is asked of a folder.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) format: Format,
    pub(super) filter: Filter,
}

impl Folder {
    /// Takes the folder, which is made if it is not there. None: it has no manifest yet.
    pub(super) fn take(
        path: &Path,
        wanted: &Wanted,
    ) -> Result<(File, Option<Manifest>), ExportError> {
        fs::create_dir_all(path).map_err(cannot("create the directory", path))?;
        let lock = File::open(path).map_err(cannot("open", path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let path = path.display();
                let message = format!("another export writes to {path}: wait for it to end");
                return Err(ExportError::Work(message));
            }
            Err(TryLockError::Error(error)) => return Err(cannot("lock", path)(error).into()),
        }
        let manifest = Manifest::read(path)?;
        if let Some(manifest) = &manifest {
            must_be(path, manifest, wanted)?;
            must_be_there(path, &manifest.files)?;
        } else if is_used(path)? {
            let path = path.display();
            return Err(ExportError::Usage(format!(
                "{path} is not empty, and not an export's: there is no {MANIFEST}. Choose another"
            )));
        }
        Ok((lock, manifest))
    }

    /// The folder with this manifest: a new one is written, and what a killed run left is removed.
    pub(super) fn open(path: &Path, lock: File, manifest: Manifest) -> Result<Self, ExportError> {
        if !path.join(MANIFEST).exists() {
            manifest.write(path)?;
        }
        remove_leftovers(path, &manifest.files)?;
        Ok(Self { path: path.to_owned(), manifest, _lock: lock })
    }

    /// Takes note of files that are on the disk, and of how far that is.
    pub(super) fn add(
        &mut self,
        files: Vec<ExportedFile>,
        through: events::words::Position,
        chain: ChainEnd,
    ) -> Result<(), ExportError> {
        self.manifest.facts += files.iter().map(|file| file.facts).sum::<u64>();
        self.manifest.files.extend(files);
        self.manifest.position = through;
        self.manifest.chain = chain;
        self.manifest.write(&self.path)
    }
}

/// A manifest of a folder with nothing in it.
pub(super) fn fresh(
    wanted: &Wanted,
    since: Option<String>,
    after: events::words::Position,
    chain: ChainEnd,
) -> Manifest {
    let Wanted { format, filter } = wanted.clone();
    let (version, position, facts, files) = (VERSION, after, 0, Vec::new());
    Manifest { version, format, filter, since, after, position, chain, facts, files }
}

fn must_be(path: &Path, manifest: &Manifest, wanted: &Wanted) -> Result<(), ExportError> {
    let found = Wanted { format: manifest.format, filter: manifest.filter.clone() };
    if found.format == wanted.format && found.filter == wanted.filter {
        return Ok(());
    }
    Err(ExportError::Usage(format!(
        "{} holds an export of {}, and {} was asked for: export that into another folder",
        path.display(),
        described(&found),
        described(wanted)
    )))
}

fn described(wanted: &Wanted) -> String {
    let Filter { organization, features } = &wanted.filter;
    let features = match features.as_slice() {
        [] => "all facts".to_owned(),
        features => format!("the facts of {}", features.join(", ")),
    };
    let organization = organization.as_ref().map_or("every organization", |slug| slug);
    format!("{features} of {organization} as {}", wanted.format.ending())
}

fn must_be_there(path: &Path, files: &[ExportedFile]) -> Result<(), ExportError> {
    let is_gone = |file: &&ExportedFile| {
        let found = fs::metadata(path.join(&file.path));
        !found.is_ok_and(|found| found.is_file() && found.len() == file.bytes)
    };
    match files.iter().find(is_gone) {
        None => Ok(()),
        Some(file) => Err(ExportError::Work(format!(
            "{} is missing, or was changed, though {MANIFEST} names it: bring it back, or export \
             anew into another folder",
            path.join(&file.path).display()
        ))),
    }
}

/// Whether there is anything but a manifest that a killed run did not come to name.
fn is_used(path: &Path) -> Result<bool, ExportError> {
    let begun = unfinished(Path::new(MANIFEST));
    for entry in fs::read_dir(path).map_err(cannot("list", path))? {
        let entry = entry.map_err(cannot("list", path))?;
        if entry.file_name() != begun.as_os_str() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes files of ours that no manifest names: a run was killed before it came to that.
fn remove_leftovers(folder: &Path, files: &[ExportedFile]) -> Result<(), ExportError> {
    let named: HashSet<&Path> = files.iter().map(|file| Path::new(&file.path)).collect();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let directory = folder.join(&below);
        for entry in fs::read_dir(&directory).map_err(cannot("list", &directory))? {
            let entry = entry.map_err(cannot("list", &directory))?;
            let (name, path) = (entry.file_name(), below.join(entry.file_name()));
            let name = name.to_string_lossy();
            let kind = entry.file_type().map_err(cannot("look at", &entry.path()))?;
            if kind.is_dir() && (name.starts_with("type=") || name.starts_with("day=")) {
                open.push(path);
            } else if kind.is_file() && is_ours(&path) && !named.contains(&*path) {
                match fs::remove_file(entry.path()) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    removed => removed.map_err(cannot("remove", &entry.path()))?,
                }
            }
        }
    }
    Ok(())
}

/// Whether an export may have written it: `…/day=…/<first>-<last>.<ending>`, finished or not.
fn is_ours(path: &Path) -> bool {
    let in_a_day = path.parent().and_then(Path::file_name);
    let in_a_day = in_a_day.is_some_and(|name| name.to_string_lossy().starts_with("day="));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".unfinished").unwrap_or(&name);
    let range = [Format::Ndjson, Format::Parquet]
        .iter()
        .find_map(|format| name.strip_suffix(format.ending())?.strip_suffix('.')?.split_once('-'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    in_a_day && range.is_some_and(|(first, last)| is_number(first) && is_number(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_export_wrote_is_its_leftover() {
        for ours in ["day=2026-03-01/01-02.ndjson", "type=a/day=b/1-2.parquet.unfinished"] {
            assert!(is_ours(Path::new(ours)), "{ours}");
        }
        for others in [
            "1-2.parquet",
            "day=a/notes.parquet",
            "day=a/1-x.ndjson",
            "day=a/1-2.csv",
            "type=a/1-2",
        ] {
            assert!(!is_ours(Path::new(others)), "{others}");
        }
    }
}
