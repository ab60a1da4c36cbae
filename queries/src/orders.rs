//! Orders: one, a list, and their lines.

use std::collections::HashMap;

use events::access::Access;
use projections::orders::Orders;
pub use projections::orders::{OrderLineRow, OrderRow};
use uuid::Uuid;

use crate::fields::{Kind, List, Listed, field};
use crate::sort::Direction;
use crate::{QueryError, Reader, Seen};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["orders", "customers", "credit"];

impl Listed for OrderRow {
    type Record = Orders;

    const LIST: &'static List = &List {
        feature: "orders",
        table: "orders",
        fields: &[
            field("order_id", Kind::Id, "The order."),
            field("number", Kind::Text, "Its number within its series."),
            field("reference", Kind::Text, "The buyer's own reference.").nullable(),
            field("customer_id", Kind::Id, "Who buys."),
            field("status", Kind::Word(&["placed", "cancelled"]), "Where it stands in its life."),
            field("placed_at", Kind::Time, "When it was placed."),
            field("business_date", Kind::Day, "The day it counts for, in the organization's zone."),
            field("net", Kind::Number, "What the buyer owes."),
            field("changed_at", Kind::Time, "When its last fact was recorded."),
        ],
        sorted: &[("placed_at", Direction::Descending)],
        sums: &[
            field("gross", Kind::Number, "The sum of the lines before rounding."),
            field("net", Kind::Number, "What the buyers owe."),
            field("credited", Kind::Number, "What credit notes gave back of it."),
            field("line_count", Kind::Whole, "How many lines."),
        ],
        groups: &[
            field("currency", Kind::Text, "The currency of the amounts (ISO 4217)."),
            field(
                "status",
                Kind::Word(&["placed", "cancelled"]),
                "Where they stand in their life.",
            ),
            field("customer_id", Kind::Id, "Who buys."),
        ],
    };
}

impl Reader {
    /// An order.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn order(
        &self,
        access: &Access,
        id: Uuid,
    ) -> Result<Option<Seen<OrderRow>>, QueryError> {
        self.record::<Orders>(access, "orders", id).await
    }

    /// Several, by id.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn orders_by_id(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Seen<OrderRow>>, QueryError> {
        self.records::<Orders>(access, "orders", ids).await
    }

    /// The lines of orders, by order, each in order.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn order_lines(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Seen<OrderLineRow>>>, QueryError> {
        self.children::<Orders>(access, "orders", ids).await
    }
}
