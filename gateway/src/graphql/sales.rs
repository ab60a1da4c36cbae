//! Sales in GraphQL: sums by month, by customer, by product.

use async_graphql::{Context, Description, ID, Object, SimpleObject};
use queries::Seen;
use queries::sales::{
    self, CUSTOMER_READS, MONTH_READS, MonthFilter, PRODUCT_READS, SalesByCustomerRow,
    SalesByMonthRow, SalesByProductRow, TopFilter,
};

use super::caller::{id, reading};
use super::customers::Customer;
use super::derived_ids::derived_id;
use super::loaders::{CustomerOf, Loaders, ProductOf};
use super::parked::incomplete;
use super::products::Product;
use super::scalars::{Date, Decimal};
use crate::error::ApiError;

/// Reading sales.
#[derive(Default)]
pub struct SalesQueries;

#[Object]
impl SalesQueries {
    /// Sales by month, in order of month and then of currency. More than 1,200 are refused.
    #[graphql(complexity = "12 * child_complexity")]
    async fn sales_by_month(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From the month of this day on.")] from: Option<Date>,
        #[graphql(desc = "Up to the month of this day.")] to: Option<Date>,
        #[graphql(desc = "In this currency alone (ISO 4217).")] currency: Option<String>,
        at_least: Option<String>,
    ) -> async_graphql::Result<Vec<SalesByMonth>> {
        let (app, access) = reading(ctx, MONTH_READS, at_least).await?;
        let filter = MonthFilter { from: from.map(|d| d.0), to: to.map(|d| d.0), currency };
        let months = app.reader.sales_by_month(&access, &filter).await.map_err(ApiError::from)?;
        Ok(months.into_iter().map(SalesByMonth).collect())
    }

    /// Sales by customer, the most first: by net, what was credited taken off. Amounts of different
    /// currencies are compared as numbers: say a currency.
    #[graphql(complexity = "(first.unwrap_or(20).clamp(1, 1_000) as usize) * child_complexity")]
    async fn sales_by_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many: 20 by default, at most 100, unless set otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "In this currency alone (ISO 4217).")] currency: Option<String>,
        #[graphql(desc = "To this customer alone.")] customer_id: Option<ID>,
        at_least: Option<String>,
    ) -> async_graphql::Result<Vec<SalesByCustomer>> {
        let customer_id = customer_id.map(|customer| id("customerId", &customer)).transpose()?;
        let (app, access) = reading(ctx, CUSTOMER_READS, at_least).await?;
        let filter = TopFilter { id: customer_id, currency, first };
        let top = app.reader.sales_by_customer(&access, &filter).await.map_err(ApiError::from)?;
        Ok(top.into_iter().map(SalesByCustomer).collect())
    }

    /// Sales by product, the most first: by net, what was credited taken off. Amounts of different
    /// currencies are compared as numbers: say a currency. Orders that the first programs cancelled
    /// count: they kept no lines.
    #[graphql(complexity = "(first.unwrap_or(20).clamp(1, 1_000) as usize) * child_complexity")]
    async fn sales_by_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many: 20 by default, at most 100, unless set otherwise.")]
        first: Option<i32>,
        #[graphql(desc = "In this currency alone (ISO 4217).")] currency: Option<String>,
        #[graphql(desc = "Of this product alone.")] product_id: Option<ID>,
        at_least: Option<String>,
    ) -> async_graphql::Result<Vec<SalesByProduct>> {
        let product_id = product_id.map(|product| id("productId", &product)).transpose()?;
        let (app, access) = reading(ctx, PRODUCT_READS, at_least).await?;
        let filter = TopFilter { id: product_id, currency, first };
        let top = app.reader.sales_by_product(&access, &filter).await.map_err(ApiError::from)?;
        Ok(top.into_iter().map(SalesByProduct).collect())
    }
}

/// The sales of a month in a currency.
#[derive(Description)]
pub struct SalesByMonth(Seen<SalesByMonthRow>);

#[Object(use_type_description)]
impl SalesByMonth {
    /// Its id: the same one wherever it is shown. Nothing is found by it.
    async fn id(&self) -> ID {
        let words = [&*self.0.month.to_string(), &self.0.currency];
        derived_id(self.0.access().organization.0, "SalesByMonth", &words)
    }

    /// Whether it lacks a fact that its read model could not take in: see `parkedFacts`.
    async fn incomplete(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        incomplete(ctx, self.0.access(), self.0.summed()).await
    }

    /// The first day of the month that the documents count for, by their business date.
    async fn month(&self) -> Date {
        Date(self.0.month)
    }

    /// The currency (ISO 4217) of the amounts.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    #[graphql(flatten)]
    async fn sums(&self, _ctx: &Context<'_>) -> DocumentSums {
        (&self.0.sums).into()
    }
}

