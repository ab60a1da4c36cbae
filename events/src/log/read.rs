//! Reading the log: a stream, several streams, everything from a position. Not a part of it, see
//! `selection`; nor live, see `following`; nor what was there at a time, see `as_of`.

use std::collections::HashMap;

use deadpool_postgres::Object;
use futures_util::{TryStreamExt, pin_mut};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, RowStream};
use uuid::Uuid;

use super::batch::{Taken, earlier};
use super::connection::shown;
use super::failure::passes;
use super::{Log, LogError, RawFact, StreamKey};
use crate::words::Position;

/// A part of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The stream.
    pub stream: StreamKey,
    /// Behind the fact of this version.
    pub after: i64,
    /// Up to that of this one.
    pub until: i64,
}

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
        let client = self.reader().await?;
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
        self.stream_page(stream, after_version, Position(i64::MAX), limit, false).await
    }

    /// At most `limit` facts of a stream up to a position: after a version in order, or before one
    /// the last first.
    pub(super) async fn stream_page(
        &self,
        stream: StreamKey,
        version: i64,
        until: Position,
        limit: i64,
        backward: bool,
    ) -> Result<Vec<RawFact>, LogError> {
        let client = self.reader().await?;
        let statement = match backward {
            false => include_str!("sql/read_stream.sql"),
            true => include_str!("sql/read_stream_back.sql"),
        };
        let statement = client.prepare_cached(statement).await?;
        let params: [&(dyn ToSql + Sync); 5] =
            [&stream.organization, &stream.id, &version, &until.0, &limit];
        let rows = client.query_raw(&statement, params).await?;
        let mut facts = Facts::new(None, self.limits.page_bytes_max);
        facts.take(rows).await?;
        Ok(facts.into_inner())
    }

    /// At most `limit` facts of everything after a position, in order, and at most so many bytes as
    /// the limits say (one fact may exceed them).
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn read_all(&self, after: Position, limit: i64) -> Result<Vec<RawFact>, LogError> {
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/read_all.sql")).await?;
        let params: [&(dyn ToSql + Sync); 2] = [&after.0, &limit];
        let rows = client.query_raw(&statement, params).await?;
        let mut facts = Facts::new(usize::try_from(limit).ok(), self.limits.page_bytes_max);
        facts.take(rows).await?;
        Ok(facts.into_inner())
    }

    /// Facts of several parts of streams, of each at most `limit` and none behind a position, each
    /// with the place of its part, in order of these; and whether that is all: at most so many
    /// bytes as the limits say are read (one fact may exceed them).
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn read_streams(
        &self,
        spans: &[Span],
        until: Position,
        limit: i64,
    ) -> Result<(Vec<(usize, RawFact)>, bool), LogError> {
        let organizations: Vec<Uuid> = spans.iter().map(|span| span.stream.organization).collect();
        let ids: Vec<Uuid> = spans.iter().map(|span| span.stream.id).collect();
        let after: Vec<i64> = spans.iter().map(|span| span.after).collect();
        let untils: Vec<i64> = spans.iter().map(|span| span.until).collect();
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/read_streams.sql")).await?;
        let params: [&(dyn ToSql + Sync); 6] =
            [&organizations, &ids, &after, &untils, &until.0, &limit];
        let rows = client.query_raw(&statement, params).await?;
        pin_mut!(rows);
        let (mut facts, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.try_next().await? {
            if bytes >= self.limits.page_bytes_max {
                return Ok((facts, false));
            }
            let (fact, place) = (fact(&row), row.get::<_, i64>("n"));
            bytes += fact.data.len() + fact.meta.len();
            facts.push((usize::try_from(place - 1).unwrap_or_default(), fact));
        }
        Ok((facts, true))
    }

    /// A connection to read the log with.
    pub(super) async fn reader(&self) -> Result<Object, LogError> {
        metrics::counter!("millrace_log_reads_total").increment(1);
        Ok(self.readers.get().await?)
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
        let client = self.reader().await?;
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

    /// The features of the streams of an organization that have these ids; none of those that do
    /// not exist.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn features(
        &self,
        organization: Uuid,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, String>, LogError> {
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/features.sql")).await?;
        let rows = client.query(&statement, &[&organization, &ids]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Which streams of these features of an organization have facts behind a position and up to
    /// another, each with its feature; at most so many. All facts in between are looked at.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn changed_streams(
        &self,
        organization: Uuid,
        features: &[&str],
        (after, until): (Position, Position),
        limit: i64,
    ) -> Result<Vec<(String, Uuid)>, LogError> {
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/changed.sql")).await?;
        let params: [&(dyn ToSql + Sync); 5] =
            [&after.0, &until.0, &features, &organization, &limit];
        let rows = client.query(&statement, &params).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// The facts that have these ids.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn find(&self, event_ids: &[Uuid]) -> Result<Taken, LogError> {
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/find_ids.sql")).await?;
        let rows = client.query(&statement, &[&event_ids]).await?;
        Ok(rows.iter().map(earlier).map(|e| (e.event_id, e)).collect::<HashMap<_, _>>())
    }
}

/// Facts as they come, until they are enough.
pub(super) struct Facts {
    facts: Vec<RawFact>,
    bytes: usize,
    facts_max: usize,
    bytes_max: usize,
}

impl Facts {
    /// So many at most, if that is said, and so many bytes.
    pub(super) fn new(facts_max: Option<usize>, bytes_max: usize) -> Self {
        let facts_max = facts_max.unwrap_or(usize::MAX);
        Self { facts: Vec::new(), bytes: 0, facts_max, bytes_max }
    }

    /// Takes rows in; whether that was all of them.
    pub(super) async fn take(&mut self, rows: RowStream) -> Result<bool, LogError> {
        pin_mut!(rows);
        while let Some(row) = rows.try_next().await? {
            if self.facts.len() >= self.facts_max || self.bytes >= self.bytes_max {
                return Ok(false);
            }
            let fact = fact(&row);
            self.bytes += fact.data.len() + fact.meta.len();
            self.facts.push(fact);
        }
        Ok(true)
    }

    pub(super) fn into_inner(self) -> Vec<RawFact> {
        self.facts
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
