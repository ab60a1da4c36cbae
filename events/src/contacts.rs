//! What happens to a contact: a person at a customer. What belongs to the person is encrypted under
//! that person's key, which an erasure takes away.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::customers::CustomerId;
use crate::personal::{Personal, Sealable};

crate::id!(
    /// A contact: a person at a customer.
    ContactId
);

/// Where a contact stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContactStatus {
    /// It is there.
    Active,
    /// It was found to be the same person as another, who has what was known of it.
    Merged,
    /// Nobody reads any more what belonged to the person.
    Erased,
}

/// A field of a contact that may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContactField {
    /// The e-mail address.
    Email,
    /// The phone number.
    Phone,
    /// The postal address.
    Address,
    /// What the person does there.
    Role,
}

/// What is known of a contact beside its name: what is not stated stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactDetails {
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Personal<String>>,
    /// The phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Personal<String>>,
    /// The postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Personal<String>>,
    /// What the person does there: a word about the company, not the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl ContactDetails {
    /// The personal ones.
    fn sealable(&mut self) -> impl Iterator<Item = &mut dyn Sealable> {
        [&mut self.email, &mut self.phone, &mut self.address]
            .into_iter()
            .flatten()
            .map(|field| field as &mut dyn Sealable)
    }
}

crate::facts! {
    /// What happens to a contact.
    ContactEvent of "contacts" with ContactStatus, has personal, tags;
    /// It is there from now on.
    Added {
        /// The customer at whom the person is.
        customer_id: CustomerId,
        /// The person's name.
        name: Personal<String>,
        /// What else is known.
        details: ContactDetails,
    } "contact.added" 1 => Active;
    /// Something of it is different from now on.
    Changed {
        /// The person's name, if that changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Personal<String>>,
        /// What else changed.
        details: ContactDetails,
        /// What is not known any more.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cleared: Vec<ContactField>,
    } "contact.changed" 1;
    /// Another contact is the same person: it has what it lacked from there.
    Absorbed {
        /// The other contact.
        duplicate_id: ContactId,
        /// What it lacked. What is personal in it stays encrypted under the other's key.
        details: ContactDetails,
        /// Under whose keys something of this person is encrypted from now on, beside its own.
        persons: Vec<Uuid>,
    } "contact.absorbed" 1;
    /// It is the same person as another contact, which goes on for both.
    Merged {
        /// The other contact.
        into: ContactId,
    } "contact.merged" 1 => Merged;
    /// Nobody reads any more what belonged to the person.
    Erased {
        /// Why.
        reason: String,
    } "contact.erased" 1 => Erased because reason;
}

impl ContactEvent {
    fn sealable(&mut self) -> Vec<&mut dyn Sealable> {
        let (name, details) = match self {
            Self::Added { name, details, .. } => (Some(name), details),
            Self::Changed { name, details, .. } => (name.as_mut(), details),
            Self::Absorbed { details, .. } => (None, details),
            Self::Merged { .. } | Self::Erased { .. } => return Vec::new(),
        };
        let name = name.map(|name| name as &mut dyn Sealable);
        name.into_iter().chain(details.sealable()).collect()
    }

    /// The contacts of a customer are found by its tag.
    fn tagged(&self) -> Vec<Cow<'static, str>> {
        match self {
            Self::Added { customer_id, .. } => vec![format!("customer:{customer_id}").into()],
            _ => Vec::new(),
        }
    }
}
