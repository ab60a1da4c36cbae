//! What happens to a customer's credit: the limit, and what orders reserve of it and give back,
//! and what credit notes give back.

use crate::credit_notes::CreditNoteId;
use crate::customers::CustomerId;
use crate::orders::OrderId;
use crate::words::{Amount, Currency, OrganizationId};

crate::id!(
    /// The credit of one customer: a stream of its own, for orders write to it, not to master data.
    CreditId
);

impl CreditId {
    /// The credit of this customer.
    #[must_use]
    pub fn of(organization: OrganizationId, customer: CustomerId) -> Self {
        Self(organization.derive("credit", &[customer.0.as_bytes()]))
    }
}

crate::facts! {
    /// What happens to a customer's credit. Amounts are in the customer's currency.
    CreditEvent of "credit";
    /// The customer was opened, with this limit.
    Opened {
        /// Whose credit.
        customer_id: CustomerId,
        /// The currency of every amount.
        currency: Currency,
        /// The most that it may owe; none is no limit.
        limit: Option<Amount>,
    } "credit.opened" 1;
    /// The limit is another one from now on.
    LimitSet {
        /// The most that it may owe; none is no limit.
        limit: Option<Amount>,
    } "credit.limit_set" 1;
    /// An order counts against the limit.
    Reserved {
        /// The order.
        order_id: OrderId,
        /// Its net total.
        amount: Amount,
    } "credit.reserved" 1;
    /// An order does not count against the limit any more.
    Released {
        /// The order.
        order_id: OrderId,
        /// Its net total.
        amount: Amount,
    } "credit.released" 1;
    /// A credit note reduces what the customer owes.
    Credited {
        /// The credit note.
        credit_note_id: CreditNoteId,
        /// Its net total.
        amount: Amount,
    } "credit.credited" 1;
}
