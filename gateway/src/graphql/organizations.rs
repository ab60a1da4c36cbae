//! Organizations in GraphQL.

use async_graphql::{Context, Description, Enum, Object};
use chrono::{DateTime, Utc};
use commands::organizations;
use events::access::Access;
use events::warehouses::WarehouseId;
use events::words::OrganizationId;
use queries::Seen;
use queries::organizations::{OrganizationRow, READS};
use queries::page::PageArgs;
use uuid::Uuid;

use super::as_of::AsOf;
use super::caller::reading_record;
use super::history::{History, history};
use super::mutation::mutations;
use super::parked::stale;
use super::status;
use crate::app::App;
use crate::error::ApiError;

mutations! {
    OrganizationMutations, Payload shows organization: Organization = find, READS;
    /// Founds an organization, the tenant in which everything else happens.
    register_organization: organizations::register::RegisterOrganization,
}

async fn find(app: &App, access: &Access, _: Uuid) -> Result<Option<Organization>, ApiError> {
    Ok(app.reader.organization(access).await?.map(Organization))
}

/// Where an organization stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OrganizationStatus {
    /// It trades.
    Active,
}

/// Reading organizations.
#[derive(Default)]
pub struct OrganizationQueries;

#[Object]
impl OrganizationQueries {
    /// The organization that you act in; null only as of a moment before it was registered.
    async fn organization(
        &self,
        ctx: &Context<'_>,
        at_least: Option<String>,
        as_of: Option<AsOf>,
    ) -> async_graphql::Result<Option<Organization>> {
        let (app, access) = reading_record(ctx, READS, at_least, as_of).await?;
        Ok(find(app, &access, access.organization.0).await?)
    }
}

/// An organization, the tenant.
#[derive(Description)]
pub struct Organization(pub(super) Seen<OrganizationRow>);

#[Object(use_type_description)]
impl Organization {
    pub(super) async fn id(&self) -> async_graphql::ID {
        self.0.id.into()
    }

    /// Whether it stands still at a fact that its read model could not take in: see `parkedFacts`.
    async fn stale(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        stale(ctx, self.0.access(), self.0.record()).await
    }

    /// Its short name in URLs and headers.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The currency (ISO 4217) of its customers, unless they have another.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// The IANA zone in which its business days begin and end.
    async fn time_zone(&self) -> &str {
        &self.0.time_zone
    }

    /// The warehouse in which its goods lie, unless a command names another.
    async fn default_warehouse_id(&self) -> async_graphql::ID {
        WarehouseId::default_of(OrganizationId(self.0.id)).0.into()
    }

    async fn status(&self) -> async_graphql::Result<OrganizationStatus> {
        status::of(&self.0.status)
    }

    /// Say it as `expectedVersion`, and nobody's change in between is overwritten.
    async fn version(&self) -> i64 {
        self.0.version
    }

    async fn changed_at(&self) -> DateTime<Utc> {
        self.0.changed_at
    }

    /// What happened to it, in order, with what each fact changed: the `first` facts after a
    /// cursor, or the `last` before one.
    #[graphql(
        complexity = "(first.or(last).unwrap_or(20).clamp(1, 1_000) as usize) * child_complexity"
    )]
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> async_graphql::Result<History> {
        history(ctx, &self.0, PageArgs { first, after, last, before }).await
    }
}
