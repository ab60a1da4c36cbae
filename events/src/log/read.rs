//! Reading the log: a stream, several streams, everything from a position, live.

use std::collections::HashMap;

use futures_util::{Stream, TryStreamExt, pin_mut};
use tokio_postgres::Row;
use uuid::Uuid;

use super::batch::{Taken, earlier};
use super::connection::shown;
use super::failure::passes;
use super::{Log, LogError, RawFact, StreamKey};
use crate::words::Position;

impl From<tokio_postgres::Error> for LogError {
    fn from(error: tokio_postgres::Error) -> Self {
        let shown = shown(&error);
        if passes(&error) { Self::Unavailable(shown) } else { Self::Database(shown) }
    }
}

impl From<deadpool_postgres::PoolError> for LogError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl Log {
    /// The last committed position, from the database.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn head(&self) -> Result<Position, LogError> {
        let client = self.readers.get().await?;
        let statement = client.prepare_cached(include_str!("sql/head.sql")).await?;
        Ok(Position(client.query_one(&statement, &[]).await?.get("position")))
    }

    /// At most `limit` facts of a stream after a version, in order.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn read_stream(
        &self,
        stream: StreamKey,
        after_version: i64,
        limit: i64,
    ) -> Result<Vec<RawFact>, LogError> {
        let client = self.readers.get().await?;
        let statement = client.prepare_cached(include_str!("sql/read_stream.sql")).await?;
        let rows = client
            .query(&statement, &[&stream.organization, &stream.id, &after_version, &limit])
            .await?;
        Ok(rows.iter().map(fact).collect())
    }

    /// At most `limit` facts of everything after a position, in order.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn read_all(&self, after: Position, limit: i64) -> Result<Vec<RawFact>, LogError> {
        let client = self.readers.get().await?;
        let statement = client.prepare_cached(include_str!("sql/read_all.sql")).await?;
        let rows = client.query(&statement, &[&after.0, &limit]).await?;
        Ok(rows.iter().map(fact).collect())
    }

    /// Gives every fact of several streams after a version of each to `fold`, each stream in order;
    /// memory stays bounded however long they are.
    ///
    /// # Errors
    /// If the database cannot be reached; `fold` may have seen a part.
    pub async fn load(
        &self,
        streams: &[(StreamKey, i64)],
        mut fold: impl FnMut(RawFact),
    ) -> Result<(), LogError> {
        let (organizations, ids, after) = load_params(streams);
        let client = self.readers.get().await?;
        let statement = client.prepare_cached(include_str!("sql/load_streams.sql")).await?;
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&organizations, &ids, &after];
        let rows = client.query_raw(&statement, params).await?;
        pin_mut!(rows);
        while let Some(row) = rows.try_next().await? {
            fold(fact(&row));
        }
        Ok(())
    }

    /// The facts that have these ids.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn find(&self, event_ids: &[Uuid]) -> Result<Taken, LogError> {
        let client = self.readers.get().await?;
        let statement = client.prepare_cached(include_str!("sql/find_ids.sql")).await?;
        let rows = client.query(&statement, &[&event_ids]).await?;
        Ok(rows.iter().map(earlier).map(|e| (e.event_id, e)).collect::<HashMap<_, _>>())
    }

    /// Everything after a position, in pages of at most `page` facts: first what is there, then,
    /// without a seam, what comes. Ends with the first error; begin again from the last position.
    pub fn follow(
        &self,
        mut after: Position,
        page: i64,
    ) -> impl Stream<Item = Result<Vec<RawFact>, LogError>> + Send + use<> {
        let log = self.clone();
        let mut head = self.head.subscribe();
        async_stream::try_stream! {
            loop {
                head.mark_unchanged();
                let facts = log.read_all(after, page).await?;
                if let Some(last) = facts.last() {
                    after = last.position;
                    yield facts;
                } else if *head.borrow() <= after {
                    let changed = tokio::time::timeout(log.limits.poll_interval, head.changed());
                    // A time-out is the poll underneath: look again.
                    if let Ok(Err(_)) = changed.await { break }
                }
            }
        }
    }
}

/// The parameters of `load_streams.sql`.
pub(super) fn load_params(streams: &[(StreamKey, i64)]) -> (Vec<Uuid>, Vec<Uuid>, Vec<i64>) {
    let organizations = streams.iter().map(|(key, _)| key.organization).collect();
    let ids = streams.iter().map(|(key, _)| key.id).collect();
    (organizations, ids, streams.iter().map(|(_, version)| *version).collect())
}

/// The fact in a row of the reading statements.
pub(super) fn fact(row: &Row) -> RawFact {
    RawFact {
        position: Position(row.get(0)),
        stream: StreamKey { organization: row.get(1), id: row.get(3) },
        feature: row.get(2),
        version: row.get(4),
        event_id: row.get(5),
        fact_type: row.get(6),
        schema_version: row.get(7),
        data: row.get(8),
        meta: row.get(9),
        recorded_at: row.get(10),
    }
}
