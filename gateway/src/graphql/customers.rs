//! Customers and their credit in GraphQL.

use async_graphql::{Context, Description, Enum, ID, Object};
use chrono::{DateTime, Utc};
use commands::customers;
use events::access::Access;
use queries::Seen;
use queries::credit::CreditRow;
use queries::customers::{CustomerRow, READS};
use queries::page::PageArgs;
use uuid::Uuid;

use super::as_of::AsOf;
use super::caller::{id, reading_record};
use super::history::{History, history};
use super::loaders::{CreditOf, Loaders};
use super::mutation::mutations;
use super::parked::stale;
use super::scalars::Decimal;
use super::status;
use crate::app::App;
use crate::error::ApiError;

mutations! {
    CustomerMutations, Payload shows customer: Customer = find, READS;
    /// Opens a customer account: a company that buys.
    open_customer: customers::open::OpenCustomer,
    /// Sets when a customer has to pay.
    set_customer_terms: customers::set_terms::SetCustomerTerms,
    /// Puts a customer on hold: it cannot order until it is released.
    hold_customer: customers::hold::HoldCustomer,
    /// Releases a customer from hold: it can order again.
    release_customer: customers::release::ReleaseCustomer,
    /// Closes a customer account where nobody owes anything: it never orders again.
    close_customer: customers::close::CloseCustomer,
}

async fn find(app: &App, access: &Access, id: Uuid) -> Result<Option<Customer>, ApiError> {
    Ok(app.reader.customer(access, id).await?.map(Customer))
}

/// A customer's credit is a record of its own, with a version of its own.
mod credit {
    use super::*;
    use queries::credit::READS;

    mutations! {
        CreditMutations, Payload shows credit: Credit = find, READS;
        /// Sets the most that a customer may owe.
        set_customer_credit_limit: customers::set_credit_limit::SetCustomerCreditLimit,
    }

    async fn find(app: &App, access: &Access, id: Uuid) -> Result<Option<Credit>, ApiError> {
        Ok(app.reader.credit(access, id).await?.map(Credit))
    }
}

pub use credit::CreditMutations;

/// Where a customer account stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CustomerStatus {
    /// It may order.
    Active,
    /// It may not order until it is released.
    OnHold,
    /// It never orders again.
    Closed,
}

/// Reading customers.
#[derive(Default)]
pub struct CustomerQueries;

#[Object]
impl CustomerQueries {
    /// A customer account; null if there is none with this id.
    async fn customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] customer_id: ID,
        at_least: Option<String>,
        as_of: Option<AsOf>,
    ) -> async_graphql::Result<Option<Customer>> {
        let customer_id = id("id", &customer_id)?;
        let (app, access) = reading_record(ctx, READS, at_least, as_of).await?;
        Ok(find(app, &access, customer_id).await?)
    }
}

/// A customer account: a company that buys.
#[derive(Description)]
pub struct Customer(pub(super) Seen<CustomerRow>);

#[Object(use_type_description)]
impl Customer {
    pub(super) async fn id(&self) -> ID {
        self.0.customer_id.into()
    }

    /// Whether it stands still at a fact that its read model could not take in: see `parkedFacts`.
    async fn stale(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        stale(ctx, self.0.access(), self.0.record()).await
    }

    /// Your number for it, unique in the organization; null if it has none.
    async fn number(&self) -> Option<&str> {
        self.0.number.as_deref()
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The currency (ISO 4217) of its orders and of its credit.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// Days from the invoice to the due date.
    async fn net_days(&self) -> i32 {
        self.0.net_days
    }

    async fn status(&self) -> async_graphql::Result<CustomerStatus> {
        status::of(&self.0.status)
    }

    /// Why it is on hold or closed; null if it is neither.
    async fn status_reason(&self) -> Option<&str> {
        self.0.status_reason.as_deref()
    }

    /// How much it may owe, and owes. Null only while that cannot be read yet.
    async fn credit(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Credit>> {
        let key = CreditOf(self.0.access(), self.0.customer_id);
        Ok(ctx.data::<Loaders>()?.load_one(key).await?.map(Credit))
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

/// The credit of a customer, in its currency.
#[derive(Description)]
pub struct Credit(pub(super) Seen<CreditRow>);

#[Object(use_type_description)]
impl Credit {
    pub(super) async fn id(&self) -> ID {
        self.0.credit_id.into()
    }

    /// Whether it stands still at a fact that its read model could not take in: see `parkedFacts`.
    async fn stale(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        stale(ctx, self.0.access(), self.0.record()).await
    }

    /// The currency (ISO 4217) of the amounts.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// The most that may be owed; null is no limit.
    async fn limit(&self) -> Option<Decimal> {
        self.0.credit_limit.map(Decimal)
    }

    /// What open orders come to, less what was credited; below zero the seller owes the customer.
    async fn exposure(&self) -> Decimal {
        Decimal(self.0.exposure)
    }

    /// What more can be ordered for; null is no limit.
    async fn available(&self) -> Option<Decimal> {
        self.0.available.map(Decimal)
    }

    /// The credit's own version: the `expectedVersion` of `setCustomerCreditLimit`.
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
