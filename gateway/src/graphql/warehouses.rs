//! Warehouses in GraphQL.

use async_graphql::{Context, Description, Enum, ID, Object};
use chrono::{DateTime, Utc};
use commands::warehouses;
use events::access::Access;
use queries::Seen;
use queries::page::PageArgs;
use queries::warehouses::{READS, WarehouseRow};
use uuid::Uuid;

use super::as_of::AsOf;
use super::caller::{id, reading_record};
use super::history::{History, history};
use super::mutation::mutations;
use super::parked::stale;
use super::status;
use crate::app::App;
use crate::error::ApiError;

mutations! {
    WarehouseMutations, Payload shows warehouse: Warehouse = find, READS;
    /// Opens a warehouse: it takes goods in.
    open_warehouse: warehouses::open::OpenWarehouse,
    /// Closes a warehouse, for good: it takes no goods in any more; what lies there can leave.
    close_warehouse: warehouses::close::CloseWarehouse,
}

async fn find(app: &App, access: &Access, id: Uuid) -> Result<Option<Warehouse>, ApiError> {
    Ok(app.reader.warehouse(access, id).await?.map(Warehouse))
}

/// Where a warehouse stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum WarehouseStatus {
    /// It takes goods in.
    Active,
    /// It takes none in any more; what lies there can leave.
    Closed,
}

/// Reading warehouses.
#[derive(Default)]
pub struct WarehouseQueries;

#[Object]
impl WarehouseQueries {
    /// A warehouse; null if nobody has opened it.
    async fn warehouse(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] warehouse_id: ID,
        at_least: Option<String>,
        as_of: Option<AsOf>,
    ) -> async_graphql::Result<Option<Warehouse>> {
        let warehouse_id = id("id", &warehouse_id)?;
        let (app, access) = reading_record(ctx, READS, at_least, as_of).await?;
        Ok(find(app, &access, warehouse_id).await?)
    }
}

/// A warehouse: a place that keeps stock.
#[derive(Description)]
pub struct Warehouse(pub(super) Seen<WarehouseRow>);

#[Object(use_type_description)]
impl Warehouse {
    pub(super) async fn id(&self) -> ID {
        self.0.warehouse_id.into()
    }

    /// Whether it stands still at a fact that its read model could not take in: see `parkedFacts`.
    async fn stale(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        stale(ctx, self.0.access(), self.0.record()).await
    }

    /// Your code for it, unique in the organization.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn status(&self) -> async_graphql::Result<WarehouseStatus> {
        status::of(&self.0.status)
    }

    /// Why it is closed; null if it is not.
    async fn status_reason(&self) -> Option<&str> {
        self.0.status_reason.as_deref()
    }

    /// When it was opened, by the database's clock, in UTC.
    async fn opened_at(&self) -> DateTime<Utc> {
        self.0.opened_at
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
