//! Add a contact to a customer.

use events::contacts::{ContactEvent, ContactId};
use events::customers::CustomerId;
use events::personal::Personal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Contact, NAME_CHARACTERS_MAX, Stated};
use crate::customers::{Customer, not_closed};
use crate::rejection::{Rejection, text};
use crate::state::{Needs, States};
use crate::{Command, Context, Decision, Person};

/// Adds a contact: a person at a customer. What belongs to the person is encrypted in the log, and
/// can be erased.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddContact {
    /// The customer at whom the person is.
    pub customer_id: CustomerId,
    /// The person's name.
    pub name: String,
    /// The e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// The phone number.
    #[serde(default)]
    pub phone: Option<String>,
    /// The postal address.
    #[serde(default)]
    pub address: Option<String>,
    /// What the person does there, such as `purchasing`; not encrypted.
    #[serde(default)]
    pub role: Option<String>,
}

impl Command for AddContact {
    const FEATURE: &'static str = "contacts";
    const ACTION: &'static str = "add";

    fn record(&self, context: &Context, _: &States) -> Uuid {
        context.id
    }

    fn needs(&self, context: &Context, _: &States, needs: &mut Needs) {
        needs.begin::<Contact>(context.id);
        needs.name::<Customer>(self.customer_id);
    }

    fn persons(&self, context: &Context) -> Vec<Person> {
        vec![Person::New(context.id)]
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        let id = ContactId(context.id);
        if states.get::<Contact>(id)?.status.is_some() {
            return Err(Rejection::wrong_state("the contact was added already"));
        }
        not_closed(states, self.customer_id)?;
        let Self { email, phone, address, role, .. } = self;
        let (email, phone) = (email.as_ref(), phone.as_ref());
        let stated = Stated { email, phone, address: address.as_ref(), role: role.as_ref() };
        let (details, _) = stated.valid(id)?;
        let name = Personal::new(id.0, text("name", &self.name, NAME_CHARACTERS_MAX)?);
        let customer_id = self.customer_id;
        Ok(Decision::of(id, ContactEvent::Added { customer_id, name, details }))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use events::Event;
    use events::contacts::ContactDetails;
    use events::customers::CustomerEvent;

    use super::*;
    use crate::customers::hold::tests::opened;
    use crate::rejection::Kind;
    use crate::scenario::{CUSTOMER, FRESH, fact, given};

    fn add() -> AddContact {
        AddContact {
            customer_id: CUSTOMER,
            name: " Anna Quaas ".to_owned(),
            email: Some("anna@example.com".to_owned()),
            phone: None,
            address: Some(String::new()),
            role: Some("purchasing".to_owned()),
        }
    }

    /// A contact of the scenarios' customer, with this e-mail address.
    pub(crate) fn added(id: Uuid, email: Option<&str>) -> (Uuid, Event) {
        let email = email.map(|email| Personal::new(id, email.to_owned()));
        let details = ContactDetails {
            email,
            role: Some("purchasing".to_owned()),
            ..ContactDetails::default()
        };
        let name = Personal::new(id, "Anna Quaas".to_owned());
        fact(id, ContactEvent::Added { customer_id: CUSTOMER, name, details })
    }

    #[test]
    fn a_contact_is_added_to_a_customer() {
        given([opened()]).when(add()).then([added(FRESH, Some("anna@example.com"))]);
    }

    #[test]
    fn an_unknown_or_closed_customer_has_no_contacts_added() {
        given([]).when(add()).then_rejected(Kind::NotFound, "customerId");
        let closed = fact(CUSTOMER, CustomerEvent::Closed { reason: "gone".to_owned() });
        given([opened(), closed]).when(add()).then_rejected(Kind::WrongState, None);
    }

    #[test]
    fn what_is_no_name_or_no_address_is_refused_and_not_repeated() {
        let nameless = AddContact { name: " ".to_owned(), ..add() };
        given([opened()]).when(nameless).then_rejected(Kind::Invalid, "name");
        for email in ["anna", "anna@", "@quaas.ch", "an na@quaas.ch", "a@b@c"] {
            let wrong = AddContact { email: Some(email.to_owned()), ..add() };
            let then = given([opened()]).when(wrong);
            assert!(!then.0.as_ref().unwrap_err().to_string().contains(email));
            then.then_rejected(Kind::Invalid, "email");
        }
    }
}
