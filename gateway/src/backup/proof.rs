//! Whether a restored cluster holds what its manifest says: asked of the cluster itself, running.

use std::sync::Arc;

use events::log::check::{Check, check};
use events::log::{connect, extent};
use events::words::Position;

use super::BackupError;
use super::manifest::LogHead;
use crate::postgres::base_backup::BaseBackupError;
use crate::progress::Progress;

/// Where the log of a restored cluster ends; nothing, if it has none and is to have none.
///
/// # Errors
/// If it lacks what it is to have, or the server fails.
pub async fn prove(
    database: &tokio_postgres::Config,
    expected: Option<&LogHead>,
) -> Result<Option<Position>, BackupError> {
    let client = connect(database).await.map_err(BaseBackupError::from)?;
    let Some(expected) = expected else { return Ok(None) };
    if !extent::is_there(&client).await.map_err(BaseBackupError::from)? {
        return Err(BackupError::Work("the restored database has no event log".to_owned()));
    }
    let position = expected.position;
    let found = extent::last_batch(&client, position).await.map_err(BaseBackupError::from)?;
    if (found.position, &found.hash) != (position, &expected.hash) {
        return Err(BackupError::Work(format!(
            "the restored log has another head: at position {position} the manifest says {}, and \
             the last batch up to there ends at {} with {}",
            expected.hash, found.position, found.hash
        )));
    }
    let extent = extent::extent(&client).await.map_err(BaseBackupError::from)?;
    let contiguous = extent.facts == extent.last.0 && (extent.facts == 0 || extent.first.0 == 1);
    if !contiguous {
        return Err(BackupError::Work(format!(
            "positions of the restored log are missing: it has {} facts from {} to {}",
            extent.facts, extent.first, extent.last
        )));
    }
    Ok(Some(extent.last))
}

/// As [`prove`], and checks the whole log: positions, versions of streams, times, the hash chain.
///
/// # Errors
/// What is wrong, and where.
pub async fn prove_whole(
    database: &tokio_postgres::Config,
    expected: Option<&LogHead>,
    progress: &Progress,
) -> Result<Option<Position>, BackupError> {
    let end = prove(database, expected).await?;
    if end.is_none() {
        return Ok(None);
    }
    let bar = progress.clone();
    let tell = move |done, total| match done {
        0 => bar.begin("checking the log", total),
        done => bar.at(done),
    };
    let checked = check(database, &Check::default(), Arc::new(tell)).await;
    let checked = checked.map_err(|error| BackupError::Work(error.to_string()))?;
    let Some(bad) = checked.bad else { return Ok(end) };
    let place = bad.first.map_or(String::new(), |first| format!(" at position {first}"));
    Err(BackupError::Work(format!(
        "its event log is not right{place}: {}. It was so when it was backed up, for every file is \
         what it was: `millrace check --log` tells of the running one",
        bad.reason
    )))
}
