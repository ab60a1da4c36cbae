//! What every document with priced lines goes by, be it an order or a credit note: how many lines,
//! at which price, counting for which day. What it does to stock and credit is its own business.

pub(crate) mod price;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use events::access::Permission;
use events::orders::PriceSource;
use events::products::{ProductId, ProductStatus, ProductUnit};
use events::words::{Amount, Currency, Quantity, Rounding, RoundingHow, RoundingPlace, UnitPrice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Context;
use crate::organizations::Organization;
use crate::products::Product;
use crate::rejection::{Rejection, optional_text};
use crate::state::States;
use crate::stock::positive;

/// The most lines of a document.
pub const LINES_MAX: usize = 5_000;
/// The most characters of a document's number.
pub const NUMBER_CHARACTERS_MAX: usize = 60;
/// The most characters of the other side's own reference.
pub const REFERENCE_CHARACTERS_MAX: usize = 200;

/// Where a document rounds to the currency's minor unit, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundingInput {
    /// Per line, or once per total.
    #[serde(default)]
    pub place: RoundingPlace,
    /// Which way a half goes.
    #[serde(default)]
    pub how: RoundingHow,
}

impl From<RoundingInput> for Rounding {
    fn from(input: RoundingInput) -> Self {
        let RoundingInput { place, how } = input;
        Self { place, how }
    }
}

/// Whether a document may have so many lines.
pub(crate) fn check_lines(count: usize, what: &str) -> Result<(), Rejection> {
    if (1..=LINES_MAX).contains(&count) {
        return Ok(());
    }
    Err(Rejection::invalid("lines", format!("{count} lines; {what} has 1 to {LINES_MAX}")))
}

/// When a document was made, and the day it counts for: as stated, else now and the day of that
/// in the organization's zone.
pub(crate) fn dates(
    field: &str,
    made_at: Option<DateTime<Utc>>,
    business_date: Option<NaiveDate>,
    context: &Context,
    states: &States,
) -> Result<(DateTime<Utc>, NaiveDate), Rejection> {
    let made_at = made_at.unwrap_or(context.now);
    common_era(field, made_at.year())?;
    if made_at > context.now {
        let message = format!("{made_at} is later than now, {}", context.now);
        return Err(Rejection::invalid(field, message));
    }
    if let Some(date) = business_date {
        common_era("businessDate", date.year())?;
    }
    let zone = states.get::<Organization>(context.organization)?.time_zone;
    let day = business_date.unwrap_or_else(|| made_at.with_timezone(&zone).date_naive());
    Ok((made_at, day))
}

/// The other side's own reference, if it has one that can be kept.
pub(crate) fn reference(stated: Option<&String>) -> Result<Option<String>, Rejection> {
    optional_text("reference", stated, REFERENCE_CHARACTERS_MAX)
}

/// Beyond, calendars and databases disagree.
fn common_era(field: &str, year: i32) -> Result<(), Rejection> {
    if (1..=9_999).contains(&year) {
        return Ok(());
    }
    Err(Rejection::invalid(field, format!("`{field}` has the year {year}, not one of 1 to 9999")))
}

/// What is wanted of a product in a line.
pub(crate) struct Wanted {
    pub(crate) product_id: ProductId,
    pub(crate) quantity: Quantity,
    /// Instead of the list price.
    pub(crate) unit_price: Option<UnitPrice>,
}

/// A line with its price, before it is part of a document.
pub(crate) struct Priced<'a> {
    pub(crate) product: &'a Product,
    pub(crate) unit: &'a ProductUnit,
    pub(crate) quantity: Quantity,
    pub(crate) unit_price: UnitPrice,
    pub(crate) price_source: PriceSource,
    pub(crate) gross: Amount,
    pub(crate) net: Amount,
}

/// How the lines of a document are priced.
pub(crate) struct Pricing<'a> {
    pub(crate) currency: Currency,
    pub(crate) rounding: Rounding,
    /// What it takes to state a price.
    pub(crate) permission: Permission,
    pub(crate) context: &'a Context,
    pub(crate) states: &'a States,
}

impl<'a> Pricing<'a> {
    /// The line at this index, at its price. `refusal` says why a product of this status cannot
    /// stand in the document, if it cannot.
    pub(crate) fn line(
        &self,
        index: usize,
        wanted: &Wanted,
        refusal: fn(ProductStatus) -> Option<&'static str>,
    ) -> Result<Priced<'a>, Rejection> {
        let field = |name: &str| format!("lines[{index}].{name}");
        let product = self.states.get::<Product>(wanted.product_id)?;
        let Some(status) = product.status else {
            return Err(Rejection::not_found(field("productId"), "product", wanted.product_id));
        };
        let refused = |why: &str| {
            let message = format!("product {} {why}", product.sku);
            Err(Rejection::wrong_state(message).at(field("productId")))
        };
        if let Some(why) = refusal(status) {
            return refused(why);
        }
        let Some(unit) = &product.unit else {
            return refused("has no unit: it cannot be counted");
        };
        let quantity = positive(&field("quantity"), wanted.quantity, unit)?;
        let (unit_price, price_source) =
            self.unit_price(wanted.unit_price, product, &field("unitPrice"))?;
        let gross = price::exact(quantity, unit_price).ok_or_else(|| {
            Rejection::invalid(field("quantity"), "quantity × price has too many digits")
        })?;
        let net = price::line(gross, self.rounding, self.currency);
        Ok(Priced { product, unit, quantity, unit_price, price_source, gross, net })
    }

    fn unit_price(
        &self,
        stated: Option<UnitPrice>,
        product: &Product,
        field: &str,
    ) -> Result<(UnitPrice, PriceSource), Rejection> {
        if let Some(price) = stated {
            if !self.context.actor.may(self.permission) {
                return Err(Rejection::denied(self.permission).at(field));
            }
            if price.0.is_sign_negative() && !price.0.is_zero() {
                return Err(Rejection::invalid(field, format!("a price of {price} is negative")));
            }
            return Ok((price, PriceSource::Stated));
        }
        let (sku, currency) = (&product.sku, self.currency);
        let message = match product.list_price {
            Some(list) if list.currency == currency => {
                return Ok((list.amount, PriceSource::List));
            }
            Some(list) => format!(
                "product {sku} has a list price in {}, the customer's currency is {currency}; \
                 state a unitPrice",
                list.currency,
            ),
            None => format!("product {sku} has no list price; state a unitPrice"),
        };
        Err(Rejection::invalid(field, message))
    }

    /// What the lines come to, given as gross and net of each.
    pub(crate) fn totals(
        &self,
        lines: impl Iterator<Item = (Amount, Amount)>,
    ) -> Result<price::Totals, Rejection> {
        price::totals(lines, self.rounding, self.currency)
            .ok_or_else(|| Rejection::invalid("lines", "the total has too many digits"))
    }
}
