//! What decisions need to know of a customer account.

pub mod close;
pub mod hold;
pub mod open;
pub mod release;
pub mod set_credit_limit;
pub mod set_terms;

use events::customers::{CustomerEvent, CustomerId, CustomerStatus};
use events::words::Currency;
use serde::{Deserialize, Serialize};

use crate::rejection::Rejection;
use crate::state::{State, States};

/// A customer account, as decisions see it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Customer {
    /// None: there is no such customer.
    pub status: Option<CustomerStatus>,
    /// Its name.
    pub name: String,
    /// The currency of its orders; always there once it is opened.
    pub currency: Option<Currency>,
}

impl State for Customer {
    type Fact = CustomerEvent;
    const NAME: &'static str = "customer";
    const VERSION: i32 = 1;

    fn evolve(&mut self, fact: &CustomerEvent) {
        self.status = fact.moves_to().or(self.status);
        if let CustomerEvent::Opened { name, currency, .. } = fact {
            self.name.clone_from(name);
            self.currency = Some(*currency);
        }
    }

    fn heap_bytes(&self) -> usize {
        self.name.len()
    }
}

/// A customer that exists, with its status.
pub(crate) fn existing(
    states: &States,
    id: CustomerId,
) -> Result<(&Customer, CustomerStatus), Rejection> {
    let customer = states.get::<Customer>(id)?;
    let status =
        customer.status.ok_or_else(|| Rejection::not_found("customerId", "customer", id))?;
    Ok((customer, status))
}

/// A customer that exists and is not closed, with its status.
pub(crate) fn not_closed(
    states: &States,
    id: CustomerId,
) -> Result<(&Customer, CustomerStatus), Rejection> {
    match existing(states, id)? {
        (_, CustomerStatus::Closed) => Err(Rejection::wrong_state("the customer is closed")),
        open => Ok(open),
    }
}