/// The sales to a customer in a currency.
#[derive(Description)]
pub struct SalesByCustomer(Seen<SalesByCustomerRow>);

#[Object(use_type_description)]
impl SalesByCustomer {
    /// Its id: the same one wherever it is shown. Nothing is found by it.
    async fn id(&self) -> ID {
        let words = [&*self.0.customer_id.to_string(), &self.0.currency];
        derived_id(self.0.access().organization.0, "SalesByCustomer", &words)
    }

    /// Whether it lacks a fact that its read model could not take in: see `parkedFacts`.
    async fn incomplete(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        incomplete(ctx, self.0.access(), self.0.summed()).await
    }

    /// Who buys.
    async fn customer_id(&self) -> ID {
        self.0.customer_id.into()
    }

    /// Who buys, as it is now. Null only while that cannot be read yet.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        let key = CustomerOf(self.0.access(), self.0.customer_id);
        Ok(ctx.data::<Loaders>()?.load_one(key).await?.map(Customer))
    }

    /// The currency (ISO 4217) of the amounts.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    #[graphql(flatten)]
    async fn sums(&self, _ctx: &Context<'_>) -> DocumentSums {
        (&self.0.sums).into()
    }
}

/// The sales of a product in a currency.
#[derive(Description)]
pub struct SalesByProduct(Seen<SalesByProductRow>);

#[Object(use_type_description)]
impl SalesByProduct {
    /// Its id: the same one wherever it is shown. Nothing is found by it.
    async fn id(&self) -> ID {
        let words = [&*self.0.product_id.to_string(), &self.0.currency];
        derived_id(self.0.access().organization.0, "SalesByProduct", &words)
    }

    /// Whether it lacks a fact that its read model could not take in: see `parkedFacts`.
    async fn incomplete(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        incomplete(ctx, self.0.access(), self.0.summed()).await
    }

    /// What is sold.
    async fn product_id(&self) -> ID {
        self.0.product_id.into()
    }

    /// What is sold, as it is now. Null only while that cannot be read yet.
    async fn product(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Product>> {
        let key = ProductOf(self.0.access(), self.0.product_id);
        Ok(ctx.data::<Loaders>()?.load_one(key).await?.map(Product))
    }

    /// The currency (ISO 4217) of the amounts.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    #[graphql(flatten)]
    async fn sums(&self, _ctx: &Context<'_>) -> LineSums {
        (&self.0.sums).into()
    }
}

/// What documents come to.
#[derive(SimpleObject)]
struct DocumentSums {
    /// Orders placed, without those cancelled.
    orders: i64,
    /// Lines of these orders; also of those that the first programs cancelled.
    lines: i64,
    /// What these orders come to before rounding.
    gross: Decimal,
    /// What the buyers owe for them.
    net: Decimal,
    /// Credit notes posted.
    credit_notes: i64,
    /// Lines of these credit notes.
    credit_lines: i64,
    /// What these credit notes give back before rounding: above zero.
    credits: Decimal,
    /// What the customers owe less for them: above zero.
    credits_net: Decimal,
}

/// What lines of documents come to.
#[derive(SimpleObject)]
struct LineSums {
    /// Lines of orders placed, without those cancelled.
    lines: i64,
    /// How many were ordered.
    quantity: Decimal,
    /// What these lines come to before rounding.
    gross: Decimal,
    /// What they cost: rounded, where the order rounds per line.
    net: Decimal,
    /// Lines of credit notes posted.
    credit_lines: i64,
    /// How many were credited.
    credited_quantity: Decimal,
    /// What these lines give back before rounding: above zero.
    credits: Decimal,
    /// What they give back: rounded, where the credit note rounds per line.
    credits_net: Decimal,
}

impl From<&sales::DocumentSums> for DocumentSums {
    fn from(sums: &sales::DocumentSums) -> Self {
        Self {
            orders: sums.orders,
            lines: sums.lines,
            gross: Decimal(sums.gross),
            net: Decimal(sums.net),
            credit_notes: sums.credit_notes,
            credit_lines: sums.credit_lines,
            credits: Decimal(sums.credits),
            credits_net: Decimal(sums.credits_net),
        }
    }
}

impl From<&sales::LineSums> for LineSums {
    fn from(sums: &sales::LineSums) -> Self {
        Self {
            lines: sums.lines,
            quantity: Decimal(sums.quantity),
            gross: Decimal(sums.gross),
            net: Decimal(sums.net),
            credit_lines: sums.credit_lines,
            credited_quantity: Decimal(sums.credited_quantity),
            credits: Decimal(sums.credits),
            credits_net: Decimal(sums.credits_net),
        }
    }
}
