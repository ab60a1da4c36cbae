//! Release a customer from hold.

use events::customers::{CustomerEvent, CustomerId, CustomerStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Customer, not_closed};
use crate::rejection::Rejection;
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Releases a customer from hold: it can order again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseCustomer {
    /// The customer.
    pub customer_id: CustomerId,
}

impl Command for ReleaseCustomer {
    const FEATURE: &'static str = "customers";
    const ACTION: &'static str = "release";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.customer_id.0
    }

    fn needs(&self, _: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Customer>(self.customer_id);
    }

    fn decide(&self, _: &Context, states: &States) -> Result<Decision, Rejection> {
        match not_closed(states, self.customer_id)? {
            (_, CustomerStatus::OnHold) => {
                Ok(Decision::of(self.customer_id, CustomerEvent::Released {}))
            }
            _ => Err(Rejection::wrong_state("the customer is not on hold")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customers::hold::tests::{held, opened};
    use crate::rejection::Kind;
    use crate::scenario::{CUSTOMER, fact, given};

    fn release() -> ReleaseCustomer {
        ReleaseCustomer { customer_id: CUSTOMER }
    }

    #[test]
    fn a_held_customer_is_released() {
        let released = fact(CUSTOMER, CustomerEvent::Released {});
        given([opened(), held()]).when(release()).then([released]);
    }

    #[test]
    fn an_active_customer_is_not_released() {
        given([opened()]).when(release()).then_rejected(Kind::WrongState, None);
    }
}
