//! Snapshots beside the log: what somebody has folded of a stream, so that the next one begins
//! there. What is in one is the folder's business. They are never needed, and never believed
//! where the log differs.

use futures_util::{TryStreamExt, pin_mut};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::read::fact;
use super::{Log, LogError, RawFact, StreamKey};

/// A state of a stream, as it was folded up to a fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The stream.
    pub stream: StreamKey,
    /// What kind of state.
    pub state: &'static str,
    /// The version of its shape and of its fold.
    pub state_version: i32,
    /// The version of the last fact in it.
    pub version: i64,
    /// That fact's id.
    pub event_id: Uuid,
    /// The state.
    pub data: Vec<u8>,
}

/// A stream to be folded.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The stream.
    pub stream: StreamKey,
    /// Facts up to this version are known already. Above 0, no snapshot is looked for.
    pub after: i64,
    /// The kind of state that a snapshot may be of.
    pub state: &'static str,
    /// The version of its shape and of its fold.
    pub state_version: i32,
}

/// What there is of a stream, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// What a snapshot says of the facts before the next: the stream, the version and the id of
    /// the last of them, and the data. The log has that very fact there.
    Snapshot(StreamKey, i64, Uuid, Vec<u8>),
    /// A fact.
    Fact(RawFact),
}

impl Log {
    /// As [`Log::load`], but a stream of which nothing is known yet begins with a snapshot, if one
    /// serves. One statement sees both, so they fit together.
    ///
    /// # Errors
    /// If the database cannot be reached; `fold` may have seen a part.
    pub async fn load_states(
        &self,
        streams: &[Wanted],
        mut fold: impl FnMut(Found),
    ) -> Result<(), LogError> {
        let organizations: Vec<Uuid> = streams.iter().map(|k| k.stream.organization).collect();
        let ids: Vec<Uuid> = streams.iter().map(|k| k.stream.id).collect();
        let after: Vec<i64> = streams.iter().map(|k| k.after).collect();
        let states: Vec<&str> = streams.iter().map(|k| k.state).collect();
        let versions: Vec<i32> = streams.iter().map(|k| k.state_version).collect();
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/load_states.sql")).await?;
        let params: [&(dyn ToSql + Sync); 5] = [&organizations, &ids, &after, &states, &versions];
        let rows = client.query_raw(&statement, params).await?;
        pin_mut!(rows);
        while let Some(row) = rows.try_next().await? {
            let row = fact(&row);
            fold(match row.position.0 {
                0 => Found::Snapshot(row.stream, row.version, row.event_id, row.data),
                _ => Found::Fact(row),
            });
        }
        Ok(())
    }

    /// Keeps snapshots, at most one of each stream and kind, in the places of those before them.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses; then none is kept.
    pub async fn keep_snapshots(&self, mut snapshots: Vec<Snapshot>) -> Result<(), LogError> {
        // In one order, so that two processes wait for, and not on, each other.
        snapshots.sort_by_key(|snapshot| (snapshot.stream, snapshot.state));
        let organizations: Vec<Uuid> = snapshots.iter().map(|s| s.stream.organization).collect();
        let ids: Vec<Uuid> = snapshots.iter().map(|s| s.stream.id).collect();
        let states: Vec<&str> = snapshots.iter().map(|s| s.state).collect();
        let state_versions: Vec<i32> = snapshots.iter().map(|s| s.state_version).collect();
        let versions: Vec<i64> = snapshots.iter().map(|s| s.version).collect();
        let event_ids: Vec<Uuid> = snapshots.iter().map(|s| s.event_id).collect();
        let data: Vec<&[u8]> = snapshots.iter().map(|s| &*s.data).collect();
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/keep_snapshots.sql")).await?;
        let params: [&(dyn ToSql + Sync); 7] =
            [&organizations, &ids, &states, &state_versions, &versions, &event_ids, &data];
        client.execute(&statement, &params).await?;
        Ok(())
    }
}
