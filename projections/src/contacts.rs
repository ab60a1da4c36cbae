//! The rows of `read.contacts`. What belongs to a person is clear in them, so that one can look for
//! it, and goes with the person.

use chrono::{DateTime, Utc};
use events::contacts::{ContactDetails, ContactEvent, ContactField};
use events::personal::Personal;
use uuid::Uuid;

use crate::search::{Field, Searched, Weight};
use crate::table::NoChild;
use crate::{At, Kept, Record, word};

crate::table! {
    /// A contact as it is now.
    record ContactRow in "contacts" by contact_id found by words {
        /// The contact.
        contact_id: Uuid,
        /// The customer at whom the person is.
        customer_id: Uuid,
        /// The person's name; none once it is merged or erased.
        name: Option<String>,
        /// The e-mail address.
        email: Option<String>,
        /// The phone number.
        phone: Option<String>,
        /// The postal address.
        address: Option<String>,
        /// What the person does there.
        role: Option<String>,
        /// `active`, `merged` or `erased`.
        status: String,
        /// Why it is erased.
        status_reason: Option<String>,
        /// The contact that goes on for it, if it is merged.
        merged_into: Option<Uuid>,
        /// When it was added.
        added_at: DateTime<Utc>,
    }
}

/// Folds contacts.
pub struct Contacts;

impl Record for Contacts {
    const NAME: &'static str = "contacts";
    const VERSION: i32 = 3;
    const TABLES: &'static str = include_str!("contacts/rows.sql");

    type Fact = ContactEvent;
    type Row = ContactRow;
    type Child = NoChild;

    fn evolve(
        record: Option<Kept<ContactRow, NoChild>>,
        fact: &ContactEvent,
        at: &At,
    ) -> Option<Kept<ContactRow, NoChild>> {
        let mut row = match fact {
            ContactEvent::Added { customer_id, .. } => new(customer_id.0, at),
            _ => record?.row,
        };
        match fact {
            ContactEvent::Added { name, details, .. } => {
                row.name = clear(name);
                row.take(details);
            }
            ContactEvent::Changed { name, details, cleared } => {
                if let Some(name) = name {
                    row.name = clear(name);
                }
                row.take(details);
                cleared.iter().for_each(|field| row.clear(*field));
            }
            ContactEvent::Absorbed { details, .. } => row.take(details),
            ContactEvent::Merged { into } => {
                row.merged_into = Some(into.0);
                row.forget();
            }
            ContactEvent::Erased { .. } => row.forget(),
        }
        if let Some(status) = fact.moves_to() {
            row.status = word(&status);
            row.status_reason = fact.because().map(str::to_owned);
        }
        Some(row.into())
    }
}

fn new(customer_id: Uuid, at: &At) -> ContactRow {
    ContactRow {
        organization_id: at.organization.0,
        contact_id: at.stream_id,
        customer_id,
        name: None,
        email: None,
        phone: None,
        address: None,
        role: None,
        status: String::new(),
        status_reason: None,
        merged_into: None,
        added_at: at.recorded_at,
        version: at.version,
        position: at.position.0,
        changed_at: at.recorded_at,
    }
}

/// The value, unless the person is erased.
fn clear(value: &Personal<String>) -> Option<String> {
    value.clear().cloned()
}

impl ContactRow {
    fn take(&mut self, details: &ContactDetails) {
        let ContactDetails { email, phone, address, role } = details;
        let fields = [(&mut self.email, email), (&mut self.phone, phone)];
        for (field, stated) in fields.into_iter().chain([(&mut self.address, address)]) {
            if let Some(stated) = stated {
                *field = clear(stated);
            }
        }
        if role.is_some() {
            self.role.clone_from(role);
        }
    }

    fn clear(&mut self, field: ContactField) {
        match field {
            ContactField::Email => self.email = None,
            ContactField::Phone => self.phone = None,
            ContactField::Address => self.address = None,
            ContactField::Role => self.role = None,
        }
    }

    /// Nothing of the person stays.
    fn forget(&mut self) {
        (self.name, self.email, self.phone, self.address) = (None, None, None, None);
    }
}

impl Searched for ContactRow {
    fn fields(&self) -> Vec<Field<'_>> {
        let fields = [
            Field::of("name", Weight::B, &self.name),
            Field::of("email", Weight::C, &self.email),
            Field::of("phone", Weight::C, &self.phone),
            Field::of("role", Weight::D, &self.role),
        ];
        fields.into_iter().flatten().collect()
    }
}
