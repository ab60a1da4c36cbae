//! How far the read models have come, and whether anybody carries them on, as the database knows
//! it: for processes that have no projector. What a process with one knows stands in `watermarks`.

use events::words::Position;
use tokio_postgres::{Client, Error};

/// Shared by all projectors that run: nobody can have it alone while one does.
const PROJECTING: i64 = 0x6d69_6c6c_6b65_6570;

/// Tells every process that the read models are carried on, for as long as the connection lives.
///
/// # Errors
/// If the database cannot be reached.
pub async fn hold(client: &Client) -> Result<(), Error> {
    client.execute("select pg_advisory_lock_shared($1)", &[&PROJECTING]).await.map(drop)
}

/// Whether any process carries the read models on.
///
/// # Errors
/// If the database cannot be reached.
pub async fn is_held(client: &Client) -> Result<bool, Error> {
    // Whoever gets it alone has it to the end of the statement.
    let alone = client.query_one("select pg_try_advisory_xact_lock($1)", &[&PROJECTING]).await?;
    Ok(!alone.get::<_, bool>(0))
}

/// The read model of this program that is furthest behind, and what it holds for certain.
///
/// # Errors
/// If the database cannot be reached.
pub async fn lowest(client: &Client) -> Result<(&'static str, Position), Error> {
    let stored = "select name, version, position from projections.checkpoints";
    let stored = client.query(stored, &[]).await?;
    let of = |name: &str, version: i32| {
        let own = |row: &&tokio_postgres::Row| {
            row.get::<_, &str>(0) == name && row.get::<_, i32>(1) == version
        };
        stored.iter().find(own).map_or(Position(0), |row| Position(row.get(2)))
    };
    let all = crate::all();
    let all = all.iter().map(|known| (known.name(), of(known.name(), known.version())));
    Ok(all.min_by_key(|(_, position)| *position).unwrap_or(("", Position(i64::MAX))))
}
