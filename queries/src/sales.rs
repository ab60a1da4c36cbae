//! Sales: what orders and credit notes add up to, by month, by customer, by product.

use chrono::{Datelike, NaiveDate};
use events::access::Access;
use events::words::Currency;
pub use projections::sales::{
    DocumentSums, LineSums, SalesByCustomerRow, SalesByMonthRow, SalesByProductRow,
};
use projections::table::Table;
use uuid::Uuid;

use crate::page::PageArgs;
use crate::{Param, QueryError, Reader, Seen};

/// What the sums by month read.
pub const MONTH_READS: &[&str] = &["sales_by_month"];

/// What the sums by customer read, and what stands in their records.
pub const CUSTOMER_READS: &[&str] = &["sales_by_customer", "customers", "credit"];

/// What the sums by product read, and what stands in their records.
pub const PRODUCT_READS: &[&str] = &["sales_by_product", "products", "stock", "warehouses"];

/// How many months are shown at once, a month in several currencies counting for each.
pub const MONTHS_MAX: usize = 1_200;

/// Which months. Everything that is set has to fit.
#[derive(Debug, Clone, Default)]
pub struct MonthFilter {
    /// From the month of this day on.
    pub from: Option<NaiveDate>,
    /// Up to the month of this day.
    pub to: Option<NaiveDate>,
    /// In this currency (ISO 4217).
    pub currency: Option<String>,
}

/// Of whom or of what, and how many. Everything that is set has to fit.
#[derive(Debug, Clone, Default)]
pub struct TopFilter {
    /// Of this customer or product.
    pub id: Option<Uuid>,
    /// In this currency (ISO 4217).
    pub currency: Option<String>,
    /// How many.
    pub first: Option<i32>,
}

impl Reader {
    /// The sums of months, in order of month and then of currency.
    ///
    /// # Errors
    /// [`QueryError`]; also if there are more than [`MONTHS_MAX`].
    pub async fn sales_by_month(
        &self,
        access: &Access,
        filter: &MonthFilter,
    ) -> Result<Vec<Seen<SalesByMonthRow>>, QueryError> {
        let (from, to) = (month("from", filter.from)?, month("to", filter.to)?);
        if let (Some(from), Some(to)) = (filter.from, filter.to)
            && from > to
        {
            let message = format!("`from` ({from}) is later than `to` ({to})");
            return Err(QueryError::Invalid { field: "from", message });
        }
        let currency = code(filter.currency.as_deref())?;
        let limit = i64::try_from(MONTHS_MAX + 1).unwrap_or(i64::MAX);
        let condition = "($1::date is null or month >= $1) and ($2::date is null or month <= $2) \
            and ($3::text is null or currency = $3) order by month, currency limit $4";
        let params: [Param<'_>; 4] = [&from, &to, &currency, &limit];
        let months = self.rows(access, "sales", condition, &params).await?;
        if months.len() > MONTHS_MAX {
            let message = format!(
                "there are more than {MONTHS_MAX}: say a later `from`, an earlier `to` or a \
                 `currency`"
            );
            return Err(QueryError::Invalid { field: "from", message });
        }
        Ok(months)
    }

    /// The customers with the most net sales, credits taken off.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn sales_by_customer(
        &self,
        access: &Access,
        filter: &TopFilter,
    ) -> Result<Vec<Seen<SalesByCustomerRow>>, QueryError> {
        self.top(access, "customer_id", filter).await
    }

    /// The products with the most net sales, credits taken off.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn sales_by_product(
        &self,
        access: &Access,
        filter: &TopFilter,
    ) -> Result<Vec<Seen<SalesByProductRow>>, QueryError> {
        self.top(access, "product_id", filter).await
    }

    async fn top<T: Table>(
        &self,
        access: &Access,
        id: &str,
        filter: &TopFilter,
    ) -> Result<Vec<Seen<T>>, QueryError> {
        let page = PageArgs { first: filter.first, ..PageArgs::default() };
        let limit = i64::try_from(page.size(self.limits())?.0).unwrap_or(i64::MAX);
        let currency = code(filter.currency.as_deref())?;
        let condition = format!(
            "($1::uuid is null or {id} = $1) and ($2::text is null or currency = $2) \
             order by net - credits_net desc, {id}, currency limit $3"
        );
        self.rows(access, "sales", &condition, &[&filter.id, &currency, &limit]).await
    }
}

/// The first day of the month of a day.
fn month(field: &'static str, day: Option<NaiveDate>) -> Result<Option<NaiveDate>, QueryError> {
    let Some(day) = day else {
        return Ok(None);
    };
    if !(1..=9_999).contains(&day.year()) {
        let message = format!("`{field}` has the year {}, not one of 1 to 9999", day.year());
        return Err(QueryError::Invalid { field, message });
    }
    Ok(day.with_day(1))
}

/// The code of a currency that there is.
fn code(currency: Option<&str>) -> Result<Option<&'static str>, QueryError> {
    let parsed = currency.map(str::parse::<Currency>).transpose();
    let invalid = |message| QueryError::Invalid { field: "currency", message };
    Ok(parsed.map_err(invalid)?.map(Currency::code))
}
