//! Stock items.

use events::access::Access;
pub use projections::stock::StockRow;
use uuid::Uuid;

use crate::{QueryError, Reader};

/// What these queries read.
pub const READS: &[&str] = &["stock"];

/// How many warehouses of one product are shown.
const ITEMS_MAX: i64 = 1_000;

impl Reader {
    /// A stock item.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn stock_item(
        &self,
        access: &Access,
        id: Uuid,
    ) -> Result<Option<StockRow>, QueryError> {
        self.row(access, "stock", "stock_item_id = $2", &[&id]).await
    }

    /// The stock items of a product, by warehouse.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn stock_of(
        &self,
        access: &Access,
        product_id: Uuid,
    ) -> Result<Vec<StockRow>, QueryError> {
        let condition = "product_id = $2 order by warehouse_id, unit limit $3";
        self.rows(access, "stock", condition, &[&product_id, &ITEMS_MAX]).await
    }
}
