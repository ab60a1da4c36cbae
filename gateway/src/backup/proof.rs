//! Whether a restored cluster holds what its manifest says: asked of the cluster itself, running.

use events::log::{connect, extent};
use events::words::Position;

use super::BackupError;
use super::manifest::LogHead;
use crate::postgres::base_backup::BaseBackupError;

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
