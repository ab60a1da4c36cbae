//! Credit notes in GraphQL.

use async_graphql::{Context, Description, Enum, ID, Object};
use chrono::{DateTime, Utc};
use commands::credit_notes;
use events::access::Access;
use queries::Seen;
use queries::credit_notes::{CreditNoteLineRow, CreditNoteRow, READS};
use queries::page::PageArgs;
use uuid::Uuid;

use super::as_of::AsOf;
use super::caller::{id, reading_record};
use super::customers::Customer;
use super::derived_ids::derived_id;
use super::history::{History, history};
use super::loaders::{CreditNoteLinesOf, CustomerOf, Loaders, OrderOf};
use super::mutation::mutations;
use super::orders::Order;
use super::parked::stale;
use super::scalars::{Date, Decimal};
use super::status;
use crate::app::App;
use crate::error::ApiError;

mutations! {
    CreditNoteMutations, Payload shows credit_note: CreditNote = find, READS;
    /// Posts a credit note, about an order or not: reduces what the customer owes.
    post_credit_note: credit_notes::post::PostCreditNote,
}

async fn find(app: &App, access: &Access, id: Uuid) -> Result<Option<CreditNote>, ApiError> {
    Ok(app.reader.credit_note(access, id).await?.map(CreditNote))
}

/// Where a credit note stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CreditNoteStatus {
    /// It is binding: the customer owes that much less.
    Posted,
}

/// Reading credit notes.
#[derive(Default)]
pub struct CreditNoteQueries;

#[Object]
impl CreditNoteQueries {
    /// A credit note; null if there is none with this id.
    async fn credit_note(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] credit_note_id: ID,
        at_least: Option<String>,
        as_of: Option<AsOf>,
    ) -> async_graphql::Result<Option<CreditNote>> {
        let credit_note_id = id("id", &credit_note_id)?;
        let (app, access) = reading_record(ctx, READS, at_least, as_of).await?;
        Ok(find(app, &access, credit_note_id).await?)
    }
}

/// A credit note. Amounts are what is given back: not below zero.
#[derive(Description)]
pub struct CreditNote(pub(super) Seen<CreditNoteRow>);

#[Object(use_type_description)]
impl CreditNote {
    pub(super) async fn id(&self) -> ID {
        self.0.credit_note_id.into()
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

    /// The order that it credits; null if it refers to none.
    async fn order_id(&self) -> Option<ID> {
        self.0.order_id.map(ID::from)
    }

    /// The order that it credits; null if it refers to none.
    async fn order(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Order>> {
        let Some(order_id) = self.0.order_id else {
            return Ok(None);
        };
        let key = OrderOf(self.0.access(), order_id);
        Ok(ctx.data::<Loaders>()?.load_one(key).await?.map(Order))
    }

    /// The customer's own reference; null if there is none.
    async fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }

    /// Why it was given; null if that was not said.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    async fn status(&self) -> async_graphql::Result<CreditNoteStatus> {
        status::of(&self.0.status)
    }

    /// When it was posted, in UTC: as it was stated, else when the command came in.
    async fn posted_at(&self) -> DateTime<Utc> {
        self.0.posted_at
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

    /// What the customer owes less.
    async fn net(&self) -> Decimal {
        Decimal(self.0.net)
    }

    /// How many lines it has.
    async fn line_count(&self) -> i32 {
        self.0.line_count
    }

    /// Its lines, in order of their numbers.
    #[graphql(complexity = "5 * child_complexity")]
    async fn lines(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<CreditNoteLine>> {
        let key = CreditNoteLinesOf(self.0.access(), self.0.credit_note_id);
        let lines = ctx.data::<Loaders>()?.load_one(key).await?.unwrap_or_default();
        Ok(lines.into_iter().map(CreditNoteLine).collect())
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

/// A line of a credit note, as it was posted.
#[derive(Description)]
pub struct CreditNoteLine(Seen<CreditNoteLineRow>);

#[Object(use_type_description)]
impl CreditNoteLine {
    /// Its id: the same one wherever it is shown. Nothing is found by it.
    async fn id(&self) -> ID {
        derived_id(self.0.credit_note_id, "CreditNoteLine", &[&self.0.line.to_string()])
    }

    /// Its number within the credit note, from 1.
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

    /// How many are credited.
    async fn quantity(&self) -> Decimal {
        Decimal(self.0.quantity)
    }

    /// What is given back for one unit.
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

    /// What the line gives back: rounded, if the credit note rounds per line.
    async fn net(&self) -> Decimal {
        Decimal(self.0.net)
    }
}
