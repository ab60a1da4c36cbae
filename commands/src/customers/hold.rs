//! Put a customer on hold.

use events::customers::{CustomerEvent, CustomerId, CustomerStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Customer, not_closed};
use crate::rejection::{Rejection, text};
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Puts a customer on hold: it cannot order until it is released.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HoldCustomer {
    /// The customer.
    pub customer_id: CustomerId,
    /// Why.
    pub reason: String,
}

impl Command for HoldCustomer {
    const FEATURE: &'static str = "customers";
    const ACTION: &'static str = "hold";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.customer_id.0
    }

    fn needs(&self, _: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Customer>(self.customer_id);
    }

    fn decide(&self, _: &Context, states: &States) -> Result<Decision, Rejection> {
        match not_closed(states, self.customer_id)? {
            (_, CustomerStatus::Active) => {
                let reason = text("reason", &self.reason, 500)?;
                Ok(Decision::of(self.customer_id, CustomerEvent::Held { reason }))
            }
            _ => Err(Rejection::wrong_state("the customer is on hold already")),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use events::Event;
    use events::customers::PaymentTerms;

    use super::*;
    use crate::rejection::Kind;
    use crate::scenario::{CUSTOMER, fact, given};

    pub(crate) fn opened() -> (Uuid, Event) {
        fact(
            CUSTOMER,
            CustomerEvent::Opened {
                number: None,
                name: "Bolt & Co".to_owned(),
                currency: "EUR".parse().unwrap(),
                terms: PaymentTerms { net_days: 30 },
            },
        )
    }

    pub(crate) fn held() -> (Uuid, Event) {
        fact(CUSTOMER, CustomerEvent::Held { reason: "late".to_owned() })
    }

    fn hold() -> HoldCustomer {
        HoldCustomer { customer_id: CUSTOMER, reason: "late".to_owned() }
    }

    #[test]
    fn an_active_customer_is_held() {
        given([opened()]).when(hold()).then([held()]);
    }

    #[test]
    fn a_customer_is_held_once() {
        given([opened(), held()]).when(hold()).then_rejected(Kind::WrongState, None);
    }

    #[test]
    fn an_unknown_customer_is_not_held() {
        given([]).when(hold()).then_rejected(Kind::NotFound, "customerId");
    }
}
