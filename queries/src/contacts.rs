//! Contacts: one, and a list.

use std::collections::HashMap;

use events::access::Access;
pub use projections::contacts::ContactRow;
use projections::contacts::Contacts;
use uuid::Uuid;

use crate::page::{Conditions, Cursor, Listed, Page, PageArgs};
use crate::{QueryError, Reader, Seen};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["contacts", "customers", "credit"];

/// Which contacts. Everything that is set has to fit.
#[derive(Debug, Clone, Default)]
pub struct ContactFilter {
    /// At this customer.
    pub customer_id: Option<Uuid>,
    /// With this e-mail address, whatever letters are capitals.
    pub email: Option<String>,
    /// In this state of life: `active`, `merged` or `erased`.
    pub status: Option<String>,
}

impl Listed for ContactRow {
    const FEATURE: &'static str = "contacts";
    const TIME: &'static str = "added_at";

    fn cursor(&self) -> Cursor {
        Cursor { at: self.added_at, id: self.contact_id }
    }
}

impl Reader {
    /// A contact.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn contact(
        &self,
        access: &Access,
        id: Uuid,
    ) -> Result<Option<Seen<ContactRow>>, QueryError> {
        self.record::<Contacts>(access, "contacts", id).await
    }

    /// Several, by id.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn contacts_by_id(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Seen<ContactRow>>, QueryError> {
        self.records::<Contacts>(access, "contacts", ids).await
    }

    /// A page of contacts, the latest first.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn contacts(
        &self,
        access: &Access,
        filter: &ContactFilter,
        page: &PageArgs,
    ) -> Result<Page<Seen<ContactRow>>, QueryError> {
        let email = filter.email.as_ref().map(|email| email.trim().to_lowercase());
        let mut conditions = Conditions::new();
        conditions.equal("customer_id", &filter.customer_id);
        conditions.equal_text("lower(email)", &email);
        conditions.equal("status", &filter.status);
        self.page(access, conditions, page).await
    }
}
