//! Reading as of a moment: what the moment is, and the records of then, folded from their facts by
//! the fold that makes the rows. Lists and sums are of now alone.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use events::access::Access;
use events::log::{LogError, StreamKey};
use events::words::Position;
use projections::fold::{Fold, KeptOf};
use uuid::Uuid;

use crate::boundary::may_read;
use crate::folding::Course;
use crate::{QueryError, Reader};

/// A moment that records are read as of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// What was recorded by this time.
    Time(DateTime<Utc>),
    /// What was recorded up to this position.
    Position(Position),
}

impl From<LogError> for QueryError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Database(cause) => Self::Database(cause),
            LogError::Unavailable(cause) => Self::Unavailable(cause),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl Reader {
    /// The position that a moment means, for [`Access::as_of`]. What stands up to there never
    /// changes any more, so the same moment always shows the same.
    ///
    /// # Errors
    /// [`QueryError::Invalid`], if the moment has not come: what is recorded by then may still
    /// change.
    pub async fn moment(&self, as_of: AsOf) -> Result<Position, QueryError> {
        let log = self.vault.log();
        match as_of {
            AsOf::Position(position) => {
                if position <= log.known_head() || position <= log.head().await? {
                    return Ok(position);
                }
                let message = "the log has not come to this position; use one that a write gave \
                    you, or leave `asOf` out for what is there now";
                Err(QueryError::Invalid { field: "asOf.position", message: message.to_owned() })
            }
            AsOf::Time(time) => {
                let shown = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                let invalid = |message| QueryError::Invalid { field: "asOf.time", message };
                // PostgreSQL knows fewer years than chrono.
                if !(1..=9_999).contains(&time.year()) {
                    return Err(invalid(format!("{shown} is not in one of the years 1 to 9999")));
                }
                log.position_by(time).await?.ok_or_else(|| {
                    invalid(format!(
                        "{shown} is still to come, by the database's clock; use a time that has \
                         passed, or leave `asOf` out for what is there now"
                    ))
                })
            }
        }
    }

    /// The access for finding out, in the rows of now, which records a query is about: what a
    /// record is found by there never changes, and none ceases to be. The rows hold at least the
    /// moment.
    pub(crate) async fn finding(
        &self,
        access: &Access,
        read_models: &[&'static str],
    ) -> Result<Access, QueryError> {
        self.at_least(read_models, access.as_of).await?;
        Ok(Access { as_of: None, ..*access })
    }

    /// Records as of a position. The same permission and the same boundary as of [`Self::rows`]:
    /// the streams are those of the organization.
    pub(crate) async fn folded<R: Fold>(
        &self,
        access: &Access,
        feature: &'static str,
        ids: &[Uuid],
        as_of: Position,
    ) -> Result<HashMap<Uuid, KeptOf<R>>, QueryError> {
        may_read(access, feature)?;
        let stream = |id: &Uuid| StreamKey { organization: access.organization.0, id: *id };
        let mut courses: Vec<Course<R>> =
            ids.iter().map(|id| Course::new(stream(id), i64::MAX)).collect();
        self.fold_all(&mut courses, as_of, |_| ()).await?;
        let mut records = HashMap::with_capacity(ids.len());
        for (id, course) in ids.iter().zip(courses) {
            match course.failed {
                Some(error) => return Err(error),
                None => records.extend(course.record.map(|record| (*id, record))),
            }
        }
        Ok(records)
    }
}

/// Lists and sums are not kept as they were.
pub(crate) fn of_now_alone() -> QueryError {
    let message = "only records can be read as of a moment, not lists or sums; `millrace replay \
        --as-of TIME --schema NAME` makes every read model as it stood at a time";
    QueryError::Invalid { field: "asOf", message: message.to_owned() }
}
