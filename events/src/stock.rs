//! What happens to a stock item: a product in a warehouse, counted in one unit.

use crate::orders::OrderId;
use crate::products::ProductId;
use crate::warehouses::WarehouseId;
use crate::words::{OrganizationId, Quantity, Unit};

crate::id!(
    /// A product in a warehouse, counted in one unit.
    StockItemId
);

impl StockItemId {
    /// The stock item of this product, warehouse and unit.
    #[must_use]
    pub fn of(
        organization: OrganizationId,
        product: ProductId,
        warehouse: WarehouseId,
        unit: &Unit,
    ) -> Self {
        let parts: [&[u8]; 3] = [product.0.as_bytes(), warehouse.0.as_bytes(), unit.0.as_bytes()];
        Self(organization.derive("stock_item", &parts))
    }
}

crate::facts! {
    /// What happens to a stock item. Quantities are in the item's unit.
    StockEvent of "stock";
    /// It is counted from now on, starting at nothing.
    Opened {
        /// The product.
        product_id: ProductId,
        /// Where.
        warehouse_id: WarehouseId,
        /// In what.
        unit: Unit,
    } "stock.opened" 1;
    /// Goods came in.
    Received {
        /// How many.
        quantity: Quantity,
    } "stock.received" 1;
    /// A count found more (positive) or less (negative) than was known.
    Adjusted {
        /// The difference.
        difference: Quantity,
        /// Why.
        reason: String,
    } "stock.adjusted" 1;
    /// More may be promised than is there, or not.
    BackorderSet {
        /// Whether it may.
        allowed: bool,
    } "stock.backorder_set" 1;
    /// Some are promised: to an order, or set aside by hand.
    Reserved {
        /// How many; for an order, over all of its lines.
        quantity: Quantity,
        /// The order; none: by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order_id: Option<OrderId>,
        /// Why, if by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    } "stock.reserved" 1;
    /// Some that were promised are free again.
    Released {
        /// How many; for an order, over all of its lines.
        quantity: Quantity,
        /// The order; none: what was set aside by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order_id: Option<OrderId>,
        /// Why, if by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    } "stock.released" 1;
}
