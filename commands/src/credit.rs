//! What decisions need to know of a customer's credit: the limit, and how much of it is used.

use events::credit::{CreditEvent, CreditId};
use events::orders::OrderId;
use events::words::Amount;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Decision;
use crate::rejection::{Kind, Rejection};
use crate::state::State;

/// A customer's credit, in the customer's currency.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Credit {
    /// The most that may be owed; none is no limit.
    pub limit: Option<Decimal>,
    /// What open orders come to, less what was credited. Below zero the seller owes the customer.
    pub exposure: Decimal,
}

impl State for Credit {
    type Fact = CreditEvent;
    const NAME: &'static str = "credit";
    const VERSION: i32 = 1;

    fn evolve(&mut self, fact: &CreditEvent) {
        match fact {
            CreditEvent::Opened { limit, .. } | CreditEvent::LimitSet { limit } => {
                self.limit = limit.map(|limit| limit.0);
            }
            CreditEvent::Reserved { amount, .. } => self.exposure += amount.0,
            CreditEvent::Released { amount, .. } | CreditEvent::Credited { amount, .. } => {
                self.exposure -= amount.0;
            }
        }
    }
}

impl Credit {
    /// Who owes what, if anybody owes anything.
    pub(crate) fn unsettled(&self) -> Option<String> {
        let exposure = self.exposure;
        if exposure.is_zero() {
            return None;
        }
        Some(if exposure.is_sign_positive() {
            format!("the customer has open orders of {exposure}; cancel or credit them first")
        } else {
            format!(
                "the customer is owed {}: more was credited than ordered; it can be closed once \
                 orders have used that up",
                -exposure,
            )
        })
    }

    /// Counts an order against the limit; beyond it only if it is overridden.
    pub(crate) fn reserve(
        &self,
        id: CreditId,
        order_id: OrderId,
        amount: Amount,
        overridden: bool,
        decision: &mut Decision,
    ) -> Result<(), Rejection> {
        if let Some(limit) = self.limit
            && self.exposure + amount.0 > limit
            && !overridden
        {
            let message = format!(
                "the order comes to {amount}, but of the credit limit of {limit} only {} are free; \
                 raise the limit, or override it with a reason in `creditOverride`",
                (limit - self.exposure).max(Decimal::ZERO),
            );
            return Err(Rejection::new(Kind::CreditExceeded, message));
        }
        decision.push(id, CreditEvent::Reserved { order_id, amount });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use events::credit_notes::CreditNoteId;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Place(i64),
        Cancel,
        Credit(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0_i64..400).prop_map(Step::Place),
            1 => Just(Step::Cancel),
            1 => (0_i64..300).prop_map(Step::Credit),
        ]
    }

    proptest! {
        /// For any series of orders, cancellations and credit notes, exposure is what is open less
        /// what was credited, and never exceeds the limit.
        #[test]
        fn exposure_is_the_sum_of_open_orders_less_what_was_credited(
            limit in 0_i64..1_000,
            steps in prop::collection::vec(step(), 1..60),
        ) {
            let id = CreditId(uuid::Uuid::nil());
            let mut credit = Credit { limit: Some(limit.into()), exposure: Decimal::ZERO };
            let mut open: Vec<i64> = Vec::new();
            let mut credited = 0;
            for step in steps {
                let order_id = OrderId(uuid::Uuid::nil());
                match step {
                    Step::Cancel => if let Some(amount) = open.pop() {
                        let amount = Amount(amount.into());
                        credit.evolve(&CreditEvent::Released { order_id, amount });
                    },
                    Step::Credit(amount) => {
                        credited += amount;
                        let credit_note_id = CreditNoteId(uuid::Uuid::nil());
                        let amount = Amount(amount.into());
                        credit.evolve(&CreditEvent::Credited { credit_note_id, amount });
                    }
                    Step::Place(cents) => {
                        let mut decision = Decision::default();
                        let amount = Amount(cents.into());
                        let fits = open.iter().sum::<i64>() - credited + cents <= limit;
                        let reserved = credit.reserve(id, order_id, amount, false, &mut decision);
                        prop_assert_eq!(reserved.is_ok(), fits);
                        if fits {
                            credit.evolve(&CreditEvent::Reserved { order_id, amount });
                            open.push(cents);
                        }
                    }
                }
                let owed = open.iter().sum::<i64>() - credited;
                prop_assert_eq!(credit.exposure, Decimal::from(owed));
                prop_assert!(credit.exposure <= limit.into());
                prop_assert_eq!(credit.unsettled().is_none(), owed == 0);
            }
        }
    }
}
