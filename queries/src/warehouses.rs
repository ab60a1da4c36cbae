//! Warehouses: one, several, and a list.

use std::collections::HashMap;

use events::access::Access;
pub use projections::warehouses::WarehouseRow;
use projections::warehouses::Warehouses;
use uuid::Uuid;

use crate::page::{Conditions, Cursor, Listed, Page, PageArgs};
use crate::{QueryError, Reader, Seen};

/// What these queries read.
pub const READS: &[&str] = &["warehouses"];

/// Which warehouses. Everything that is set has to fit.
#[derive(Debug, Clone, Default)]
pub struct WarehouseFilter {
    /// With this code.
    pub code: Option<String>,
    /// In this state of life: `active` or `closed`.
    pub status: Option<String>,
}

impl Listed for WarehouseRow {
    const FEATURE: &'static str = "warehouses";
    const TIME: &'static str = "opened_at";

    fn cursor(&self) -> Cursor {
        Cursor { at: self.opened_at, id: self.warehouse_id }
    }
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

    /// A page of warehouses, the latest first.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn warehouses(
        &self,
        access: &Access,
        filter: &WarehouseFilter,
        page: &PageArgs,
    ) -> Result<Page<Seen<WarehouseRow>>, QueryError> {
        let mut conditions = Conditions::new();
        conditions.equal_text("code", &filter.code);
        conditions.equal("status", &filter.status);
        self.page(access, conditions, page).await
    }
}
