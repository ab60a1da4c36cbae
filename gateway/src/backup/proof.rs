//! Whether a restored cluster holds what its manifest says: asked of the cluster itself, running.

use events::log::{connect, head};
use events::words::Position;

use super::BackupError;
use super::create::hexadecimal;
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
    if !head::is_there(&client).await.map_err(BaseBackupError::from)? {
        return Err(BackupError::Work("the restored database has no event log".to_owned()));
    }
    let position = expected.position;
    if position.0 > 0 {
        let hash = head::hash_at(&client, position).await.map_err(BaseBackupError::from)?;
        let hash = hash.map(|hash| hexadecimal(&hash));
        if hash.as_ref() != Some(&expected.hash) {
            let found = hash.unwrap_or_else(|| "no batch that ends there".to_owned());
            return Err(BackupError::Work(format!(
                "the restored log has another head: at position {position} the manifest says {}, \
                 and there is {found}",
                expected.hash
            )));
        }
    }
    let extent = head::extent(&client).await.map_err(BaseBackupError::from)?;
    let contiguous = extent.facts == extent.last.0 && (extent.facts == 0 || extent.first.0 == 1);
    if !contiguous {
        return Err(BackupError::Work(format!(
            "positions of the restored log are missing: it has {} facts from {} to {}",
            extent.facts, extent.first, extent.last
        )));
    }
    Ok(Some(extent.last))
}
