//! Set a customer's credit limit.

use events::credit::{CreditEvent, CreditId};
use events::customers::CustomerId;
use events::words::{Amount, Currency};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Customer, not_closed};
use crate::credit::Credit;
use crate::rejection::Rejection;
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Sets the most that a customer may owe. Its credit has a version of its own.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetCustomerCreditLimit {
    /// The customer.
    pub customer_id: CustomerId,
    /// The most that it may owe, in its currency; none: there is no limit. What it owes already
    /// may exceed it: then it orders nothing more.
    pub credit_limit: Option<Amount>,
}

/// A limit that is not negative, and in whole minor units.
pub(super) fn valid_limit(
    limit: Option<Amount>,
    currency: Currency,
) -> Result<Option<Amount>, Rejection> {
    let Some(amount) = limit else { return Ok(None) };
    if amount.0.is_sign_negative() && !amount.0.is_zero() {
        let message = format!("a credit limit of {amount} is negative; use 0 for no credit");
        return Err(Rejection::invalid("creditLimit", message));
    }
    if amount.0.normalize().scale() > currency.minor_digits() {
        let digits = currency.minor_digits();
        let message = format!("{amount} {currency} is too fine: {currency} has {digits} decimals");
        return Err(Rejection::invalid("creditLimit", message));
    }
    Ok(limit)
}

impl Command for SetCustomerCreditLimit {
    const FEATURE: &'static str = "customers";
    const ACTION: &'static str = "set-credit-limit";

    fn record(&self, context: &Context, _: &States) -> Uuid {
        CreditId::of(context.organization, self.customer_id).0
    }

    fn needs(&self, context: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Customer>(self.customer_id);
        needs.name::<Credit>(CreditId::of(context.organization, self.customer_id));
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        let (customer, _) = not_closed(states, self.customer_id)?;
        let limit = match customer.currency {
            Some(currency) => valid_limit(self.credit_limit, currency)?,
            None => self.credit_limit,
        };
        let id = CreditId::of(context.organization, self.customer_id);
        Ok(Decision::of(id, CreditEvent::LimitSet { limit }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customers::hold::tests::opened;
    use crate::rejection::Kind;
    use crate::scenario::{CUSTOMER, fact, given, organization};

    fn set(limit: &str) -> SetCustomerCreditLimit {
        SetCustomerCreditLimit { customer_id: CUSTOMER, credit_limit: limit.parse().ok() }
    }

    #[test]
    fn the_limit_changes_in_the_credits_own_stream() {
        let id = CreditId::of(organization(), CUSTOMER);
        let limit = "20".parse().ok();
        given([opened()]).when(set("20")).then([fact(id, CreditEvent::LimitSet { limit })]);
    }

    #[test]
    fn a_negative_limit_is_refused() {
        given([opened()]).when(set("-0.01")).then_rejected(Kind::Invalid, "creditLimit");
    }

    #[test]
    fn an_unknown_customer_has_no_limit() {
        given([]).when(set("20")).then_rejected(Kind::NotFound, "customerId");
    }
}
