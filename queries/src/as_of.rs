//! Reading as of a moment: what the moment is, and the records of then, folded from their facts by
//! the fold that makes the rows. Lists and sums are of now alone.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use events::access::{Access, read};
use events::facts::Facts;
use events::log::{LogError, RawFact, Selection, StreamKey};
use events::parked::{ParkedEvent, ParkedFact, ParkedId};
use events::words::{OrganizationId, Position};
use events::{Event, Recorded};
use futures_util::{StreamExt, pin_mut};
use projections::Record;
use projections::fold::{Fold, KeptOf};
use uuid::Uuid;

use crate::{QueryError, Reader};

/// Facts of a record that are in memory at once.
pub(crate) const PAGE_FACTS: usize = 500;

/// A moment that records are read as of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// What was recorded by this time.
    Time(DateTime<Utc>),
    /// What was recorded up to this position.
    Position(Position),
}

impl QueryError {
    /// Whether a single fact is to blame, for whoever reads it.
    pub(crate) fn is_of_a_fact(&self) -> bool {
        match self {
            Self::Unreadable(_) | Self::Unfoldable(_) => true,
            Self::Vault(error) => !error.is_of_this_process(),
            _ => false,
        }
    }
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
        if !access.actor.may(read(feature)) {
            return Err(QueryError::Denied(read(feature)));
        }
        let mut records = HashMap::with_capacity(ids.len());
        for id in ids {
            let stream = StreamKey { organization: access.organization.0, id: *id };
            if let Some(record) = self.fold::<R>(stream, as_of).await? {
                records.insert(*id, record);
            }
        }
        Ok(records)
    }

    async fn fold<R: Fold>(
        &self,
        stream: StreamKey,
        until: Position,
    ) -> Result<Option<KeptOf<R>>, QueryError> {
        let selection = Selection {
            stream: Some(stream),
            features: vec![<R as Record>::Fact::FEATURE.to_owned()],
            until: Some(until),
            ..Selection::default()
        };
        let pages = self.vault.log().read(selection, PAGE_FACTS);
        pin_mut!(pages);
        let (mut record, mut left) = (None, self.limits().as_of_facts_max);
        while let Some(page) = pages.next().await {
            let page = page?;
            left = left.checked_sub(page.len()).ok_or_else(|| self.too_long())?;
            for raw in &page {
                match self.take::<R>(&record, raw).await {
                    Ok(taken) => record = taken,
                    Err(error) if error.is_of_a_fact() && self.is_skipped::<R>(raw).await? => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(record)
    }

    /// The record with its next fact taken in.
    pub(crate) async fn take<R: Fold>(
        &self,
        record: &Option<KeptOf<R>>,
        raw: &RawFact,
    ) -> Result<Option<KeptOf<R>>, QueryError> {
        let mut fact = Recorded::try_from(raw)?;
        let failed = self.vault.open(std::slice::from_mut(&mut fact)).await?;
        if let Some((_, error)) = failed.into_iter().next() {
            return Err(error.into());
        }
        R::take(record.clone(), &fact).map_err(QueryError::Unfoldable)
    }

    /// Whether somebody decided that the read model goes on without this fact, where it cannot be
    /// taken in.
    pub(crate) async fn is_skipped<R: Fold>(&self, raw: &RawFact) -> Result<bool, QueryError> {
        let about = ParkedFact {
            projection: R::NAME.to_owned(),
            version: R::VERSION,
            stream_id: raw.stream.id,
            event_id: raw.event_id,
        };
        let organization = raw.stream.organization;
        let id = ParkedId::of(OrganizationId(organization), &about).0;
        let selection =
            Selection { stream: Some(StreamKey { organization, id }), ..Selection::default() };
        let pages = self.vault.log().read(selection, PAGE_FACTS);
        pin_mut!(pages);
        while let Some(page) = pages.next().await {
            let decided: Result<Vec<Recorded>, _> = page?.iter().map(Recorded::try_from).collect();
            let skipped =
                |fact: &Recorded| matches!(&fact.event, Event::Parked(ParkedEvent::Skipped { .. }));
            if decided?.iter().any(skipped) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn too_long(&self) -> QueryError {
        let message = format!(
            "the record has more than {} facts up to then, the most that are folded for a query \
             (`queries.as_of_facts_max`); `millrace replay --as-of TIME --schema NAME` makes every \
             read model as it stood at a time",
            self.limits().as_of_facts_max,
        );
        QueryError::Invalid { field: "asOf", message }
    }
}

/// Lists and sums are not kept as they were.
pub(crate) fn of_now_alone() -> QueryError {
    let message = "only records can be read as of a moment, not lists or sums; `millrace replay \
        --as-of TIME --schema NAME` makes every read model as it stood at a time";
    QueryError::Invalid { field: "asOf", message: message.to_owned() }
}
