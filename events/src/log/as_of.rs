//! What *as of* a time means: the last position recorded by then, and whether that is certain.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep};
use tokio_postgres::types::ToSql;

use super::batch::LOCK_CLASS;
use super::{Log, LogError};
use crate::words::Position;

/// How long it waits before it looks again whether a batch is being written.
const PAUSE: Duration = Duration::from_millis(2);

impl Log {
    /// The last position that was recorded by a time, as far as is committed now: of a time that
    /// has only just passed it may still change, see [`Self::position_by`]. 0: nothing was.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn position_at(&self, time: DateTime<Utc>) -> Result<Position, LogError> {
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/batch_at.sql")).await?;
        let head = client.prepare_cached(include_str!("sql/head.sql")).await?;
        let head = client.query_one(&head, &[]).await?.get("position");
        let (mut low, mut high) = (0, head);
        // Times never decrease from batch to batch, so halving finds the last one.
        while low <= high {
            let row = client.query_one(&statement, &[&i64::midpoint(low, high)]).await?;
            let by_then = |at: &str| row.get::<_, Option<DateTime<Utc>>>(at).map(|at| at <= time);
            let (here, next) = (by_then("recorded_at"), by_then("next_recorded_at"));
            match (here, next) {
                // It was appended since this began.
                (_, Some(true)) if row.get::<_, i64>("next_position") > head => {
                    return Ok(Position(head));
                }
                (_, Some(true)) => low = row.get("next_position"),
                (Some(true), _) => return Ok(Position(row.get("last_position"))),
                (Some(false), _) => high = row.get::<_, i64>("last_position") - 1,
                (None, _) => break,
            }
        }
        Ok(Position(0))
    }

    /// The last position recorded by a time, once nothing more can be recorded by then; none: by
    /// the database's clock that time has not passed. Whoever asks again is told the same.
    ///
    /// A batch reads the clock under the tail lock, and is seen once it has committed. So a time is
    /// certain if something later was recorded, for times never decrease; or if, after it passed,
    /// nobody held the tail lock for a moment. (A clock that is set back by hand can break this,
    /// until something is recorded.)
    ///
    /// # Errors
    /// If the database cannot be reached, or a batch is not done in time.
    pub async fn position_by(&self, time: DateTime<Utc>) -> Result<Option<Position>, LogError> {
        let deadline = Instant::now() + self.limits.silence_max;
        loop {
            // Asked first: what the search then passes over was recorded later.
            let head = self.head().await?;
            let found = self.position_at(time).await?;
            if found < head {
                return Ok(Some(found));
            }
            let (passed, quiet) = self.passed(time).await?;
            if !passed {
                return Ok(None);
            }
            if quiet {
                return self.position_at(time).await.map(Some);
            }
            if Instant::now() > deadline {
                let message = "a batch is being written, and does not end";
                return Err(LogError::Unavailable(message.to_owned()));
            }
            sleep(PAUSE).await;
        }
    }

    /// Whether a time has passed, and whether no batch is being written.
    async fn passed(&self, time: DateTime<Utc>) -> Result<(bool, bool), LogError> {
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/passed.sql")).await?;
        let params: [&(dyn ToSql + Sync); 3] = [&LOCK_CLASS, &self.id.0, &time];
        let row = client.query_one(&statement, &params).await?;
        Ok((row.get("passed"), row.get("quiet")))
    }
}
