//! Set a customer's payment terms.

use events::customers::{CustomerEvent, CustomerId, PaymentTerms};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Customer, not_closed};
use crate::rejection::Rejection;
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Sets when a customer has to pay.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetCustomerTerms {
    /// The customer.
    pub customer_id: CustomerId,
    /// When it has to pay.
    pub terms: PaymentTermsInput,
}

/// When the customer has to pay.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaymentTermsInput {
    /// Days from the invoice to the due date; 0 is at once.
    pub net_days: u16,
}

const NET_DAYS_MAX: u16 = 365;

/// Terms that a customer can have.
pub(super) fn valid(terms: PaymentTermsInput) -> Result<PaymentTerms, Rejection> {
    let PaymentTermsInput { net_days } = terms;
    if net_days <= NET_DAYS_MAX {
        return Ok(PaymentTerms { net_days });
    }
    let message = format!("{net_days} days are too many; at most {NET_DAYS_MAX}");
    Err(Rejection::invalid("terms.netDays", message))
}

impl Command for SetCustomerTerms {
    const FEATURE: &'static str = "customers";
    const ACTION: &'static str = "set-terms";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.customer_id.0
    }

    fn needs(&self, _: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Customer>(self.customer_id);
    }

    fn decide(&self, _: &Context, states: &States) -> Result<Decision, Rejection> {
        not_closed(states, self.customer_id)?;
        let terms = valid(self.terms)?;
        Ok(Decision::of(self.customer_id, CustomerEvent::TermsSet { terms }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customers::hold::tests::opened;
    use crate::rejection::Kind;
    use crate::scenario::{CUSTOMER, fact, given};

    fn set(net_days: u16) -> SetCustomerTerms {
        SetCustomerTerms { customer_id: CUSTOMER, terms: PaymentTermsInput { net_days } }
    }

    #[test]
    fn terms_change() {
        let terms = PaymentTerms { net_days: 14 };
        given([opened()]).when(set(14)).then([fact(CUSTOMER, CustomerEvent::TermsSet { terms })]);
    }

    #[test]
    fn nobody_gets_more_than_a_year() {
        given([opened()]).when(set(366)).then_rejected(Kind::Invalid, "terms.netDays");
    }

    #[test]
    fn an_unknown_customer_has_no_terms() {
        given([]).when(set(14)).then_rejected(Kind::NotFound, "customerId");
    }
}
