//! What decisions need to know of a customer's credit: the limit, and how much of it is used.

use events::credit::{CreditEvent, CreditId};
use events::orders::OrderId;
use events::words::Amount;
use rust_decimal::Decimal;

use crate::Decision;
use crate::rejection::{Kind, Rejection};
use crate::state::State;

/// A customer's credit, in the customer's currency.
#[derive(Debug, Clone, Default)]
pub struct Credit {
    /// The most that may be owed; none is no limit.
    pub limit: Option<Decimal>,
    /// What open orders come to.
    pub exposure: Decimal,
}

impl State for Credit {
    type Fact = CreditEvent;

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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// For any series of orders and cancellations, exposure is what is open and never exceeds
        /// the limit.
        #[test]
        fn exposure_is_the_sum_of_open_orders(
            limit in 0_i64..1_000,
            steps in prop::collection::vec((0_i64..400, any::<bool>()), 1..60),
        ) {
            let id = CreditId(uuid::Uuid::nil());
            let mut credit = Credit { limit: Some(limit.into()), exposure: Decimal::ZERO };
            let mut open: Vec<i64> = Vec::new();
            for (amount, cancels) in steps {
                let order_id = OrderId(uuid::Uuid::nil());
                if cancels && let Some(amount) = open.pop() {
                    let amount = Amount(amount.into());
                    credit.evolve(&CreditEvent::Released { order_id, amount });
                } else {
                    let mut decision = Decision::default();
                    let amount = Amount(amount.into());
                    let fits = Decimal::from(open.iter().sum::<i64>()) + amount.0 <= limit.into();
                    let reserved = credit.reserve(id, order_id, amount, false, &mut decision);
                    prop_assert_eq!(reserved.is_ok(), fits);
                    if fits {
                        credit.evolve(&CreditEvent::Reserved { order_id, amount });
                        open.push(amount.0.try_into().unwrap());
                    }
                }
                prop_assert_eq!(credit.exposure, Decimal::from(open.iter().sum::<i64>()));
                prop_assert!(credit.exposure <= limit.into());
            }
        }
    }
}
