//! Stock items.

use std::collections::HashMap;

use events::access::Access;
pub use projections::stock::StockRow;
use uuid::Uuid;

use crate::{Param, QueryError, Reader};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["stock", "warehouses"];

/// How many stock items are shown at once.
const ITEMS_MAX: i64 = 10_000;

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

    /// The stock items of products, by product, each by warehouse.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn stock_of(
        &self,
        access: &Access,
        product_ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<StockRow>>, QueryError> {
        let condition = "product_id = any($2) order by product_id, warehouse_id, unit limit $3";
        let mut items: HashMap<Uuid, Vec<StockRow>> = HashMap::new();
        let params: [Param<'_>; 2] = [&product_ids, &ITEMS_MAX];
        for item in self.rows::<StockRow>(access, "stock", condition, &params).await? {
            items.entry(item.product_id).or_default().push(item);
        }
        Ok(items)
    }
}
