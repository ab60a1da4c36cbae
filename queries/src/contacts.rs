//! Contacts: one, and a list.

use std::collections::HashMap;

use events::access::Access;
pub use projections::contacts::ContactRow;
use projections::contacts::Contacts;
use uuid::Uuid;

use crate::fields::{Kind, List, Listed, field};
use crate::sort::Direction;
use crate::{QueryError, Reader, Seen};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["contacts", "customers", "credit"];

impl Listed for ContactRow {
    type Record = Contacts;

    const LIST: &'static List = &List {
        feature: "contacts",
        table: "contacts",
        fields: &[
            field("contact_id", Kind::Id, "The contact."),
            field("customer_id", Kind::Id, "At which customer."),
            field("name", Kind::Text, "The name; null once erased.").nullable(),
            field("email", Kind::Text, "The e-mail address, whatever letters are capitals.")
                .nullable()
                .folded(),
            field(
                "status",
                Kind::Word(&["active", "merged", "erased"]),
                "Where it stands in its life.",
            ),
            field("added_at", Kind::Time, "When it was added."),
            field("changed_at", Kind::Time, "When its last fact was recorded."),
        ],
        sorted: &[("added_at", Direction::Descending)],
        sums: &[],
        groups: &[
            field("customer_id", Kind::Id, "At which customer."),
            field(
                "status",
                Kind::Word(&["active", "merged", "erased"]),
                "Where they stand in their life.",
            ),
        ],
    };
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
}
