//! What credit notes may give back of an order.

use events::words::Amount;
use proptest::prelude::*;
use uuid::Uuid;

use super::cancel::tests::placed;
use super::*;
use crate::scenario::{CUSTOMER, FRESH, ORDER, fact, organization};
use crate::state::Needs;

/// The states of one order, after these facts.
fn states(facts: &[OrderEvent]) -> States {
    let mut needs = Needs::new(organization());
    needs.name::<Order>(ORDER);
    let mut states = States::new(organization());
    for need in needs.list {
        let mut entry = need.fresh();
        facts.iter().for_each(|order| entry.apply(&fact(ORDER, order.clone()).1, Uuid::nil()));
        states.insert(&need, entry);
    }
    states
}

proptest! {
    /// Whatever credit notes are wanted, those taken never come to more than the order did, and
    /// one that still fits is taken.
    #[test]
    fn what_is_credited_never_exceeds_the_order(
        wanted in prop::collection::vec(0_i64..300, 1..20),
    ) {
        let mut facts = vec![OrderEvent::Placed(placed())];
        let net = placed().net.0;
        let mut taken = Decimal::ZERO;
        for cents in wanted {
            let (id, amount) = (CreditNoteId(FRESH), Amount(Decimal::new(cents, 2)));
            let mut decision = Decision::default();
            let credited = credit(&states(&facts), ORDER, id, CUSTOMER, amount, &mut decision);
            prop_assert_eq!(credited.is_ok(), taken + amount.0 <= net);
            if credited.is_ok() {
                taken += amount.0;
                facts.push(OrderEvent::Credited { credit_note_id: id, amount });
            }
            prop_assert_eq!(decision.facts.len(), usize::from(credited.is_ok()));
            prop_assert_eq!(states(&facts).get::<Order>(ORDER).unwrap().credited, taken);
            prop_assert!(taken <= net);
        }
    }
}

#[test]
fn the_order_of_another_customer_is_not_credited() {
    let (amount, other) = (Amount(Decimal::ONE), CustomerId(Uuid::nil()));
    let states = states(&[OrderEvent::Placed(placed())]);
    let mut decision = Decision::default();
    let refused = credit(&states, ORDER, CreditNoteId(FRESH), other, amount, &mut decision);
    assert_eq!(refused.unwrap_err().field.as_deref(), Some("orderId"));
    assert_eq!(decision, Decision::default());
}
