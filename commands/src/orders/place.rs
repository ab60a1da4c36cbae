//! Place an order: one decision over the order, the customer's credit and every stock item.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use events::access::{ORDERS_EXCEED_CREDIT, ORDERS_PRICE};
use events::credit::CreditId;
use events::customers::{CustomerId, CustomerStatus};
use events::orders::{OrderEvent, OrderId, OrderLine, OrderPlaced};
use events::products::{ProductId, ProductStatus};
use events::stock::StockItemId;
use events::warehouses::WarehouseId;
use events::words::{Currency, Quantity, UnitPrice, is_too_large};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Order;
use crate::credit::Credit;
use crate::customers::Customer;
use crate::documents::{
    LINES_MAX, NUMBER_CHARACTERS_MAX, Pricing, RoundingInput, Wanted, check_lines, dates, reference,
};
use crate::rejection::{Rejection, optional_text, text};
use crate::reservations::Claim;
use crate::state::{Needs, States};
use crate::stock::{Place, StockItem, reserved_by};
use crate::{Command, Context, Decision, customers};

/// Places an order: reserves its goods and the customer's credit, all of it or nothing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrder {
    /// Who buys.
    pub customer_id: CustomerId,
    /// What: 1 to 5,000 lines. The same product may stand in several; stock decides on the sum.
    pub lines: Vec<OrderLineInput>,
    /// Its number, unique in its series; by default one is made.
    #[serde(default)]
    pub number: Option<String>,
    /// The series of the number, such as `web` or `external`; `web` by default.
    #[serde(default)]
    pub series: Option<String>,
    /// The buyer's own reference.
    #[serde(default)]
    pub reference: Option<String>,
    /// When it was placed; now by default, never later.
    #[serde(default)]
    pub placed_at: Option<DateTime<Utc>>,
    /// The day it counts for; by default that of `placedAt` in the organization's zone.
    #[serde(default)]
    pub business_date: Option<NaiveDate>,
    /// Where it rounds to the minor unit, and how; per line, half up by default.
    #[serde(default)]
    pub rounding: Option<RoundingInput>,
    /// The reason to place it beyond the credit limit; needs the permission orders.exceed-credit.
    #[serde(default)]
    pub credit_override: Option<String>,
}

/// A line of an order to place.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderLineInput {
    /// The product.
    pub product_id: ProductId,
    /// How many, in the product's unit.
    pub quantity: Quantity,
    /// The price of one unit, in the customer's currency; needs the permission orders.price. The
    /// list price by default.
    #[serde(default)]
    pub unit_price: Option<UnitPrice>,
    /// Where the goods come from; the organization's default warehouse by default.
    #[serde(default)]
    pub warehouse_id: Option<WarehouseId>,
}

const DEFAULT_SERIES: &str = "web";

impl OrderLineInput {
    fn place(&self) -> Place {
        Place { product_id: self.product_id, warehouse_id: self.warehouse_id }
    }
}

impl PlaceOrder {
    fn series(&self) -> &str {
        self.series.as_deref().map_or(DEFAULT_SERIES, str::trim)
    }

    /// The stated number, or one made of the day and the random part of the order's id.
    fn number(&self, context: &Context) -> String {
        self.number.as_ref().map_or_else(|| made_number(context), |n| n.trim().to_owned())
    }

    fn with_claim<T>(&self, context: &Context, then: impl FnOnce(Claim<'_>) -> T) -> T {
        let number = self.number(context);
        then(Claim { kind: "order_number", parts: &[self.series(), &number], field: "number" })
    }

    fn line(
        &self,
        index: usize,
        pricing: &Pricing<'_>,
    ) -> Result<(OrderLine, StockItemId), Rejection> {
        let OrderLineInput { product_id, quantity, unit_price, .. } = self.lines[index];
        let wanted = Wanted { product_id, quantity, unit_price };
        let priced = pricing.line(index, &wanted, |status| match status {
            ProductStatus::Published => None,
            _ => Some("is not published: it cannot be ordered"),
        })?;
        let organization = pricing.context.organization;
        let warehouse_id = self.lines[index].place().warehouse(organization);
        let line = OrderLine {
            line: u32::try_from(index + 1).unwrap_or(u32::MAX),
            product_id,
            sku: priced.product.sku.clone(),
            name: priced.product.name().unwrap_or_default().to_owned(),
            unit: priced.unit.code.clone(),
            warehouse_id,
            quantity: priced.quantity,
            unit_price: priced.unit_price,
            price_source: priced.price_source,
            gross: priced.gross,
            net: priced.net,
        };
        let item = StockItemId::of(organization, product_id, warehouse_id, &line.unit);
        Ok((line, item))
    }

    fn header(
        &self,
        customer: &Customer,
        lines: Vec<OrderLine>,
        pricing: &Pricing<'_>,
    ) -> Result<OrderPlaced, Rejection> {
        let &Pricing { context, states, rounding, currency, .. } = pricing;
        let (placed_at, business_date) =
            dates("placedAt", self.placed_at, self.business_date, context, states)?;
        let totals = pricing.totals(lines.iter().map(|line| (line.gross, line.net)))?;
        Ok(OrderPlaced {
            series: text("series", self.series(), 40)?,
            number: text("number", &self.number(context), NUMBER_CHARACTERS_MAX)?,
            customer_id: self.customer_id,
            customer_name: customer.name.clone(),
            reference: reference(self.reference.as_ref())?,
            placed_at,
            business_date,
            currency,
            rounding,
            lines,
            gross: totals.gross,
            net: totals.net,
            credit_override: optional_text("creditOverride", self.credit_override.as_ref(), 500)?,
        })
    }
}

impl Command for PlaceOrder {
    const FEATURE: &'static str = "orders";
    const ACTION: &'static str = "place";

