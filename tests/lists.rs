//! Claims about every list: its filters, its orders, its pages and what its records add up to. The
//! rows are made up, by type alone, so that nothing here is written twice.

mod aggregates;
mod cursors;
mod declared;
mod filters;
mod graphql;
mod pages;
mod rows;

use events::access::Access;
use events::words::{Actor, OrganizationId};
use harness::{Shop, TestApp};
use queries::fields::{Field, List, Listed};
use queries::filter::Filter;
use queries::page::{PageArgs, Selection};
use queries::sort::Sort;
use queries::{Reader, Seen};
use uuid::Uuid;

/// Runs something for the rows of each list.
macro_rules! each_list {
    ($run:ident($($argument:expr),*)) => {{
        $run::<queries::customers::CustomerRow>($($argument),*).await;
        $run::<queries::credit::CreditRow>($($argument),*).await;
        $run::<queries::contacts::ContactRow>($($argument),*).await;
        $run::<queries::products::ProductRow>($($argument),*).await;
        $run::<queries::warehouses::WarehouseRow>($($argument),*).await;
        $run::<queries::stock::StockRow>($($argument),*).await;
        $run::<queries::orders::OrderRow>($($argument),*).await;
        $run::<queries::credit_notes::CreditNoteRow>($($argument),*).await;
    }};
}
pub(crate) use each_list;

/// Every list.
fn all() -> Vec<&'static List> {
    vec![
        queries::customers::CustomerRow::LIST,
        queries::credit::CreditRow::LIST,
        queries::contacts::ContactRow::LIST,
        queries::products::ProductRow::LIST,
        queries::warehouses::WarehouseRow::LIST,
        queries::stock::StockRow::LIST,
        queries::orders::OrderRow::LIST,
        queries::credit_notes::CreditNoteRow::LIST,
    ]
}

/// An organization, and what its administrator may see.
pub(crate) async fn organization(app: &TestApp, slug: &str) -> (Shop, Access) {
    let shop = Shop::open(&app.administrator(), slug).await;
    app.settled().await;
    let organization = OrganizationId::of_slug(slug);
    (shop, Access { organization, actor: Actor::Administrator, as_of: None })
}

fn id<R: Listed>(row: &R) -> Uuid {
    row.key().1
}

/// The records that a filter lets through, in the order of their ids.
pub(crate) async fn listed<R: Listed>(
    reader: &Reader,
    access: &Access,
    filter: Filter,
) -> Vec<Seen<R>> {
    let by_id: (&'static Field, _) = (R::LIST.id(), queries::sort::Direction::Ascending);
    let sort = Sort::by(R::LIST, &[by_id]).expect("an order");
    let selection = Selection { filter, sort };
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let args = PageArgs { first: Some(100), after, ..PageArgs::default() };
        let page = reader.page::<R>(access, &selection, &args).await;
        let page = page.unwrap_or_else(|error| panic!("{:?}: {error}", selection.filter));
        after = page.items.last().map(|(cursor, _)| cursor.clone());
        all.extend(page.items.into_iter().map(|(_, row)| row));
        if !page.has_next {
            return all;
        }
    }
}
