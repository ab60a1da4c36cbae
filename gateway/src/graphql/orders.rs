//! Orders in GraphQL.

use async_graphql::{Context, Description, Enum, ID, Object};
use chrono::{DateTime, Utc};
use commands::orders;
use events::access::Access;
use queries::Seen;
use queries::orders::{OrderLineRow, OrderRow, READS};
use queries::page::PageArgs;
use uuid::Uuid;

use super::as_of::AsOf;
use super::caller::{id, reading_record};
use super::customers::Customer;
use super::derived_ids::derived_id;
use super::history::{History, history};
use super::loaders::{CustomerOf, LinesOf, Loaders};
use super::mutation::mutations;
use super::parked::stale;
use super::scalars::{Date, Decimal};
use super::status;
use crate::app::App;
use crate::error::ApiError;

mutations! {
    OrderMutations, Payload shows order: Order = find, READS;
    /// Places an order: reserves its goods and the customer's credit, all of it or nothing.
    place_order: orders::place::PlaceOrder,
    /// Cancels an order: its goods and its credit are free again.
    cancel_order: orders::cancel::CancelOrder,
}

async fn find(app: &App, access: &Access, id: Uuid) -> Result<Option<Order>, ApiError> {
    Ok(app.reader.order(access, id).await?.map(Order))
}

/// Where an order stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OrderStatus {
    /// It is binding; its goods and its credit are reserved.
    Placed,
    /// It is off; its goods and its credit are free again.
    Cancelled,
}

/// Reading orders.
#[derive(Default)]
pub struct OrderQueries;

#[Object]
impl OrderQueries {
    /// An order; null if there is none with this id.
    async fn order(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] order_id: ID,
        at_least: Option<String>,
        as_of: Option<AsOf>,
    ) -> async_graphql::Result<Option<Order>> {
        let order_id = id("id", &order_id)?;
        let (app, access) = reading_record(ctx, READS, at_least, as_of).await?;
        Ok(find(app, &access, order_id).await?)
    }
}

/// An order: what a customer buys, at which prices, from which warehouses.
#[derive(Description)]
pub struct Order(pub(super) Seen<OrderRow>);

#[Object(use_type_description)]
impl Order {
    pub(super) async fn id(&self) -> ID {
        self.0.order_id.into()
    }

    /// Whether it stands still at a fact that its read model could not take in: see `parkedFacts`.
    async fn stale(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        stale(ctx, self.0.access(), self.0.record()).await
    }

    /// The series that the number is unique in.
    async fn series(&self) -> &str {
        &self.0.series
    }

    /// Its number: unique in its series.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// The customer.
    async fn customer_id(&self) -> ID {
        self.0.customer_id.into()
    }

    /// The customer's name as it was.
    async fn customer_name(&self) -> &str {
        &self.0.customer_name
    }

    /// The customer, as it is, or as it was at the moment of `asOf`. Null only while that cannot be
    /// read yet.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        let key = CustomerOf(self.0.access(), self.0.customer_id);
        Ok(ctx.data::<Loaders>()?.load_one(key).await?.map(Customer))
    }

    /// The buyer's own reference; null if there is none.
    async fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }

    async fn status(&self) -> async_graphql::Result<OrderStatus> {
        status::of(&self.0.status)
    }

    /// When it was placed, in UTC: as it was stated, else when the command came in.
    async fn placed_at(&self) -> DateTime<Utc> {
        self.0.placed_at
    }

    /// The day it counts for, in the organization's zone.
    async fn business_date(&self) -> Date {
        Date(self.0.business_date)
    }

    /// The currency (ISO 4217) of the amounts.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// The sum of the lines before rounding.
    async fn gross(&self) -> Decimal {
        Decimal(self.0.gross)
    }

    /// What the buyer owes.
    async fn net(&self) -> Decimal {
        Decimal(self.0.net)
    }

    /// What credit notes gave back of its net.
    async fn credited(&self) -> Decimal {
        Decimal(self.0.credited)
    }

    /// How many lines it has.
    async fn line_count(&self) -> i32 {
        self.0.line_count
    }

    /// Its lines, in order of their numbers.
    #[graphql(complexity = "5 * child_complexity")]
    async fn lines(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<OrderLine>> {
        let key = LinesOf(self.0.access(), self.0.order_id);
        let lines = ctx.data::<Loaders>()?.load_one(key).await?.unwrap_or_default();
        Ok(lines.into_iter().map(OrderLine).collect())
    }

    /// Why the credit limit was overridden; null if it was not.
    async fn credit_override(&self) -> Option<&str> {
        self.0.credit_override.as_deref()
    }

    /// Why it was cancelled; null if it was not.
    async fn cancel_reason(&self) -> Option<&str> {
        self.0.cancel_reason.as_deref()
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

/// A line of an order, as it was placed.
#[derive(Description)]
pub struct OrderLine(Seen<OrderLineRow>);

#[Object(use_type_description)]
impl OrderLine {
    /// Its id: the same one wherever it is shown. Nothing is found by it.
    async fn id(&self) -> ID {
        derived_id(self.0.order_id, "OrderLine", &[&self.0.line.to_string()])
    }

    /// Its number within the order, from 1.
    async fn line(&self) -> i32 {
        self.0.line
    }

    /// The product.
    async fn product_id(&self) -> ID {
        self.0.product_id.into()
    }

    /// The product's SKU as it was.
    async fn sku(&self) -> &str {
        &self.0.sku
    }

    /// The product's name as it was.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The unit of quantity and price.
    async fn unit(&self) -> &str {
        &self.0.unit
    }

    /// The warehouse that they are reserved in.
    async fn warehouse_id(&self) -> ID {
        self.0.warehouse_id.into()
    }

    /// How many were ordered, in the unit.
    async fn quantity(&self) -> Decimal {
        Decimal(self.0.quantity)
    }

    /// The price of one unit.
    async fn unit_price(&self) -> Decimal {
        Decimal(self.0.unit_price)
    }

    /// Where the price came from: `list` or `stated`.
    async fn price_source(&self) -> &str {
        &self.0.price_source
    }

    /// Quantity × unit price.
    async fn gross(&self) -> Decimal {
        Decimal(self.0.gross)
    }

    /// What the line costs: rounded, if the order rounds per line.
    async fn net(&self) -> Decimal {
        Decimal(self.0.net)
    }
}