    fn record(&self, context: &Context, _: &States) -> Uuid {
        context.id
    }

    fn needs(&self, context: &Context, known: &States, needs: &mut Needs) {
        needs.begin::<Order>(OrderId(context.id));
        needs.name::<Customer>(self.customer_id);
        needs.name::<Credit>(CreditId::of(context.organization, self.customer_id));
        self.with_claim(context, |claim| claim.needs(context.organization, needs));
        for line in self.lines.iter().take(LINES_MAX) {
            line.place().needs(context, known, needs);
        }
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        let id = OrderId(context.id);
        if states.get::<Order>(id)?.status.is_some() {
            return Err(Rejection::wrong_state("the order is placed already"));
        }
        check_lines(self.lines.len(), "an order")?;
        let (customer, currency) = buyer(self.customer_id, states)?;
        let rounding = self.rounding.unwrap_or_default().into();
        let permission = ORDERS_PRICE;
        let pricing = Pricing { currency, rounding, permission, context, states };
        let mut lines = Vec::with_capacity(self.lines.len());
        let mut items: BTreeMap<StockItemId, (usize, Quantity)> = BTreeMap::new();
        for index in 0..self.lines.len() {
            let (line, item) = self.line(index, &pricing)?;
            let wanted = items.entry(item).or_insert((index, Quantity::default()));
            *wanted = (index, Quantity(wanted.1.0 + line.quantity.0));
            if is_too_large(wanted.1.0) {
                let message = format!("{} of {} have too many digits", wanted.1, line.sku);
                return Err(Rejection::invalid(format!("lines[{index}].quantity"), message));
            }
            lines.push(line);
        }
        let placed = self.header(customer, lines, &pricing)?;
        if placed.credit_override.is_some() && !context.actor.may(ORDERS_EXCEED_CREDIT) {
            return Err(Rejection::denied(ORDERS_EXCEED_CREDIT).at("creditOverride"));
        }
        let (net, overridden) = (placed.net, placed.credit_override.is_some());
        let skus: Vec<String> = placed.lines.iter().map(|line| line.sku.clone()).collect();
        let mut decision = Decision::of(id, OrderEvent::Placed(placed));
        let credit = CreditId::of(context.organization, self.customer_id);
        states.get::<Credit>(credit)?.reserve(credit, id, net, overridden, &mut decision)?;
        for (item, (index, quantity)) in items {
            let state = states.get::<StockItem>(item)?;
            state.check(quantity, &skus[index], &format!("lines[{index}].quantity"))?;
            decision.push(item, reserved_by(id, quantity));
        }
        self.with_claim(context, |claim| {
            claim.claim(context.organization, states, id, &mut decision)
        })?;
        Ok(decision)
    }
}

/// A customer that may order, and the currency that it orders in.
fn buyer(id: CustomerId, states: &States) -> Result<(&Customer, Currency), Rejection> {
    let refused = |why: &str| Err(Rejection::wrong_state(why).at("customerId"));
    match customers::existing(states, id)? {
        (_, CustomerStatus::OnHold) => refused("the customer is on hold: release it first"),
        (_, CustomerStatus::Closed) => refused("the customer is closed"),
        (customer, CustomerStatus::Active) => match customer.currency {
            Some(currency) => Ok((customer, currency)),
            None => refused("the customer has no currency"),
        },
    }
}

/// `260301-` and ten letters and digits (Crockford's base 32) of the order's id: its random part.
fn made_number(context: &Context) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let random = context.id.as_u128();
    let letters = (0..10).rev().map(|at| {
        char::from(ALPHABET[usize::try_from((random >> (at * 5)) & 31).unwrap_or_default()])
    });
    format!("{}-{}", context.now.format("%y%m%d"), letters.collect::<String>())
}

#[cfg(test)]
pub(crate) mod tests;
