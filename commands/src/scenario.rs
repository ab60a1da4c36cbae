//! Given facts, when a command, then facts or a rejection: the tests beside the commands are
//! written in these words.

use chrono::{DateTime, Utc};
use events::Event;
use events::customers::CustomerId;
use events::log::StreamKey;
use events::orders::OrderId;
use events::organizations::OrganizationEvent;
use events::products::ProductId;
use events::words::{Actor, OrganizationId};
use uuid::Uuid;

use crate::rejection::{Kind, Rejection};
use crate::state::{Needs, States};
use crate::{Command, Context};

pub(crate) const CUSTOMER: CustomerId = CustomerId(Uuid::from_u128(0xc1));
pub(crate) const PRODUCT: ProductId = ProductId(Uuid::from_u128(0xb1));
pub(crate) const ORDER: OrderId = OrderId(Uuid::from_u128(0xd1));
/// The id of whatever the command under test makes.
pub(crate) const FRESH: Uuid = Uuid::from_u128(0xf1);

pub(crate) fn organization() -> OrganizationId {
    OrganizationId::of_slug("acme")
}

pub(crate) fn now() -> DateTime<Utc> {
    "2026-03-01T23:30:00Z".parse().unwrap()
}

pub(crate) fn context() -> Context {
    Context { organization: organization(), actor: Actor::Administrator, now: now(), id: FRESH }
}

/// An organization in Zurich that trades in euros.
pub(crate) fn registered() -> (Uuid, Event) {
    let registered = OrganizationEvent::Registered {
        slug: "acme".to_owned(),
        name: "Acme".to_owned(),
        currency: "EUR".parse().unwrap(),
        time_zone: chrono_tz::Europe::Zurich,
    };
    (organization().0, registered.into())
}

/// What has happened: in the organization of [`registered`].
pub(crate) struct Given(Vec<(Uuid, Event)>);

pub(crate) fn given(facts: impl IntoIterator<Item = (Uuid, Event)>) -> Given {
    Given(std::iter::once(registered()).chain(facts).collect())
}

/// A fact of a record.
pub(crate) fn fact(id: impl Into<Uuid>, event: impl Into<Event>) -> (Uuid, Event) {
    (id.into(), event.into())
}

impl Given {
    /// Decides on what has happened, asking for states in rounds as the executor does.
    pub(crate) fn when<C: Command>(&self, command: C) -> Then {
        let context = context();
        let mut states = States::new(organization());
        for _ in 0..=3 {
            let mut needs = Needs::new(organization());
            command.needs(&context, &states, &mut needs);
            needs.name::<crate::organizations::Organization>(organization());
            for need in needs.list {
                let mut entry = need.fresh();
                let key = |id: &Uuid| StreamKey { organization: organization().0, id: *id };
                for (_, event) in self.0.iter().filter(|(id, _)| key(id) == need.key) {
                    entry.apply(event, Uuid::nil());
                }
                states.entries.insert(need.key, entry);
            }
        }
        let decided = command.decide(&context, &states);
        let erased = decided.as_ref().map_or(Vec::new(), |decision| decision.erased.clone());
        Then(decided.map(|decision| decision.facts), erased)
    }
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Then(pub(crate) Result<Vec<(Uuid, Event)>, Rejection>, Vec<Uuid>);

impl Then {
    /// The persons who are erased.
    pub(crate) fn erased(&self) -> &[Uuid] {
        &self.1
    }

    #[track_caller]
    pub(crate) fn then(self, facts: impl IntoIterator<Item = (Uuid, Event)>) {
        assert_eq!(self.0, Ok(facts.into_iter().collect()));
    }

    #[track_caller]
    pub(crate) fn then_rejected(self, kind: Kind, field: impl Into<Option<&'static str>>) {
        let rejection = self.0.expect_err("it should have been rejected");
        assert_eq!((rejection.kind, rejection.field.as_deref()), (kind, field.into()));
    }
}
