//! Reads the end of PostgreSQL's logs for error messages and removes old ones; what is written
//! there is set in `settings.rs`.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::layout::Layout;

/// The most of a log that an error message repeats, in bytes.
const TAIL_BYTES_MAX: u64 = 2000;
/// How long a log is kept: less than the week after which its name comes round again.
const KEPT: Duration = Duration::from_hours(6 * 24);

/// The end of a log; nothing if it cannot be read.
pub(super) fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let start = file.metadata()?.len().saturating_sub(TAIL_BYTES_MAX);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).trim().to_owned()
}

/// The end of what the server wrote last: before its log began, or in it.
pub(super) fn last_words(layout: &Layout) -> String {
    let before = tail(&layout.start_log());
    if !before.is_empty() && !before.contains("logging collector") {
        return before;
    }
    let newest = logs(layout).max_by_key(|(_, written)| *written);
    let words = newest.map_or(before, |(path, _)| tail(&path));
    if words.is_empty() { format!("(nothing in {})", layout.log().display()) } else { words }
}

/// Removes the logs of servers that did not run long enough to overwrite them.
pub(super) fn remove_old(layout: &Layout) {
    for (path, written) in logs(layout) {
        if written.elapsed().is_ok_and(|age| age > KEPT)
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(path = %path.display(), %error, "an old log cannot be removed");
        }
    }
}

fn logs(layout: &Layout) -> impl Iterator<Item = (PathBuf, SystemTime)> {
    let entries = fs::read_dir(layout.log()).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.modified().ok()?)))
}
