//! Orders: one, a list, their lines, and what changes, live.

use std::collections::HashMap;

use events::access::Access;
use events::words::Position;
use futures_util::Stream;
use projections::orders::Orders;
pub use projections::orders::{OrderLineRow, OrderRow};
use uuid::Uuid;

use crate::page::{Conditions, Cursor, Listed, Page, PageArgs};
use crate::{QueryError, Reader, Seen};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["orders", "customers", "credit"];

/// How many changes are read at once for a subscriber.
const CHANGES_MAX: i64 = 500;

/// Which orders. Everything that is set has to fit.
#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    /// Of this customer.
    pub customer_id: Option<Uuid>,
    /// In this status: `placed`, `cancelled`.
    pub status: Option<String>,
}

impl OrderFilter {
    fn conditions(&self) -> Conditions<'_> {
        let mut conditions = Conditions::new();
        conditions.equal("customer_id", &self.customer_id);
        conditions.equal("status", &self.status);
        conditions
    }
}

impl Listed for OrderRow {
    const FEATURE: &'static str = "orders";
    const TIME: &'static str = "placed_at";

    fn cursor(&self) -> Cursor {
        Cursor { at: self.placed_at, id: self.order_id }
    }
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

    /// A page of orders, the latest first.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn orders(
        &self,
        access: &Access,
        filter: &OrderFilter,
        page: &PageArgs,
    ) -> Result<Page<Seen<OrderRow>>, QueryError> {
        self.page(access, filter.conditions(), page).await
    }

    /// The orders that change from now on, each as it is then, in order of position. An order that
    /// changes twice in one step is shown once. Nobody hears of what cannot be read yet.
    pub fn watch_orders(
        &self,
        access: Access,
        filter: OrderFilter,
    ) -> impl Stream<Item = Result<Seen<OrderRow>, QueryError>> + Send + use<> {
        let reader = self.clone();
        let watched = reader.watermarks().watch("orders");
        let now = watched.as_ref().map(|watched| watched.borrow().clone()).unwrap_or_default();
        // "From now on" is from where the read model stands once that is known.
        let mut from = now.known.then_some(now.reached);
        async_stream::try_stream! {
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
        filter: &OrderFilter,
        after: Position,
        to: Position,
    ) -> Result<Vec<Seen<OrderRow>>, QueryError> {
        let mut conditions = filter.conditions();
        let (after, to) = (conditions.param(&after.0), conditions.param(&to.0));
        conditions.and(&format!("position > {after} and position <= {to}"));
        let order = "order by position";
        self.rows_where(access, "orders", conditions, order, &CHANGES_MAX).await
    }
}
