//! Open a customer account.

use events::credit::{CreditEvent, CreditId};
use events::customers::{CustomerEvent, CustomerId};
use events::words::{Amount, Currency};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Customer;
use super::set_credit_limit::valid_limit;
use super::set_terms::{self, PaymentTermsInput};
use crate::credit::Credit;
use crate::organizations::Organization;
use crate::rejection::{Rejection, optional_text, text};
use crate::reservations::Claim;
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Opens a customer account: a company that buys.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenCustomer {
    /// The company's name.
    pub name: String,
    /// Your number for it: unique in the organization.
    #[serde(default)]
    pub number: Option<String>,
    /// The currency (ISO 4217) of its orders and of its credit; the organization's by default.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// When it has to pay; within 30 days by default.
    #[serde(default)]
    pub terms: Option<PaymentTermsInput>,
    /// The most that it may owe; without one there is no limit.
    #[serde(default)]
    pub credit_limit: Option<Amount>,
}

/// The most characters of a customer's number.
pub const NUMBER_CHARACTERS_MAX: usize = 60;
/// The most characters of a customer's name.
pub const NAME_CHARACTERS_MAX: usize = 200;
const DEFAULT_TERMS: PaymentTermsInput = PaymentTermsInput { net_days: 30 };

impl OpenCustomer {
    fn with_claim<T>(&self, then: impl FnOnce(Option<Claim<'_>>) -> T) -> T {
        let Some(number) = &self.number else {
            return then(None);
        };
        let parts = [number.trim()];
        then(Some(Claim { kind: "customer_number", parts: &parts, field: "number" }))
    }
}

impl Command for OpenCustomer {
    const FEATURE: &'static str = "customers";
    const ACTION: &'static str = "open";

    fn record(&self, context: &Context, _: &States) -> Uuid {
        context.id
    }

    fn needs(&self, context: &Context, _: &States, needs: &mut Needs) {
        let id = CustomerId(context.id);
        needs.begin::<Customer>(id);
        needs.begin::<Credit>(CreditId::of(context.organization, id));
        self.with_claim(|claim| {
            if let Some(claim) = claim {
                claim.needs(context.organization, needs);
            }
        });
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        let id = CustomerId(context.id);
        if states.get::<Customer>(id)?.status.is_some() {
            return Err(Rejection::wrong_state("the customer is open already"));
        }
        let organization = states.get::<Organization>(context.organization)?;
        let currency = self.currency.or(organization.currency).ok_or_else(|| {
            Rejection::invalid("currency", "the organization has no currency: state one")
        })?;
        let limit = valid_limit(self.credit_limit, currency)?;
        let opened = CustomerEvent::Opened {
            number: optional_text("number", self.number.as_ref(), NUMBER_CHARACTERS_MAX)?,
            name: text("name", &self.name, NAME_CHARACTERS_MAX)?,
            currency,
            terms: set_terms::valid(self.terms.unwrap_or(DEFAULT_TERMS))?,
        };
        let credit = CreditEvent::Opened { customer_id: id, currency, limit };
        let mut decision =
            Decision::of(id, opened).and(CreditId::of(context.organization, id), credit);
        self.with_claim(|claim| match claim {
            Some(claim) => claim.claim(context.organization, states, id, &mut decision),
            None => Ok(()),
        })?;
        Ok(decision)
    }
}

#[cfg(test)]
mod tests {
    use events::reservations::{ReservationEvent, ReservationId};

    use events::customers::PaymentTerms;

    use super::*;
    use crate::rejection::Kind;
    use crate::scenario::{FRESH, fact, given, organization};

    fn open() -> OpenCustomer {
        OpenCustomer {
            name: "Bolt & Co".to_owned(),
            number: Some("C-7".to_owned()),
            currency: None,
            terms: None,
            credit_limit: Some("500".parse().unwrap()),
        }
    }

    fn claimed() -> (Uuid, events::Event) {
        let id = ReservationId::of(organization(), "customer_number", &["C-7"]);
        let kind = "customer_number".to_owned();
        fact(id, ReservationEvent::Claimed { kind, value: "C-7".to_owned(), holder: FRESH })
    }

    #[test]
    fn a_customer_gets_the_organizations_currency_and_a_credit() {
        let currency = "EUR".parse().unwrap();
        let id = CustomerId(FRESH);
        given([]).when(open()).then([
            fact(
                id,
                CustomerEvent::Opened {
                    number: Some("C-7".to_owned()),
                    name: "Bolt & Co".to_owned(),
                    currency,
                    terms: PaymentTerms { net_days: 30 },
                },
            ),
            fact(
                CreditId::of(organization(), id),
                CreditEvent::Opened {
                    customer_id: id,
                    currency,
                    limit: Some("500".parse().unwrap()),
                },
            ),
            claimed(),
        ]);
    }

    #[test]
    fn a_number_belongs_to_one_customer() {
        given([claimed()]).when(open()).then_rejected(Kind::Taken, "number");
    }

    #[test]
    fn an_empty_name_is_refused() {
        let nameless = OpenCustomer { name: "  ".to_owned(), ..open() };
        given([]).when(nameless).then_rejected(Kind::Invalid, "name");
    }

    #[test]
    fn a_limit_below_zero_or_finer_than_a_cent_is_refused() {
        for limit in ["-1", "0.001"] {
            let limited = OpenCustomer { credit_limit: limit.parse().ok(), ..open() };
            given([]).when(limited).then_rejected(Kind::Invalid, "creditLimit");
        }
    }
}
