//! Orders: one, a list, their lines, and what changes, live.

use std::collections::HashMap;

use events::access::Access;
use events::words::Position;
use futures_util::Stream;
pub use projections::orders::{OrderLineRow, OrderRow};
use uuid::Uuid;

use crate::page::{Cursor, Page, PageArgs};
use crate::{Param, QueryError, Reader};

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
    /// The conditions, their parameters added to `params`.
    fn conditions<'a>(&'a self, params: &mut Vec<Param<'a>>) -> String {
        let mut conditions = String::new();
        if let Some(customer_id) = &self.customer_id {
            params.push(customer_id);
            conditions.push_str(&format!(" and customer_id = ${}", params.len() + 1));
        }
        if let Some(status) = &self.status {
            params.push(status);
            conditions.push_str(&format!(" and status = ${}", params.len() + 1));
        }
        conditions
    }
}

/// Where an order stands in a list.
#[must_use]
pub fn cursor(order: &OrderRow) -> Cursor {
    Cursor { at: order.placed_at, id: order.order_id }
}

impl Reader {
    /// An order.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn order(&self, access: &Access, id: Uuid) -> Result<Option<OrderRow>, QueryError> {
        self.row(access, "orders", "order_id = $2", &[&id]).await
    }

    /// The lines of orders, by order, each in order.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn order_lines(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<OrderLineRow>>, QueryError> {
        let condition = "order_id = any($2) order by order_id, line";
        let mut lines: HashMap<Uuid, Vec<OrderLineRow>> = HashMap::new();
        for line in self.rows::<OrderLineRow>(access, "orders", condition, &[&ids]).await? {
            lines.entry(line.order_id).or_default().push(line);
        }
        Ok(lines)
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
    ) -> Result<Page<OrderRow>, QueryError> {
        let wanted = page.check(self.limits())?;
        let limit = i64::try_from(wanted.size + 1).unwrap_or(i64::MAX);
        let mut params: Vec<Param<'_>> = Vec::new();
        let mut condition = format!("true{}", filter.conditions(&mut params));
        for (cursor, sign) in [(&wanted.after, '<'), (&wanted.before, '>')] {
            let Some(cursor) = cursor else { continue };
            params.extend([&cursor.at as Param<'_>, &cursor.id]);
            let (at, id) = (params.len(), params.len() + 1);
            condition.push_str(&format!(" and (placed_at, order_id) {sign} (${at}, ${id})"));
        }
        let direction = if wanted.backward { "asc" } else { "desc" };
        params.push(&limit);
        condition.push_str(&format!(
            " order by placed_at {direction}, order_id {direction} limit ${}",
            params.len() + 1
        ));
        Ok(wanted.page(self.rows(access, "orders", &condition, &params).await?))
    }

    /// The orders that change from now on, each as it is then, in order of position. An order that
    /// changes twice in one step is shown once. Nobody hears of what cannot be read yet.
    pub fn watch_orders(
        &self,
        access: Access,
        filter: OrderFilter,
    ) -> impl Stream<Item = Result<OrderRow, QueryError>> + Send + use<> {
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
    ) -> Result<Vec<OrderRow>, QueryError> {
        let mut params: Vec<Param<'_>> = vec![&after.0, &to.0, &CHANGES_MAX];
        let conditions = filter.conditions(&mut params);
        let condition =
            format!("position > $2 and position <= $3{conditions} order by position limit $4");
        self.rows(access, "orders", &condition, &params).await
    }
}
