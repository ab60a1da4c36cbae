//! Merge two contacts that are one person.

use events::contacts::{ContactDetails, ContactEvent, ContactId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Contact, active};
use crate::rejection::Rejection;
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Merges two contacts of a customer that are one person: one goes on, with what it lacked from the
/// other, which is not used any more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergeContacts {
    /// The contact that goes on. What is known of it stays.
    pub contact_id: ContactId,
    /// The other one.
    pub duplicate_id: ContactId,
}

impl Command for MergeContacts {
    const FEATURE: &'static str = "contacts";
    const ACTION: &'static str = "merge";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.contact_id.0
    }

    fn needs(&self, _: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Contact>(self.contact_id);
        needs.name::<Contact>(self.duplicate_id);
    }

    fn decide(&self, _: &Context, states: &States) -> Result<Decision, Rejection> {
        let Self { contact_id, duplicate_id } = *self;
        if contact_id == duplicate_id {
            let message = "a contact cannot be merged with itself";
            return Err(Rejection::invalid("duplicateId", message));
        }
        let kept = active(states, "contactId", contact_id)?;
        let duplicate = active(states, "duplicateId", duplicate_id)?;
        if kept.customer_id != duplicate.customer_id {
            let message = "the two contacts are at different customers";
            return Err(Rejection::invalid("duplicateId", message));
        }
        let (has, lends) = (&kept.details, duplicate.details.clone());
        let details = ContactDetails {
            email: lends.email.filter(|_| has.email.is_none()),
            phone: lends.phone.filter(|_| has.phone.is_none()),
            address: lends.address.filter(|_| has.address.is_none()),
            role: lends.role.filter(|_| has.role.is_none()),
        };
        // Whoever is erased later is erased as all of them: it is one person.
        let persons = [&[duplicate_id.0], duplicate.persons.as_slice()].concat();
        let absorbed = ContactEvent::Absorbed { duplicate_id, details, persons };
        let merged = ContactEvent::Merged { into: contact_id };
        Ok(Decision::of(contact_id, absorbed).and(duplicate_id, merged))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use events::Event;
    use events::customers::CustomerId;
    use events::personal::Personal;

    use super::*;
    use crate::contacts::add::tests::added;
    use crate::rejection::Kind;
    use crate::scenario::{fact, given};

    const ONE: Uuid = Uuid::from_u128(0xa1);
    const OTHER: Uuid = Uuid::from_u128(0xa2);
    const THIRD: Uuid = Uuid::from_u128(0xa3);

    pub(crate) fn merged(id: Uuid, into: Uuid) -> (Uuid, Event) {
        fact(id, ContactEvent::Merged { into: ContactId(into) })
    }

    pub(crate) fn absorbed(
        id: Uuid,
        duplicate: Uuid,
        email: Option<(Uuid, &str)>,
        persons: &[Uuid],
    ) -> (Uuid, Event) {
        let email = email.map(|(person, email)| Personal::new(person, email.to_owned()));
        let details = ContactDetails { email, ..ContactDetails::default() };
        let (duplicate_id, persons) = (ContactId(duplicate), persons.to_vec());
        fact(id, ContactEvent::Absorbed { duplicate_id, details, persons })
    }

    fn merge(contact: Uuid, duplicate: Uuid) -> MergeContacts {
        let (contact_id, duplicate_id) = (ContactId(contact), ContactId(duplicate));
        MergeContacts { contact_id, duplicate_id }
    }

    #[test]
    fn the_one_that_goes_on_gets_what_it_lacked_and_keeps_what_it_had() {
        let mail = "anna@example.com";
        given([added(ONE, None), added(OTHER, Some(mail))])
            .when(merge(ONE, OTHER))
            .then([absorbed(ONE, OTHER, Some((OTHER, mail)), &[OTHER]), merged(OTHER, ONE)]);
        given([added(ONE, Some("a@b.c")), added(OTHER, Some(mail))])
            .when(merge(ONE, OTHER))
            .then([absorbed(ONE, OTHER, None, &[OTHER]), merged(OTHER, ONE)]);
    }

    #[test]
    fn whoever_absorbs_an_absorber_has_all_of_its_persons() {
        let before = [added(ONE, None), added(OTHER, None), added(THIRD, None)];
        let merging = [absorbed(OTHER, THIRD, None, &[THIRD]), merged(THIRD, OTHER)];
        given(before.into_iter().chain(merging))
            .when(merge(ONE, OTHER))
            .then([absorbed(ONE, OTHER, None, &[OTHER, THIRD]), merged(OTHER, ONE)]);
    }

    #[test]
    fn only_two_different_contacts_of_one_customer_are_merged() {
        let there = given([added(ONE, None)]);
        there.when(merge(ONE, ONE)).then_rejected(Kind::Invalid, "duplicateId");
        there.when(merge(ONE, OTHER)).then_rejected(Kind::NotFound, "duplicateId");
        there.when(merge(OTHER, ONE)).then_rejected(Kind::NotFound, "contactId");
        let elsewhere = ContactEvent::Added {
            customer_id: CustomerId(THIRD),
            name: Personal::new(OTHER, "Anna".to_owned()),
            details: ContactDetails::default(),
        };
        let apart = given([added(ONE, None), fact(OTHER, elsewhere)]);
        apart.when(merge(ONE, OTHER)).then_rejected(Kind::Invalid, "duplicateId");
        let twice = given([added(ONE, None), added(OTHER, None), merged(OTHER, ONE)]);
        twice.when(merge(ONE, OTHER)).then_rejected(Kind::WrongState, "duplicateId");
    }
}
