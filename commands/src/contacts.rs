//! What decisions need to know of a contact. What belongs to the person stays encrypted here: no
//! rule looks into it.

pub mod add;
pub mod change;
pub mod erase;
pub mod merge;

use events::contacts::{ContactDetails, ContactEvent, ContactField, ContactId, ContactStatus};
use events::customers::CustomerId;
use events::personal::Personal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::rejection::{Rejection, text};
use crate::state::{State, States};

/// The most characters of a person's name.
pub const NAME_CHARACTERS_MAX: usize = 200;
/// The most characters of an e-mail address (RFC 5321: a path of 256 with its brackets).
pub const EMAIL_CHARACTERS_MAX: usize = 254;
const PHONE_CHARACTERS_MAX: usize = 40;
const ADDRESS_CHARACTERS_MAX: usize = 500;
const ROLE_CHARACTERS_MAX: usize = 100;

/// A contact, as decisions see it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Contact {
    /// None: there is no such contact.
    pub status: Option<ContactStatus>,
    /// The customer at whom it is.
    pub customer_id: Option<CustomerId>,
    /// What is known, sealed.
    pub details: ContactDetails,
    /// Under whose keys something of it is encrypted, beside its own.
    pub persons: Vec<Uuid>,
    /// With whom it was merged.
    pub into: Option<ContactId>,
}

impl State for Contact {
    type Fact = ContactEvent;
    const NAME: &'static str = "contact";
    const VERSION: i32 = 1;

    fn evolve(&mut self, fact: &ContactEvent) {
        self.status = fact.moves_to().or(self.status);
        match fact {
            ContactEvent::Added { customer_id, details, .. } => {
                self.customer_id = Some(*customer_id);
                self.details = details.clone();
            }
            ContactEvent::Changed { details, cleared, .. } => {
                take(&mut self.details, details);
                cleared.iter().for_each(|field| clear(&mut self.details, *field));
            }
            ContactEvent::Absorbed { details, persons, .. } => {
                take(&mut self.details, details);
                self.persons.extend(persons);
            }
            ContactEvent::Merged { into } => self.into = Some(*into),
            ContactEvent::Erased { .. } => self.details = ContactDetails::default(),
        }
    }

    fn heap_bytes(&self) -> usize {
        const SEALED: usize = 100;
        3 * SEALED + self.persons.len() * size_of::<Uuid>()
    }
}

fn take(details: &mut ContactDetails, newer: &ContactDetails) {
    let ContactDetails { email, phone, address, role } = newer.clone();
    details.email = email.or(details.email.take());
    details.phone = phone.or(details.phone.take());
    details.address = address.or(details.address.take());
    details.role = role.or(details.role.take());
}

fn clear(details: &mut ContactDetails, field: ContactField) {
    match field {
        ContactField::Email => details.email = None,
        ContactField::Phone => details.phone = None,
        ContactField::Address => details.address = None,
        ContactField::Role => details.role = None,
    }
}

/// A contact that is there: neither merged nor erased.
pub(crate) fn active<'a>(
    states: &'a States,
    field: &'static str,
    id: ContactId,
) -> Result<&'a Contact, Rejection> {
    let contact = states.get::<Contact>(id)?;
    match contact.status {
        None => Err(Rejection::not_found(field, "contact", id)),
        Some(ContactStatus::Active) => Ok(contact),
        Some(ContactStatus::Merged) => {
            let into = contact.into.map(|into| into.to_string()).unwrap_or_default();
            let message = format!("the contact was merged into another: use {into}");
            Err(Rejection::wrong_state(message).at(field))
        }
        Some(ContactStatus::Erased) => {
            Err(Rejection::wrong_state("the contact is erased").at(field))
        }
    }
}

/// What a command states of a contact; an empty text means: not known any more.
pub(crate) struct Stated<'a> {
    pub(crate) email: Option<&'a String>,
    pub(crate) phone: Option<&'a String>,
    pub(crate) address: Option<&'a String>,
    pub(crate) role: Option<&'a String>,
}

impl Stated<'_> {
    /// Whether it states nothing.
    pub(crate) fn is_nothing(&self) -> bool {
        [self.email, self.phone, self.address, self.role].iter().all(Option::is_none)
    }

    /// What it comes to, of this person, and what it clears.
    pub(crate) fn valid(
        &self,
        person: ContactId,
    ) -> Result<(ContactDetails, Vec<ContactField>), Rejection> {
        let mut cleared = Vec::new();
        let mut given = |value: Option<&String>, field, name, max| match value.map(|v| v.trim()) {
            None => Ok(None),
            Some("") => {
                cleared.push(field);
                Ok(None)
            }
            Some(value) => text(name, value, max).map(Some),
        };
        let email = given(self.email, ContactField::Email, "email", EMAIL_CHARACTERS_MAX)?;
        let phone = given(self.phone, ContactField::Phone, "phone", PHONE_CHARACTERS_MAX)?;
        let address =
            given(self.address, ContactField::Address, "address", ADDRESS_CHARACTERS_MAX)?;
        let role = given(self.role, ContactField::Role, "role", ROLE_CHARACTERS_MAX)?;
        let of = |value| Personal::new(person.0, value);
        let email = email.map(valid_email).transpose()?.map(of);
        let (phone, address) = (phone.map(of), address.map(of));
        Ok((ContactDetails { email, phone, address, role }, cleared))
    }
}

/// Whether mail can be sent there, only the mail will tell; what cannot be an address is refused.
fn valid_email(email: String) -> Result<String, Rejection> {
    let fits = email.split_once('@').is_some_and(|(local, domain)| {
        let plain = !email.contains(|c: char| c.is_whitespace() || c.is_control());
        plain && !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    if fits {
        return Ok(email);
    }
    // What was said is personal, and messages are logged.
    let message = "`email` is no e-mail address; write it like name@domain.example";
    Err(Rejection::invalid("email", message))
}
