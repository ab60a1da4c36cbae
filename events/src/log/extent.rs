//! How far a log goes, and what its chain says where a batch ends, asked over any connection, also
//! of a database that this program has not migrated. Not whether the chain is right.

use tokio_postgres::Client;

use super::ConnectError;
use crate::words::Position;

/// The end of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchEnd {
    /// Its last position; 0 if there is none.
    pub position: Position,
    /// The hash of the chain there, in hexadecimal; nothing if there is none.
    pub hash: String,
}

/// What positions a log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// How many facts there are.
    pub facts: i64,
    /// The lowest position; 0 of an empty log.
    pub first: Position,
    /// The highest one; 0 of an empty log.
    pub last: Position,
}

/// Whether the database has a log at all.
///
/// # Errors
/// If the database cannot be reached.
pub async fn is_there(client: &Client) -> Result<bool, ConnectError> {
    Ok(client.query_one(include_str!("sql/is_there.sql"), &[]).await?.get(0))
}

/// The last batch that ends at a position or before it.
///
/// # Errors
/// If the database cannot be reached, or has no log.
pub async fn last_batch(client: &Client, until: Position) -> Result<BatchEnd, ConnectError> {
    let row = client.query_opt(include_str!("sql/last_batch.sql"), &[&until.0]).await?;
    Ok(row.map_or(BatchEnd { position: Position(0), hash: String::new() }, |row| BatchEnd {
        position: Position(row.get(0)),
        hash: row.get(1),
    }))
}

/// What positions there are.
///
/// # Errors
/// If the database cannot be reached, or has no log.
pub async fn extent(client: &Client) -> Result<Extent, ConnectError> {
    let row = client.query_one(include_str!("sql/extent.sql"), &[]).await?;
    Ok(Extent { facts: row.get(0), first: Position(row.get(1)), last: Position(row.get(2)) })
}
