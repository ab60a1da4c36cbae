//! The rows of `read.warehouses`: those that were opened.

use chrono::{DateTime, Utc};
use events::warehouses::WarehouseEvent;
use uuid::Uuid;

use crate::search::{Field, Searched, Weight};
use crate::table::NoChild;
use crate::{At, Kept, Record, word};

crate::table! {
    /// A warehouse as it is now.
    record WarehouseRow in "warehouses" by warehouse_id found by words {
        /// The warehouse.
        warehouse_id: Uuid,
        /// The seller's code for it.
        code: String,
        /// Its name.
        name: String,
        /// `active` or `closed`.
        status: String,
        /// Why it is closed.
        status_reason: Option<String>,
        /// When it was opened.
        opened_at: DateTime<Utc>,
    }
}

/// Folds warehouses.
pub struct Warehouses;

impl Record for Warehouses {
    const NAME: &'static str = "warehouses";
    const VERSION: i32 = 3;
    const TABLES: &'static str = include_str!("warehouses/rows.sql");

    type Fact = WarehouseEvent;
    type Row = WarehouseRow;
    type Child = NoChild;

    fn evolve(
        record: Option<Kept<WarehouseRow, NoChild>>,
        fact: &WarehouseEvent,
        at: &At,
    ) -> Option<Kept<WarehouseRow, NoChild>> {
        let mut row = match fact {
            WarehouseEvent::Opened { code, name } => WarehouseRow {
                organization_id: at.organization.0,
                warehouse_id: at.stream_id,
                code: code.clone(),
                name: name.clone(),
                status: String::new(),
                status_reason: None,
                opened_at: at.recorded_at,
                version: at.version,
                position: at.position.0,
                changed_at: at.recorded_at,
            },
            WarehouseEvent::Closed { .. } => record?.row,
        };
        if let Some(status) = fact.moves_to() {
            row.status = word(&status);
            row.status_reason = fact.because().map(str::to_owned);
        }
        Some(row.into())
    }
}

impl Searched for WarehouseRow {
    fn fields(&self) -> Vec<Field<'_>> {
        let fields = [
            Field::always("code", Weight::A, &self.code),
            Field::always("name", Weight::B, &self.name),
        ];
        fields.into_iter().flatten().collect()
    }
}
