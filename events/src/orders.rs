//! What happens to an order. Everything that was decided stands in the fact: prices, names and
//! totals as they were.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::credit_notes::CreditNoteId;
use crate::customers::CustomerId;
use crate::products::ProductId;
use crate::upcast::Object;
use crate::warehouses::WarehouseId;
use crate::words::{Amount, Currency, Quantity, Rounding, Unit, UnitPrice};

crate::id!(
    /// An order.
    OrderId
);

/// Where an order stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// It is binding; its goods and its credit are reserved.
    Placed,
    /// It is off; its goods and its credit are free again.
    Cancelled,
}

/// Where the price of a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// The product's list price.
    List,
    /// Whoever placed the order stated it.
    Stated,
}

/// A line of an order, as it was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLine {
    /// Its number within the order, from 1.
    pub line: u32,
    /// The product.
    pub product_id: ProductId,
    /// The product's SKU as it was.
    pub sku: String,
    /// The product's name as it was.
    pub name: String,
    /// The unit of the quantity and of the price.
    pub unit: Unit,
    /// Where the goods come from.
    pub warehouse_id: WarehouseId,
    /// How many.
    pub quantity: Quantity,
    /// The price of one unit.
    pub unit_price: UnitPrice,
    /// Where that price came from.
    pub price_source: PriceSource,
    /// Quantity × unit price, before rounding.
    pub gross: Amount,
    /// What the line costs: rounded, if the order rounds per line.
    pub net: Amount,
}

/// An order as it was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderPlaced {
    /// The series that the number is unique in.
    pub series: String,
    /// Its number within the series.
    pub number: String,
    /// Who buys.
    pub customer_id: CustomerId,
    /// The customer's name as it was.
    pub customer_name: String,
    /// The buyer's own reference, if any.
    pub reference: Option<String>,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// The day it counts for, in the organization's zone.
    pub business_date: NaiveDate,
    /// The currency of every amount.
    pub currency: Currency,
    /// Where and how it rounds.
    pub rounding: Rounding,
    /// Its lines, in order.
    pub lines: Vec<OrderLine>,
    /// The sum of the lines before rounding.
    pub gross: Amount,
    /// What the buyer owes.
    pub net: Amount,
    /// Why the credit limit was overridden, if it was.
    pub credit_override: Option<String>,
}

/// A line of an order that was cancelled: what sums over products need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancelledLine {
    /// The product.
    pub product_id: ProductId,
    /// How many would have been bought.
    pub quantity: Quantity,
    /// Quantity × unit price, before rounding.
    pub gross: Amount,
    /// What the line would have cost.
    pub net: Amount,
}

crate::facts! {
    /// What happens to an order.
    OrderEvent of "orders" with OrderStatus;
    /// It is binding.
    Placed(OrderPlaced) "order.placed" 1 => Placed;
    /// It is off. Repeats what sums over orders need.
    Cancelled {
        /// Why.
        reason: String,
        /// Who would have bought.
        customer_id: CustomerId,
        /// The currency of the amounts.
        currency: Currency,
        /// The order's sum before rounding.
        gross: Amount,
        /// What the buyer would have owed.
        net: Amount,
        /// The day that the order counted for.
        business_date: NaiveDate,
        /// What would have been bought, a row a line; none, where the first programs wrote it.
        lines: Vec<CancelledLine>,
    } "order.cancelled" 2 from [lines_are_stated] => Cancelled because reason;
    /// A credit note gives back a part of what it came to.
    Credited {
        /// The credit note.
        credit_note_id: CreditNoteId,
        /// The credit note's net total.
        amount: Amount,
    } "order.credited" 1;
}

/// The first programs did not say what would have been bought; later ones did.
fn lines_are_stated(mut fact: Object) -> Object {
    fact.entry("lines").or_insert_with(|| Value::Array(Vec::new()));
    fact
}
