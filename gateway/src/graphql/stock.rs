//! Stock in GraphQL.

use async_graphql::{Context, Description, ID, Object};
use chrono::{DateTime, Utc};
use commands::stock;
use events::access::Access;
use queries::Seen;
use queries::page::PageArgs;
use queries::stock::{READS, StockRow};
use uuid::Uuid;

use super::as_of::AsOf;
use super::caller::{id, reading_record};
use super::history::{History, history};
use super::loaders::{Loaders, WarehouseOf};
use super::mutation::mutations;
use super::parked::stale;
use super::scalars::Decimal;
use super::warehouses::Warehouse;
use crate::app::App;
use crate::error::ApiError;

mutations! {
    StockMutations, Payload shows stock_item: StockItem = find, READS;
    /// Takes goods into stock.
    receive_stock: stock::receive::ReceiveStock,
    /// Corrects a stock item after a count, a loss or a find.
    adjust_stock: stock::adjust::AdjustStock,
    /// Sets stock aside by hand: it is not promised to anybody else.
    reserve_stock: stock::reserve::ReserveStock,
    /// Frees stock that was set aside by hand.
    release_stock: stock::release::ReleaseStock,
    /// Says whether more of a stock item may be promised than is there.
    set_stock_backorder: stock::set_backorder::SetStockBackorder,
}

async fn find(app: &App, access: &Access, id: Uuid) -> Result<Option<StockItem>, ApiError> {
    Ok(app.reader.stock_item(access, id).await?.map(StockItem))
}

/// Reading stock.
#[derive(Default)]
pub struct StockQueries;

#[Object]
impl StockQueries {
    /// A stock item; null if there is none with this id.
    async fn stock_item(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] stock_item_id: ID,
        at_least: Option<String>,
        as_of: Option<AsOf>,
    ) -> async_graphql::Result<Option<StockItem>> {
        let stock_item_id = id("id", &stock_item_id)?;
        let (app, access) = reading_record(ctx, READS, at_least, as_of).await?;
        Ok(find(app, &access, stock_item_id).await?)
    }
}

/// A product in a warehouse, counted in one unit.
#[derive(Description)]
pub struct StockItem(pub(super) Seen<StockRow>);

#[Object(use_type_description)]
impl StockItem {
    pub(super) async fn id(&self) -> ID {
        self.0.stock_item_id.into()
    }

    /// Whether it stands still at a fact that its read model could not take in: see `parkedFacts`.
    async fn stale(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        stale(ctx, self.0.access(), self.0.record()).await
    }

    /// The product.
    async fn product_id(&self) -> ID {
        self.0.product_id.into()
    }

    /// The warehouse.
    async fn warehouse_id(&self) -> ID {
        self.0.warehouse_id.into()
    }

    /// The warehouse; null for one that nobody has opened, such as the default one at first.
    async fn warehouse(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Warehouse>> {
        let key = WarehouseOf(self.0.access(), self.0.warehouse_id);
        Ok(ctx.data::<Loaders>()?.load_one(key).await?.map(Warehouse))
    }

    /// What quantities are counted in.
    async fn unit(&self) -> &str {
        &self.0.unit
    }

    /// How many are there.
    async fn on_hand(&self) -> Decimal {
        Decimal(self.0.on_hand)
    }

    /// How many are promised, to orders and by hand.
    async fn reserved(&self) -> Decimal {
        Decimal(self.0.reserved)
    }

    /// How many can still be promised; below 0 with backorders.
    async fn available(&self) -> Decimal {
        Decimal(self.0.available)
    }

    /// Whether more may be promised than is there.
    async fn backorder(&self) -> bool {
        self.0.backorder
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
