//! Warehouses: one, several, and a list.

use std::collections::HashMap;

use events::access::Access;
pub use projections::warehouses::WarehouseRow;
use projections::warehouses::Warehouses;
use uuid::Uuid;

use crate::fields::{Kind, List, Listed, field};
use crate::sort::Direction;
use crate::{QueryError, Reader, Seen};

/// What these queries read.
pub const READS: &[&str] = &["warehouses"];

impl Listed for WarehouseRow {
    type Record = Warehouses;

    const LIST: &'static List = &List {
        feature: "warehouses",
        table: "warehouses",
        fields: &[
            field("warehouse_id", Kind::Id, "The warehouse."),
            field("code", Kind::Text, "Your code for it."),
            field("name", Kind::Text, "Its name."),
            field("status", Kind::Word(&["active", "closed"]), "Where it stands in its life."),
            field("opened_at", Kind::Time, "When it was opened."),
            field("changed_at", Kind::Time, "When its last fact was recorded."),
        ],
        sorted: &[("opened_at", Direction::Descending)],
        sums: &[],
        groups: &[field(
            "status",
            Kind::Word(&["active", "closed"]),
            "Where they stand in their life.",
        )],
    };
}

impl Reader {
    /// A warehouse.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn warehouse(
        &self,
        access: &Access,
        id: Uuid,
    ) -> Result<Option<Seen<WarehouseRow>>, QueryError> {
        self.record::<Warehouses>(access, "warehouses", id).await
    }

    /// Several, by id.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn warehouses_by_id(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Seen<WarehouseRow>>, QueryError> {
        self.records::<Warehouses>(access, "warehouses", ids).await
    }
}
