//! Cancel an order: its goods and its credit are free again, in the same append.

use std::collections::BTreeMap;

use events::credit::{CreditEvent, CreditId};
use events::orders::{CancelledLine, OrderEvent, OrderId, OrderLine, OrderStatus};
use events::stock::StockItemId;
use events::words::{OrganizationId, Quantity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Order, existing};
use crate::credit::Credit;
use crate::rejection::{Rejection, text};
use crate::state::{Needs, States};
use crate::stock::{StockItem, released_by};
use crate::{Command, Context, Decision};

/// Cancels a placed order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelOrder {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: String,
}

fn items(organization: OrganizationId, lines: &[OrderLine]) -> BTreeMap<StockItemId, Quantity> {
    let mut items: BTreeMap<StockItemId, Quantity> = BTreeMap::new();
    for line in lines {
        let item = StockItemId::of(organization, line.product_id, line.warehouse_id, &line.unit);
        items.entry(item).or_default().0 += line.quantity.0;
    }
    items
}

fn cancelled_line(line: &OrderLine) -> CancelledLine {
    let (product_id, quantity) = (line.product_id, line.quantity);
    CancelledLine { product_id, quantity, gross: line.gross, net: line.net }
}

impl Command for CancelOrder {
    const FEATURE: &'static str = "orders";
    const ACTION: &'static str = "cancel";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.order_id.0
    }

    fn needs(&self, context: &Context, known: &States, needs: &mut Needs) {
        needs.name::<Order>(self.order_id);
        let order = known.known::<Order>(self.order_id);
        let Some(placed) = order.and_then(|order| order.placed.as_ref()) else {
            return;
        };
        needs.name::<Credit>(CreditId::of(context.organization, placed.customer_id));
        for item in items(context.organization, &placed.lines).into_keys() {
            needs.name::<StockItem>(item);
        }
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        let (order, placed, status) = existing(states, self.order_id)?;
        if status != OrderStatus::Placed {
            return Err(Rejection::wrong_state("the order is cancelled already"));
        }
        if !order.credited.is_zero() {
            let message = format!(
                "{} of the order's {} were credited: it cannot be cancelled any more; credit the \
                 rest instead",
                order.credited, placed.net,
            );
            return Err(Rejection::wrong_state(message));
        }
        let cancelled = OrderEvent::Cancelled {
            reason: text("reason", &self.reason, 500)?,
            customer_id: placed.customer_id,
            currency: placed.currency,
            gross: placed.gross,
            net: placed.net,
            business_date: placed.business_date,
            lines: placed.lines.iter().map(cancelled_line).collect(),
        };
        let credit = CreditId::of(context.organization, placed.customer_id);
        let released = CreditEvent::Released { order_id: self.order_id, amount: placed.net };
        let mut decision = Decision::of(self.order_id, cancelled).and(credit, released);
        for (item, quantity) in items(context.organization, &placed.lines) {
            decision.push(item, released_by(self.order_id, quantity));
        }
        Ok(decision)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use events::credit_notes::CreditNoteId;
    use events::orders::OrderPlaced;
    use events::words::Rounding;

    use super::*;
    use crate::orders::place::tests::line_of;
    use crate::rejection::Kind;
    use crate::scenario::{CUSTOMER, FRESH, ORDER, fact, given, now, organization};

    pub(crate) fn placed() -> OrderPlaced {
        let amount = "2.50".parse().unwrap();
        OrderPlaced {
            series: "web".to_owned(),
            number: "17".to_owned(),
            customer_id: CUSTOMER,
            customer_name: "Bolt & Co".to_owned(),
            reference: None,
            placed_at: now(),
            business_date: now().date_naive(),
            currency: "EUR".parse().unwrap(),
            rounding: Rounding::default(),
            lines: vec![line_of(amount, amount), line_of(amount, amount)],
            gross: "5".parse().unwrap(),
            net: "5.00".parse().unwrap(),
            credit_override: None,
        }
    }

    fn cancel() -> CancelOrder {
        CancelOrder { order_id: ORDER, reason: "changed their mind".to_owned() }
    }

    pub(crate) fn cancelled() -> (Uuid, events::Event) {
        fact(
            ORDER,
            OrderEvent::Cancelled {
                reason: "changed their mind".to_owned(),
                customer_id: CUSTOMER,
                currency: "EUR".parse().unwrap(),
                gross: "5".parse().unwrap(),
                net: "5.00".parse().unwrap(),
                business_date: now().date_naive(),
                lines: placed().lines.iter().map(cancelled_line).collect(),
            },
        )
    }

    #[test]
    fn a_cancelled_order_frees_goods_and_credit() {
        let (item, quantity) = items(organization(), &placed().lines).pop_first().unwrap();
        assert_eq!(quantity, "2".parse().unwrap());
        let credit = CreditId::of(organization(), CUSTOMER);
        given([fact(ORDER, OrderEvent::Placed(placed()))]).when(cancel()).then([
            cancelled(),
            fact(credit, CreditEvent::Released { order_id: ORDER, amount: placed().net }),
            fact(item, released_by(ORDER, quantity)),
        ]);
    }

    #[test]
    fn an_order_is_cancelled_once() {
        let placed = fact(ORDER, OrderEvent::Placed(placed()));
        given([placed, cancelled()]).when(cancel()).then_rejected(Kind::WrongState, None);
    }

    #[test]
    fn an_order_that_was_credited_is_not_cancelled_any_more() {
        let amount = "0.01".parse().unwrap();
        let credited = OrderEvent::Credited { credit_note_id: CreditNoteId(FRESH), amount };
        let order = [fact(ORDER, OrderEvent::Placed(placed())), fact(ORDER, credited)];
        given(order).when(cancel()).then_rejected(Kind::WrongState, None);
    }

    #[test]
    fn an_unknown_order_is_not_cancelled() {
        given([]).when(cancel()).then_rejected(Kind::NotFound, "orderId");
    }
}
