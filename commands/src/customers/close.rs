//! Close a customer account.

use events::credit::CreditId;
use events::customers::{CustomerEvent, CustomerId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Customer, not_closed};
use crate::credit::Credit;
use crate::rejection::{Rejection, text};
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Closes a customer account where nobody owes anything: it never orders again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloseCustomer {
    /// The customer.
    pub customer_id: CustomerId,
    /// Why.
    pub reason: String,
}

impl Command for CloseCustomer {
    const FEATURE: &'static str = "customers";
    const ACTION: &'static str = "close";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.customer_id.0
    }

    fn needs(&self, context: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Customer>(self.customer_id);
        needs.name::<Credit>(CreditId::of(context.organization, self.customer_id));
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        not_closed(states, self.customer_id)?;
        let id = CreditId::of(context.organization, self.customer_id);
        if let Some(why) = states.get::<Credit>(id)?.unsettled() {
            return Err(Rejection::wrong_state(why));
        }
        let reason = text("reason", &self.reason, 500)?;
        Ok(Decision::of(self.customer_id, CustomerEvent::Closed { reason }))
    }
}

#[cfg(test)]
mod tests {
    use events::credit::CreditEvent;
    use events::credit_notes::CreditNoteId;

    use super::*;
    use crate::customers::hold::tests::opened;
    use crate::rejection::Kind;
    use crate::scenario::{CUSTOMER, FRESH, ORDER, fact, given, organization};

    fn close() -> CloseCustomer {
        CloseCustomer { customer_id: CUSTOMER, reason: "moved away".to_owned() }
    }

    #[test]
    fn a_customer_without_open_orders_is_closed_once() {
        let reason = "moved away".to_owned();
        let closed = fact(CUSTOMER, CustomerEvent::Closed { reason });
        given([opened()]).when(close()).then([closed.clone()]);
        given([opened(), closed]).when(close()).then_rejected(Kind::WrongState, None);
    }

    #[test]
    fn a_customer_with_open_orders_is_not_closed() {
        let id = CreditId::of(organization(), CUSTOMER);
        let amount = "10".parse().unwrap();
        let reserved = fact(id, CreditEvent::Reserved { order_id: ORDER, amount });
        given([opened(), reserved]).when(close()).then_rejected(Kind::WrongState, None);
    }

    #[test]
    fn a_customer_to_whom_something_is_owed_is_not_closed() {
        let id = CreditId::of(organization(), CUSTOMER);
        let (credit_note_id, amount) = (CreditNoteId(FRESH), "10".parse().unwrap());
        let credited = fact(id, CreditEvent::Credited { credit_note_id, amount });
        let then = given([opened(), credited]).when(close());
        let message = then.0.as_ref().unwrap_err().message.clone();
        assert!(message.starts_with("the customer is owed 10"), "{message}");
        then.then_rejected(Kind::WrongState, None);
    }
}
