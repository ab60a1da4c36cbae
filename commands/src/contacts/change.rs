//! Change what is known of a contact.

use events::contacts::{ContactEvent, ContactId};
use events::personal::Personal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Contact, NAME_CHARACTERS_MAX, Stated, active};
use crate::rejection::{Rejection, optional_text};
use crate::state::{Needs, States};
use crate::{Command, Context, Decision, Person};

/// Changes what is known of a contact. What is left out stays; an empty text takes it away.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeContact {
    /// The contact.
    pub contact_id: ContactId,
    /// The person's name; it cannot be taken away.
    #[serde(default)]
    pub name: Option<String>,
    /// The e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// The phone number.
    #[serde(default)]
    pub phone: Option<String>,
    /// The postal address.
    #[serde(default)]
    pub address: Option<String>,
    /// What the person does there; not encrypted.
    #[serde(default)]
    pub role: Option<String>,
}

impl Command for ChangeContact {
    const FEATURE: &'static str = "contacts";
    const ACTION: &'static str = "change";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.contact_id.0
    }

    fn needs(&self, _: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Contact>(self.contact_id);
    }

    fn persons(&self, _: &Context) -> Vec<Person> {
        vec![Person::Known(self.contact_id.0)]
    }

    fn decide(&self, _: &Context, states: &States) -> Result<Decision, Rejection> {
        active(states, "contactId", self.contact_id)?;
        let Self { email, phone, address, role, .. } = self;
        let (email, phone) = (email.as_ref(), phone.as_ref());
        let stated = Stated { email, phone, address: address.as_ref(), role: role.as_ref() };
        if stated.is_nothing() && self.name.is_none() {
            let message = "nothing changes: state name, email, phone, address or role";
            return Err(Rejection::invalid("name", message));
        }
        let (details, cleared) = stated.valid(self.contact_id)?;
        let name = optional_text("name", self.name.as_ref(), NAME_CHARACTERS_MAX)?;
        let name = name.map(|name| Personal::new(self.contact_id.0, name));
        Ok(Decision::of(self.contact_id, ContactEvent::Changed { name, details, cleared }))
    }
}

#[cfg(test)]
mod tests {
    use events::contacts::{ContactDetails, ContactField};

    use super::*;
    use crate::contacts::add::tests::added;
    use crate::contacts::erase::tests::erased;
    use crate::contacts::merge::tests::merged;
    use crate::rejection::Kind;
    use crate::scenario::{FRESH, fact, given};

    fn change() -> ChangeContact {
        let contact_id = ContactId(FRESH);
        let (name, email, phone, address, role) = Default::default();
        ChangeContact { contact_id, name, email, phone, address, role }
    }

    #[test]
    fn what_is_stated_changes_what_is_empty_goes_and_the_rest_stays() {
        let change = ChangeContact {
            name: Some("Anna Berg".to_owned()),
            email: Some(" ".to_owned()),
            phone: Some("+41 44 000 00 00".to_owned()),
            ..change()
        };
        let of = |text: &str| Personal::new(FRESH, text.to_owned());
        given([added(FRESH, Some("anna@example.com"))]).when(change).then([fact(
            FRESH,
            ContactEvent::Changed {
                name: Some(of("Anna Berg")),
                details: ContactDetails {
                    phone: Some(of("+41 44 000 00 00")),
                    ..ContactDetails::default()
                },
                cleared: vec![ContactField::Email],
            },
        )]);
    }

    #[test]
    fn nothing_is_no_change_and_nobody_is_without_a_name() {
        let there = given([added(FRESH, None)]);
        there.when(change()).then_rejected(Kind::Invalid, "name");
        let nameless = ChangeContact { name: Some(String::new()), ..change() };
        there.when(nameless).then_rejected(Kind::Invalid, "name");
    }

    #[test]
    fn who_is_unknown_erased_or_merged_is_not_changed() {
        let role = || ChangeContact { role: Some("sales".to_owned()), ..change() };
        given([]).when(role()).then_rejected(Kind::NotFound, "contactId");
        let there = || added(FRESH, None);
        given([there(), erased(FRESH)]).when(role()).then_rejected(Kind::WrongState, "contactId");
        let other = Uuid::from_u128(0xa2);
        let gone = given([there(), merged(FRESH, other)]);
        gone.when(role()).then_rejected(Kind::WrongState, "contactId");
    }
}
