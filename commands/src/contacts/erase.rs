//! Erase a person.

use events::contacts::{ContactEvent, ContactId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Contact, active};
use crate::rejection::{Rejection, text};
use crate::state::{Needs, States};
use crate::{Command, Context, Decision, Person};

/// Erases a person: the keys of what belongs to them are taken away, for ever. What happened stays;
/// nobody reads the person in it any more. It cannot be taken back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EraseContact {
    /// The contact.
    pub contact_id: ContactId,
    /// Why, such as the request that asks for it; it stays readable, so do not name the person.
    pub reason: String,
}

impl Command for EraseContact {
    const FEATURE: &'static str = "contacts";
    const ACTION: &'static str = "erase";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.contact_id.0
    }

    fn needs(&self, _: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Contact>(self.contact_id);
    }

    fn persons(&self, _: &Context) -> Vec<Person> {
        vec![Person::Erased(self.contact_id.0)]
    }

    fn decide(&self, _: &Context, states: &States) -> Result<Decision, Rejection> {
        let contact = active(states, "contactId", self.contact_id)?;
        let reason = text("reason", &self.reason, 500)?;
        let persons = std::iter::once(self.contact_id.0).chain(contact.persons.iter().copied());
        let erased = ContactEvent::Erased { reason };
        Ok(Decision::of(self.contact_id, erased).erasing(persons))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use events::Event;

    use super::*;
    use crate::contacts::add::tests::added;
    use crate::contacts::merge::tests::{absorbed, merged};
    use crate::rejection::Kind;
    use crate::scenario::{fact, given};

    const ONE: Uuid = Uuid::from_u128(0xa1);
    const OTHER: Uuid = Uuid::from_u128(0xa2);

    fn erase() -> EraseContact {
        EraseContact { contact_id: ContactId(ONE), reason: "request 17".to_owned() }
    }

    pub(crate) fn erased(id: Uuid) -> (Uuid, Event) {
        fact(id, ContactEvent::Erased { reason: "request 17".to_owned() })
    }

    #[test]
    fn a_person_is_erased_with_its_key() {
        let then = given([added(ONE, None)]).when(erase());
        assert_eq!(then.erased(), [ONE]);
        then.then([erased(ONE)]);
    }

    #[test]
    fn whoever_was_merged_into_it_is_erased_too() {
        let both = [added(ONE, None), added(OTHER, Some("anna@example.com"))];
        let merging =
            [absorbed(ONE, OTHER, Some((OTHER, "anna@example.com")), &[OTHER]), merged(OTHER, ONE)];
        let then = given(both.into_iter().chain(merging)).when(erase());
        assert_eq!(then.erased(), [ONE, OTHER]);
        then.then([erased(ONE)]);
    }

    #[test]
    fn an_erasure_has_a_reason_and_happens_once() {
        let silent = EraseContact { reason: " ".to_owned(), ..erase() };
        given([added(ONE, None)]).when(silent).then_rejected(Kind::Invalid, "reason");
        given([]).when(erase()).then_rejected(Kind::NotFound, "contactId");
        let gone = given([added(ONE, None), erased(ONE)]);
        gone.when(erase()).then_rejected(Kind::WrongState, "contactId");
        let merged = given([added(ONE, None), added(OTHER, None), merged(ONE, OTHER)]);
        merged.when(erase()).then_rejected(Kind::WrongState, "contactId");
    }
}
