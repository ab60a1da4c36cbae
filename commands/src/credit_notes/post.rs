//! Post a credit note: the customer owes that much less, in the same append.

use chrono::{DateTime, NaiveDate, Utc};
use events::credit_notes::CreditNoteId;
use events::customers::CustomerId;
use events::orders::OrderId;
use events::products::ProductId;
use events::words::{Quantity, Rounding, UnitPrice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CreditNote;
use crate::rejection::Rejection;
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Posts a credit note: reduces what the customer owes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostCreditNote {
    /// Who gets the credit.
    pub customer_id: CustomerId,
    /// What is credited: 1 to 5,000 lines.
    pub lines: Vec<CreditNoteLineInput>,
    /// The order that it credits: of the same customer, and credited by no more than it came to.
    #[serde(default)]
    pub order_id: Option<OrderId>,
    /// Its number, in a series whose numbers are stated. Without one the series counts: 1, 2, 3, …
    #[serde(default)]
    pub number: Option<String>,
    /// The series of the number, such as `external`; `CN` by default.
    #[serde(default)]
    pub series: Option<String>,
    /// The customer's own reference.
    #[serde(default)]
    pub reference: Option<String>,
    /// Why it is given.
    #[serde(default)]
    pub reason: Option<String>,
    /// When it was posted; now by default, never later.
    #[serde(default)]
    pub posted_at: Option<DateTime<Utc>>,
    /// The day it counts for; by default that of `postedAt` in the organization's zone.
    #[serde(default)]
    pub business_date: Option<NaiveDate>,
    /// Where it rounds to the minor unit, and how; per line, half up by default.
    #[serde(default)]
    pub rounding: Option<Rounding>,
}

/// A line of a credit note to post.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreditNoteLineInput {
    /// The product.
    pub product_id: ProductId,
    /// How many, in the product's unit: above zero.
    pub quantity: Quantity,
    /// What is given back for one unit, in the customer's currency; the list price by default.
    /// Stating one needs the permission credit_notes.price.
    #[serde(default)]
    pub unit_price: Option<UnitPrice>,
}

impl Command for PostCreditNote {
    const FEATURE: &'static str = "credit_notes";
    const ACTION: &'static str = "post";

    fn record(&self, context: &Context, _: &States) -> Uuid {
        context.id
    }

    fn needs(&self, context: &Context, _: &States, needs: &mut Needs) {
        needs.begin::<CreditNote>(CreditNoteId(context.id));
    }

    fn decide(&self, _: &Context, _: &States) -> Result<Decision, Rejection> {
        Err(Rejection::invalid("lines", "not decided yet"))
    }
}
