//! What decisions need to know of an order.

pub mod cancel;
pub mod place;
mod price;

use events::orders::{OrderEvent, OrderId, OrderPlaced, OrderStatus};

use crate::rejection::Rejection;
use crate::state::{State, States};

/// An order, as decisions see it.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// None: there is no such order.
    pub status: Option<OrderStatus>,
    /// How it was placed.
    pub placed: Option<Box<OrderPlaced>>,
}

impl State for Order {
    type Fact = OrderEvent;

    fn evolve(&mut self, fact: &OrderEvent) {
        self.status = fact.moves_to().or(self.status);
        if let OrderEvent::Placed(placed) = fact {
            self.placed = Some(Box::new(placed.clone()));
        }
    }

    fn heap_bytes(&self) -> usize {
        self.placed.as_ref().map_or(0, |placed| 400 + placed.lines.len() * 300)
    }
}

/// An order that was placed, with its status.
pub(crate) fn existing(
    states: &States,
    id: OrderId,
) -> Result<(&OrderPlaced, OrderStatus), Rejection> {
    let order = states.get::<Order>(id)?;
    match (&order.placed, order.status) {
        (Some(placed), Some(status)) => Ok((placed, status)),
        _ => Err(Rejection::not_found("orderId", "order", id)),
    }
}
