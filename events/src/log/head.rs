//! Where a log ends, and what its chain says there, asked over any connection; not the whole chain.

use tokio_postgres::Client;

use super::ConnectError;
use crate::words::Position;

/// The end of a log, at the end of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The last position; 0 of an empty log.
    pub position: Position,
    /// The hash of the batch that ends there; nothing for an empty log.
    pub hash: Vec<u8>,
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

/// Where the log ends.
///
/// # Errors
/// If the database cannot be reached, or has no log.
pub async fn head(client: &Client) -> Result<Head, ConnectError> {
    let row = client.query_opt(include_str!("sql/last_batch.sql"), &[]).await?;
    Ok(row.map_or(Head { position: Position(0), hash: Vec::new() }, |row| Head {
        position: Position(row.get(0)),
        hash: row.get(1),
    }))
}

/// The hash of the batch that ends at a position, if one does.
///
/// # Errors
/// If the database cannot be reached, or has no log.
pub async fn hash_at(client: &Client, position: Position) -> Result<Option<Vec<u8>>, ConnectError> {
    let row = client.query_opt(include_str!("sql/hash_at.sql"), &[&position.0]).await?;
    Ok(row.map(|row| row.get(0)))
}

/// What positions there are.
///
/// # Errors
/// If the database cannot be reached, or has no log.
pub async fn extent(client: &Client) -> Result<Extent, ConnectError> {
    let row = client.query_one(include_str!("sql/extent.sql"), &[]).await?;
    Ok(Extent { facts: row.get(0), first: Position(row.get(1)), last: Position(row.get(2)) })
}
