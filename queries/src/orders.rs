//! Orders: one, a list, their lines, and what changes, live.

use std::collections::HashMap;

use events::access::Access;
use events::words::Position;
use futures_util::Stream;
use projections::orders::Orders;
pub use projections::orders::{OrderLineRow, OrderRow};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::fields::{Kind, List, Listed, field};
use crate::filter::Filter;
use crate::sort::Direction;
use crate::{QueryError, Reader, Seen};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["orders", "customers", "credit"];

/// How many changes are read at once for a subscriber.
const CHANGES_MAX: i64 = 500;

impl Listed for OrderRow {
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

    /// The orders that change from now on, each as it is then, in order of position. An order that
    /// changes twice in one step is shown once. Nobody hears of what cannot be read yet.
    pub fn watch_orders(
        &self,
        access: Access,
        filter: Filter,
    ) -> impl Stream<Item = Result<Seen<OrderRow>, QueryError>> + Send + use<> {
        let reader = self.clone();
        let watched = reader.watermarks().watch("orders");
        let now = watched.as_ref().map(|watched| watched.borrow().clone()).unwrap_or_default();
        // "From now on" is from where the read model stands once that is known.
        let mut from = now.known.then_some(now.reached);
        async_stream::try_stream! {
            filter.check(reader.limits())?;
            let Some(mut watched) = watched else { return };
            while watched.changed().await.is_ok() {
                let mark = watched.borrow_and_update().clone();
                if !mark.known {
                    continue;
                }
                let (to, mut seen) = (mark.reached, from.unwrap_or(mark.reached));
                while seen < to {
                    let changed = reader.changed_orders(&access, &filter, seen, to).await?;
                    let full = changed.len() as i64 == CHANGES_MAX;
                    seen = changed.last().filter(|_| full).map_or(to, |o| Position(o.position));
                    for order in changed {
                        yield order;
                    }
                }
                from = Some(seen);
            }
        }
    }

    async fn changed_orders(
        &self,
        access: &Access,
        filter: &Filter,
        after: Position,
        to: Position,
    ) -> Result<Vec<Seen<OrderRow>>, QueryError> {
        let mut sql = Self::within(access, OrderRow::LIST, filter)?;
        let (after, to) = (sql.param(after.0, Type::INT8), sql.param(to.0, Type::INT8));
        sql.push(&format!(" and position > {after} and position <= {to}"));
        self.selected(access, sql, "order by position", CHANGES_MAX).await
    }
}
