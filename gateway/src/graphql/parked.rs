//! Facts that a read model could not take in, in GraphQL: for administrators.

use async_graphql::{Context, Description, ID, Object};
use chrono::{DateTime, Utc};
use commands::parked;
use events::access::Access;
use events::parked::{ParkedFact as About, ParkedId};
use events::words::{OrganizationId, Position};
use queries::parked::{Parked, reads};
use uuid::Uuid;

use super::caller::reading;
use super::loaders::{IncompleteOf, Loaders, StaleOf};
use super::mutation::mutations;
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::position;

mutations! {
    ParkedMutations, Payload shows parked_fact: ParkedFact = find, reads();
    /// Lets a read model try again to take in a fact that it could not.
    retry_parked: parked::retry::RetryParked,
    /// Lets a read model go on without a fact that it could not take in, now and whenever it is
    /// folded again.
    skip_parked: parked::skip::SkipParked,
}

/// The fact, if it is parked still.
async fn find(app: &App, access: &Access, id: Uuid) -> Result<Option<ParkedFact>, ApiError> {
    let mut after = Position(0);
    loop {
        let page = app.reader.parked(access, after, app.reader.limits().page_max).await?;
        let Some(last) = page.last() else { return Ok(None) };
        after = last.poison.position;
        let mut page = page.into_iter().map(|found| ParkedFact(found, access.organization));
        if let Some(found) = page.find(|parked| parked.record_id().0 == id) {
            return Ok(Some(found));
        }
    }
}

/// Whether the record of a read model stands still at a fact that could not be taken in. As of a
/// past moment none does: what cannot be read then is an error.
pub(super) async fn stale(
    ctx: &Context<'_>,
    access: Access,
    (projection, id): (&'static str, Uuid),
) -> async_graphql::Result<bool> {
    if access.as_of.is_some() {
        return Ok(false);
    }
    let loaded = ctx.data::<Loaders>()?.load_one(StaleOf(access, projection, id)).await?;
    Ok(loaded.unwrap_or_default())
}

/// Whether the sums of a read model lack a fact that could not be taken in.
pub(super) async fn incomplete(
    ctx: &Context<'_>,
    access: Access,
    projection: &'static str,
) -> async_graphql::Result<bool> {
    let loaded = ctx.data::<Loaders>()?.load_one(IncompleteOf(access, projection)).await?;
    Ok(loaded.unwrap_or_default())
}

/// Reading parked facts.
#[derive(Default)]
pub struct ParkedQueries;

#[Object]
impl ParkedQueries {
    /// Facts of the organization that a read model could not take in, in order of position: the
    /// record of such a fact stands still (`stale`) until it is retried or skipped, sums go on
    /// without it (`incomplete`).
    #[graphql(complexity = "(first.unwrap_or(20).clamp(1, 1_000) as usize) * child_complexity")]
    async fn parked_facts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many: 20 by default, at most 100, unless set otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "Behind this `position`.")] after: Option<String>,
        at_least: Option<String>,
    ) -> async_graphql::Result<Vec<ParkedFact>> {
        let after = after.map(|text| position::decode("after", &text)).transpose()?;
        let (app, access) = reading(ctx, reads(), at_least).await?;
        let limits = app.reader.limits();
        let default = i32::try_from(limits.page_default).unwrap_or(i32::MAX);
        let count = usize::try_from(first.unwrap_or(default)).unwrap_or(0);
        if count == 0 || count > limits.page_max {
            let message = format!("`first` is from 1 to {}", limits.page_max);
            return Err(ApiError::new(Code::InvalidInput, message).at("first").into());
        }
        let found = app.reader.parked(&access, after.unwrap_or_default(), count).await;
        let found = found.map_err(ApiError::from)?.into_iter();
        Ok(found.map(|found| ParkedFact(found, access.organization)).collect())
    }
}

/// A fact that a read model could not take in.
#[derive(Description)]
pub struct ParkedFact(Parked, OrganizationId);

impl ParkedFact {
    /// What people decide about it is a record of this id.
    fn record_id(&self) -> ParkedId {
        let about = About {
            projection: self.0.projection.clone(),
            version: self.0.version,
            stream_id: self.0.poison.stream_id,
            event_id: self.0.poison.event_id,
        };
        ParkedId::of(self.1, &about)
    }
}

#[Object(use_type_description)]
impl ParkedFact {
    /// Its id: the `recordId` of what is decided about it.
    async fn id(&self) -> ID {
        self.record_id().0.into()
    }

    /// The read model.
    async fn projection(&self) -> &str {
        &self.0.projection
    }

    /// The version of its fold.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Whether that is what everybody reads; else it is being rebuilt.
    async fn live(&self) -> bool {
        self.0.is_live
    }

    /// The fact's stream: of records, the record's id.
    async fn stream_id(&self) -> ID {
        self.0.poison.stream_id.into()
    }

    /// The fact.
    async fn event_id(&self) -> ID {
        self.0.poison.event_id.into()
    }

    /// The fact's place in the log.
    async fn position(&self) -> String {
        position::encode(self.0.poison.position)
    }

    /// What happened: `order.placed`.
    async fn fact_type(&self) -> &str {
        &self.0.poison.fact_type
    }

    /// Why the read model could not take it in.
    async fn error(&self) -> &str {
        &self.0.poison.error
    }

    /// When it was parked, or tried again in vain.
    async fn parked_at(&self) -> DateTime<Utc> {
        self.0.parked_at
    }
}
