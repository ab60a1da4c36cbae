//! A page of orders as a Relay connection.

use async_graphql::connection::PageInfo;
use async_graphql::{Object, SimpleObject};
use queries::orders::{OrderRow, cursor};
use queries::page::Page;

use super::Order;

/// A page of orders.
pub struct OrderConnection(pub(super) Page<OrderRow>);

#[Object]
impl OrderConnection {
    async fn edges(&self) -> Vec<OrderEdge> {
        let edge = |order: &OrderRow| OrderEdge {
            cursor: cursor(order).encode(),
            node: Order(order.clone()),
        };
        self.0.items.iter().map(edge).collect()
    }

    async fn nodes(&self) -> Vec<Order> {
        self.0.items.iter().cloned().map(Order).collect()
    }

    async fn page_info(&self) -> PageInfo {
        let cursor = |order: Option<&OrderRow>| order.map(|order| cursor(order).encode());
        PageInfo {
            has_previous_page: self.0.has_previous,
            has_next_page: self.0.has_next,
            start_cursor: cursor(self.0.items.first()),
            end_cursor: cursor(self.0.items.last()),
        }
    }
}

/// An order and its place in the list.
#[derive(SimpleObject)]
pub struct OrderEdge {
    cursor: String,
    node: Order,
}
