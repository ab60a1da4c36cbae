//! What happens to a credit note: the seller gives back a part of what was charged. It counts
//! against the customer's exposure; goods that come back are stock's business.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::customers::CustomerId;
use crate::orders::{OrderId, PriceSource};
use crate::products::ProductId;
use crate::words::{Amount, Currency, Quantity, Rounding, Unit, UnitPrice};

crate::id!(
    /// A credit note.
    CreditNoteId
);

/// Where a credit note stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CreditNoteStatus {
    /// It is binding: the customer owes that much less.
    Posted,
}

/// A line of a credit note, as it was decided. Amounts are what is given back: not below zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditNoteLine {
    /// Its number within the credit note, from 1.
    pub line: u32,
    /// The product.
    pub product_id: ProductId,
    /// The product's SKU as it was.
    pub sku: String,
    /// The product's name as it was.
    pub name: String,
    /// The unit of the quantity and of the price.
    pub unit: Unit,
    /// How many are credited.
    pub quantity: Quantity,
    /// What is given back for one unit.
    pub unit_price: UnitPrice,
    /// Where that price came from.
    pub price_source: PriceSource,
    /// Quantity × unit price, before rounding.
    pub gross: Amount,
    /// What the line gives back: rounded, if the credit note rounds per line.
    pub net: Amount,
}

/// A credit note as it was posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditNotePosted {
    /// The series that the number is unique in.
    pub series: String,
    /// Its number within the series.
    pub number: String,
    /// Who gets the credit.
    pub customer_id: CustomerId,
    /// The customer's name as it was.
    pub customer_name: String,
    /// The order that it credits, if it refers to one.
    pub order_id: Option<OrderId>,
    /// The customer's own reference, if any.
    pub reference: Option<String>,
    /// Why it was given, if that was said.
    pub reason: Option<String>,
    /// When it was posted.
    pub posted_at: DateTime<Utc>,
    /// The day it counts for, in the organization's zone.
    pub business_date: NaiveDate,
    /// The currency of every amount.
    pub currency: Currency,
    /// Where and how it rounds.
    pub rounding: Rounding,
    /// Its lines, in order.
    pub lines: Vec<CreditNoteLine>,
    /// The sum of the lines before rounding.
    pub gross: Amount,
    /// What the customer owes less.
    pub net: Amount,
}

crate::facts! {
    /// What happens to a credit note.
    CreditNoteEvent of "credit_notes" with CreditNoteStatus;
    /// It is binding.
    Posted(CreditNotePosted) "credit_note.posted" 1 => Posted;
}
