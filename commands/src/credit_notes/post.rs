//! Post a credit note: the customer owes that much less, in the same append.

use chrono::{DateTime, NaiveDate, Utc};
use events::access::CREDIT_NOTES_PRICE;
use events::credit::{CreditEvent, CreditId};
use events::credit_notes::{CreditNoteEvent, CreditNoteId, CreditNoteLine, CreditNotePosted};
use events::customers::CustomerId;
use events::orders::OrderId;
use events::products::{ProductId, ProductStatus};
use events::words::{Quantity, UnitPrice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CreditNote;
use crate::credit::Credit;
use crate::customers::Customer;
use crate::documents::{LINES_MAX, Pricing, RoundingInput, Wanted, check_lines, dates, reference};
use crate::orders::Order;
use crate::products::Product;
use crate::rejection::{Rejection, optional_text};
use crate::series::Numbered;
use crate::state::{Needs, States};
use crate::{Command, Context, Decision, customers, orders};

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
    /// The first document of a series decides which of the two it is.
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
    pub rounding: Option<RoundingInput>,
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

const DEFAULT_SERIES: &str = "CN";

impl PostCreditNote {
    fn numbered(&self) -> Numbered<'_> {
        Numbered {
            kind: "credit_note",
            claim: "credit_note_number",
            series: self.series.as_deref().map_or(DEFAULT_SERIES, str::trim),
            stated: self.number.as_deref().map(str::trim),
        }
    }

    fn line(&self, index: usize, pricing: &Pricing<'_>) -> Result<CreditNoteLine, Rejection> {
        let CreditNoteLineInput { product_id, quantity, unit_price } = self.lines[index];
        let wanted = Wanted { product_id, quantity, unit_price };
        let priced = pricing.line(index, &wanted, |status| match status {
            ProductStatus::Published | ProductStatus::Discontinued => None,
            ProductStatus::Draft => Some("is a draft: what was never published cannot be credited"),
        })?;
        Ok(CreditNoteLine {
            line: u32::try_from(index + 1).unwrap_or(u32::MAX),
            product_id,
            sku: priced.product.sku.clone(),
            name: priced.product.name().unwrap_or_default().to_owned(),
            unit: priced.unit.code.clone(),
            quantity: priced.quantity,
            unit_price: priced.unit_price,
            price_source: priced.price_source,
            gross: priced.gross,
            net: priced.net,
        })
    }

    fn posted(
        &self,
        customer: &Customer,
        number: String,
        lines: Vec<CreditNoteLine>,
        pricing: &Pricing<'_>,
    ) -> Result<CreditNotePosted, Rejection> {
        let &Pricing { context, states, rounding, currency, .. } = pricing;
        let (posted_at, business_date) =
            dates("postedAt", self.posted_at, self.business_date, context, states)?;
        let totals = pricing.totals(lines.iter().map(|line| (line.gross, line.net)))?;
        Ok(CreditNotePosted {
            series: self.numbered().series.to_owned(),
            number,
            customer_id: self.customer_id,
            customer_name: customer.name.clone(),
            order_id: self.order_id,
            reference: reference(self.reference.as_ref())?,
            reason: optional_text("reason", self.reason.as_ref(), 500)?,
            posted_at,
            business_date,
            currency,
            rounding,
            lines,
            gross: totals.gross,
            net: totals.net,
        })
    }
}

impl Command for PostCreditNote {
    const FEATURE: &'static str = "credit_notes";
    const ACTION: &'static str = "post";

    fn record(&self, context: &Context, _: &States) -> Uuid {
        context.id
    }

    fn needs(&self, context: &Context, _: &States, needs: &mut Needs) {
        needs.begin::<CreditNote>(CreditNoteId(context.id));
        needs.name::<Customer>(self.customer_id);
        needs.name::<Credit>(CreditId::of(context.organization, self.customer_id));
        if let Some(order_id) = self.order_id {
            needs.name::<Order>(order_id);
        }
        self.numbered().needs(context.organization, needs);
        for line in self.lines.iter().take(LINES_MAX) {
            needs.name::<Product>(line.product_id);
        }
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        let id = CreditNoteId(context.id);
        if states.get::<CreditNote>(id)?.status.is_some() {
            return Err(Rejection::wrong_state("the credit note is posted already"));
        }
        check_lines(self.lines.len(), "a credit note")?;
        // Whatever became of the customer, it may be owed something.
        let (customer, _) = customers::existing(states, self.customer_id)?;
        let Some(currency) = customer.currency else {
            return Err(Rejection::wrong_state("the customer has no currency").at("customerId"));
        };
        let rounding = self.rounding.unwrap_or_default().into();
        let permission = CREDIT_NOTES_PRICE;
        let pricing = Pricing { currency, rounding, permission, context, states };
        let lines = (0..self.lines.len()).map(|index| self.line(index, &pricing));
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        let mut numbering = Decision::default();
        let number = self.numbered().give(context.organization, states, id, &mut numbering)?;
        let posted = self.posted(customer, number, lines, &pricing)?;
        let amount = posted.net;
        let mut decision = Decision::of(id, CreditNoteEvent::Posted(posted));
        if let Some(order_id) = self.order_id {
            let customer_id = self.customer_id;
            orders::credit(states, order_id, id, customer_id, amount, &mut decision)?;
        }
        let credit = CreditId::of(context.organization, self.customer_id);
        decision.push(credit, CreditEvent::Credited { credit_note_id: id, amount });
        decision.append(numbering);
        Ok(decision)
    }
}

#[cfg(test)]
mod tests;
