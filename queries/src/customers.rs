//! Customer accounts, one at a time.

use std::collections::HashMap;

use events::access::Access;
pub use projections::customers::CustomerRow;
use projections::customers::Customers;
use uuid::Uuid;

use crate::fields::{Kind, List, Listed, field};
use crate::sort::Direction;
use crate::{QueryError, Reader, Seen};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["customers", "credit"];

impl Listed for CustomerRow {
    type Record = Customers;

    const LIST: &'static List = &List {
        feature: "customers",
        table: "customers",
        fields: &[
            field("customer_id", Kind::Id, "The customer account."),
            field("number", Kind::Text, "Your number for it.").nullable(),
            field("name", Kind::Text, "Its name."),
            field(
                "status",
                Kind::Word(&["active", "on_hold", "closed"]),
                "Where it stands in its life.",
            ),
            field("changed_at", Kind::Time, "When its last fact was recorded."),
        ],
        sorted: &[("name", Direction::Ascending)],
        sums: &[],
        groups: &[
            field(
                "status",
                Kind::Word(&["active", "on_hold", "closed"]),
                "Where they stand in their life.",
            ),
            field("currency", Kind::Text, "The currency that they pay in (ISO 4217)."),
        ],
    };
}

impl Reader {
    /// A customer account.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn customer(
        &self,
        access: &Access,
        id: Uuid,
    ) -> Result<Option<Seen<CustomerRow>>, QueryError> {
        self.record::<Customers>(access, "customers", id).await
    }

    /// Several, by id.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn customers_by_id(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Seen<CustomerRow>>, QueryError> {
        self.records::<Customers>(access, "customers", ids).await
    }

    /// Those that have one of these numbers.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn customers_by_number(
        &self,
        access: &Access,
        numbers: &[&str],
    ) -> Result<Vec<Seen<CustomerRow>>, QueryError> {
        self.rows(access, "customers", "number collate \"C\" = any($1)", &[&numbers]).await
    }
}
