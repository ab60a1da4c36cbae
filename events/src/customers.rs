//! What happens to a customer account: its master data and its standing. Not its credit, which
//! orders move: that is a stream of its own, see `credit`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::Currency;

crate::id!(
    /// A customer account: a company that buys.
    CustomerId
);

/// Where a customer account stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CustomerStatus {
    /// It may order.
    Active,
    /// It may not order until it is released.
    OnHold,
    /// It never orders again.
    Closed,
}

/// When the customer has to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentTerms {
    /// Days from the invoice to the due date; 0 is at once.
    pub net_days: u16,
}

crate::facts! {
    /// What happens to a customer account.
    CustomerEvent of "customers" with CustomerStatus;
    /// The account exists from now on.
    Opened {
        /// The seller's number for it, unique in the organization.
        number: Option<String>,
        /// The company's name.
        name: String,
        /// The currency of its orders and of its credit.
        currency: Currency,
        /// When it has to pay.
        terms: PaymentTerms,
    } "customer.opened" 1 => Active;
    /// It pays on other terms from now on.
    TermsSet {
        /// When it has to pay.
        terms: PaymentTerms,
    } "customer.terms_set" 1;
    /// It may not order until it is released.
    Held {
        /// Why.
        reason: String,
    } "customer.held" 1 => OnHold because reason;
    /// It may order again.
    Released {} "customer.released" 1 => Active;
    /// It never orders again.
    Closed {
        /// Why.
        reason: String,
    } "customer.closed" 1 => Closed because reason;
}
