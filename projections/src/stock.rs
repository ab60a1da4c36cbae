//! The rows of `read.stock`.

use events::stock::StockEvent;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::table::NoChild;
use crate::{At, Kept, Record};

crate::table! {
    /// A stock item as it is now.
    record StockRow in "stock" by stock_item_id {
        /// The stock item.
        stock_item_id: Uuid,
        /// The product.
        product_id: Uuid,
        /// The warehouse.
        warehouse_id: Uuid,
        /// What quantities are counted in.
        unit: String,
        /// How many are there.
        on_hand: Decimal,
        /// How many are promised, to orders and by hand.
        reserved: Decimal,
        /// How many can still be promised; below 0 with backorders.
        available: Decimal,
        /// Whether more may be promised than is there.
        backorder: bool,
    }
}

/// Folds stock items.
pub struct StockItems;

impl Record for StockItems {
    const NAME: &'static str = "stock";
    const VERSION: i32 = 2;
    const TABLES: &'static str = include_str!("stock/rows.sql");

    type Fact = StockEvent;
    type Row = StockRow;
    type Child = NoChild;

    fn evolve(
        record: Option<Kept<StockRow, NoChild>>,
        fact: &StockEvent,
        at: &At,
    ) -> Option<Kept<StockRow, NoChild>> {
        let mut row = match fact {
            StockEvent::Opened { product_id, warehouse_id, unit } => StockRow {
                organization_id: at.organization.0,
                stock_item_id: at.stream_id,
                product_id: product_id.0,
                warehouse_id: warehouse_id.0,
                unit: unit.0.clone(),
                on_hand: Decimal::ZERO,
                reserved: Decimal::ZERO,
                available: Decimal::ZERO,
                backorder: false,
                version: at.version,
                position: at.position.0,
                changed_at: at.recorded_at,
            },
            _ => record?.row,
        };
        match fact {
            StockEvent::Opened { .. } => {}
            StockEvent::Received { quantity } => row.on_hand += quantity.0,
            StockEvent::Adjusted { difference, .. } => row.on_hand += difference.0,
            StockEvent::BackorderSet { allowed } => row.backorder = *allowed,
            StockEvent::Reserved { quantity, .. } => row.reserved += quantity.0,
            StockEvent::Released { quantity, .. } => row.reserved -= quantity.0,
        }
        row.available = row.on_hand - row.reserved;
        Some(row.into())
    }
}
