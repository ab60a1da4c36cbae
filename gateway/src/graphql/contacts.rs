//! Contacts in GraphQL.

use async_graphql::{Context, Description, Enum, ID, Object};
use chrono::{DateTime, Utc};
use commands::contacts;
use events::access::Access;
use queries::Seen;
use queries::contacts::{ContactRow, READS};
use queries::page::PageArgs;
use uuid::Uuid;

use super::as_of::AsOf;
use super::caller::{id, reading_record};
use super::customers::Customer;
use super::history::{History, history};
use super::loaders::{CustomerOf, Loaders};
use super::mutation::mutations;
use super::parked::stale;
use super::status;
use crate::app::App;
use crate::error::ApiError;

mutations! {
    ContactMutations, Payload shows contact: Contact = find, READS;
    /// Adds a contact: a person at a customer.
    add_contact: contacts::add::AddContact,
    /// Changes what is known of a contact. What is left out stays; an empty text takes it away.
    change_contact: contacts::change::ChangeContact,
    /// Merges two contacts of a customer that are one person.
    merge_contacts: contacts::merge::MergeContacts,
    /// Erases a person, for ever: what happened stays, nobody reads the person in it any more.
    erase_contact: contacts::erase::EraseContact,
}

async fn find(app: &App, access: &Access, id: Uuid) -> Result<Option<Contact>, ApiError> {
    Ok(app.reader.contact(access, id).await?.map(Contact))
}

/// Where a contact stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ContactStatus {
    /// It is there.
    Active,
    /// It was found to be the same person as another, who goes on for both.
    Merged,
    /// Nobody reads any more what belonged to the person.
    Erased,
}

/// Reading contacts.
#[derive(Default)]
pub struct ContactQueries;

#[Object]
impl ContactQueries {
    /// A contact; null if there is none with this id.
    async fn contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id")] contact_id: ID,
        at_least: Option<String>,
        as_of: Option<AsOf>,
    ) -> async_graphql::Result<Option<Contact>> {
        let contact_id = id("id", &contact_id)?;
        let (app, access) = reading_record(ctx, READS, at_least, as_of).await?;
        Ok(find(app, &access, contact_id).await?)
    }
}

/// A contact: a person at a customer.
#[derive(Description)]
pub struct Contact(pub(super) Seen<ContactRow>);

#[Object(use_type_description)]
impl Contact {
    pub(super) async fn id(&self) -> ID {
        self.0.contact_id.into()
    }

    /// Whether it stands still at a fact that its read model could not take in: see `parkedFacts`.
    async fn stale(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        stale(ctx, self.0.access(), self.0.record()).await
    }

    /// The customer at whom the person is. Null only while that cannot be read yet.
    async fn customer(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Customer>> {
        let key = CustomerOf(self.0.access(), self.0.customer_id);
        Ok(ctx.data::<Loaders>()?.load_one(key).await?.map(Customer))
    }

    /// The person's name; null once the contact is merged or erased.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// The e-mail address; null if none is known, or once the contact is merged or erased.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// The phone number; null if none is known, or once the contact is merged or erased.
    async fn phone(&self) -> Option<&str> {
        self.0.phone.as_deref()
    }

    /// The postal address; null if none is known, or once the contact is merged or erased.
    async fn address(&self) -> Option<&str> {
        self.0.address.as_deref()
    }

    /// What the person does there; null if that was not said.
    async fn role(&self) -> Option<&str> {
        self.0.role.as_deref()
    }

    async fn status(&self) -> async_graphql::Result<ContactStatus> {
        status::of(&self.0.status)
    }

    /// Why it is erased; null if it is not.
    async fn status_reason(&self) -> Option<&str> {
        self.0.status_reason.as_deref()
    }

    /// The contact that goes on for it, if it is merged; else null.
    async fn merged_into(&self) -> Option<ID> {
        self.0.merged_into.map(ID::from)
    }

    /// When it was added, by the database's clock, in UTC.
    async fn added_at(&self) -> DateTime<Utc> {
        self.0.added_at
    }

    /// Say it as `expectedVersion`, and nobody's change in between is overwritten.
    async fn version(&self) -> i64 {
        self.0.version
    }

    async fn changed_at(&self) -> DateTime<Utc> {
        self.0.changed_at
    }

    /// What happened to it, in order, with what each fact changed: the `first` facts after a
    /// cursor, or the `last` before one.
    #[graphql(
        complexity = "(first.or(last).unwrap_or(20).clamp(1, 1_000) as usize) * child_complexity"
    )]
    async fn history(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> async_graphql::Result<History> {
        history(ctx, &self.0, PageArgs { first, after, last, before }).await
    }
}
