//! What decisions need to know of an order, and what credit notes may give back of it.

pub mod cancel;
pub mod place;

use events::credit_notes::CreditNoteId;
use events::customers::CustomerId;
use events::orders::{OrderEvent, OrderId, OrderPlaced, OrderStatus};
use events::words::Amount;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Decision;
use crate::rejection::Rejection;
use crate::state::{State, States};

/// An order, as decisions see it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Order {
    /// None: there is no such order.
    pub status: Option<OrderStatus>,
    /// How it was placed.
    pub placed: Option<Box<OrderPlaced>>,
    /// What credit notes gave back of its net: never more than that.
    pub credited: Decimal,
}

impl State for Order {
    type Fact = OrderEvent;
    const NAME: &'static str = "order";
    const VERSION: i32 = 1;

    fn evolve(&mut self, fact: &OrderEvent) {
        self.status = fact.moves_to().or(self.status);
        match fact {
            OrderEvent::Placed(placed) => self.placed = Some(Box::new(placed.clone())),
            OrderEvent::Credited { amount, .. } => self.credited += amount.0,
            OrderEvent::Cancelled { .. } => {}
        }
    }

    fn heap_bytes(&self) -> usize {
        self.placed.as_ref().map_or(0, |placed| 400 + placed.lines.len() * 300)
    }
}

/// An order that was placed, how, and its status.
pub(crate) fn existing(
    states: &States,
    id: OrderId,
) -> Result<(&Order, &OrderPlaced, OrderStatus), Rejection> {
    let order = states.get::<Order>(id)?;
    match (&order.placed, order.status) {
        (Some(placed), Some(status)) => Ok((order, placed, status)),
        _ => Err(Rejection::not_found("orderId", "order", id)),
    }
}

/// Gives back a part of what an order came to: never more than all of it. Both amounts are in the
/// customer's currency, which never changes.
pub(crate) fn credit(
    states: &States,
    id: OrderId,
    credit_note_id: CreditNoteId,
    customer_id: CustomerId,
    amount: Amount,
    decision: &mut Decision,
) -> Result<(), Rejection> {
    let (order, placed, status) = existing(states, id)?;
    let refused = |why: String| Err(Rejection::wrong_state(why).at("orderId"));
    if placed.customer_id != customer_id {
        let message = format!("order {} is another customer's, not customerId's", placed.number);
        return Err(Rejection::invalid("orderId", message));
    }
    if status == OrderStatus::Cancelled {
        return refused(format!(
            "order {} is cancelled: there is nothing to credit",
            placed.number
        ));
    }
    let left = placed.net.0 - order.credited;
    if amount.0 > left {
        return refused(format!(
            "the credit note comes to {amount}, but of the {} of order {} only {left} are not \
             credited yet",
            placed.net, placed.number,
        ));
    }
    decision.push(id, OrderEvent::Credited { credit_note_id, amount });
    Ok(())
}

#[cfg(test)]
mod tests;
