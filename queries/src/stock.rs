//! Stock items.

use std::collections::HashMap;

use events::access::Access;
use projections::stock::StockItems;
pub use projections::stock::StockRow;
use uuid::Uuid;

use crate::fields::{Kind, List, Listed, field};
use crate::sort::Direction;
use crate::{Param, QueryError, Reader, Seen};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["stock", "warehouses"];

/// How many stock items are shown at once.
const ITEMS_MAX: i64 = 10_000;

impl Listed for StockRow {
    type Record = StockItems;

    const LIST: &'static List = &List {
        feature: "stock",
        table: "stock",
        fields: &[
            field("stock_item_id", Kind::Id, "The stock item."),
            field("product_id", Kind::Id, "Of which product."),
            field("warehouse_id", Kind::Id, "In which warehouse."),
            field("on_hand", Kind::Number, "How many are there.").scanned(),
            field("reserved", Kind::Number, "How many are promised.").scanned(),
            field("available", Kind::Number, "How many can still be promised.").scanned(),
            field("backorder", Kind::Truth, "Whether more may be promised than is there.")
                .scanned(),
            field("changed_at", Kind::Time, "When its last fact was recorded.").scanned(),
        ],
        sorted: &[("product_id", Direction::Ascending)],
        sums: &[
            field("on_hand", Kind::Number, "How many are there."),
            field("reserved", Kind::Number, "How many are promised."),
            field("available", Kind::Number, "How many can still be promised."),
        ],
        groups: &[
            field("unit", Kind::Text, "What the quantities are counted in."),
            field("warehouse_id", Kind::Id, "In which warehouse."),
            field("product_id", Kind::Id, "Of which product."),
        ],
    };
}

impl Reader {
    /// A stock item.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn stock_item(
        &self,
        access: &Access,
        id: Uuid,
    ) -> Result<Option<Seen<StockRow>>, QueryError> {
        self.record::<StockItems>(access, "stock", id).await
    }

    /// Several, by id.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn stock_items_by_id(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Seen<StockRow>>, QueryError> {
        self.records::<StockItems>(access, "stock", ids).await
    }

    /// The stock items of products, by product, each by warehouse.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn stock_of(
        &self,
        access: &Access,
        product_ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Seen<StockRow>>>, QueryError> {
        let condition = "product_id = any($1) order by product_id, warehouse_id, unit limit $2";
        let params: [Param<'_>; 2] = [&product_ids, &ITEMS_MAX];
        let now = self.finding(access, &["stock"]).await?;
        let mut found: Vec<Seen<StockRow>> = self.rows(&now, "stock", condition, &params).await?;
        if access.as_of.is_some() {
            let ids: Vec<Uuid> = found.iter().map(|item| item.stock_item_id).collect();
            let mut then = self.records::<StockItems>(access, "stock", &ids).await?;
            found = ids.iter().filter_map(|id| then.remove(id)).collect();
        }
        let mut items: HashMap<Uuid, Vec<Seen<StockRow>>> = HashMap::new();
        for item in found {
            items.entry(item.product_id).or_default().push(item);
        }
        Ok(items)
    }
}
