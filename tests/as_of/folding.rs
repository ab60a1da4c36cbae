//! A record as of a position: as a reader gives it, and as the pure fold makes it of the facts up
//! to there. Both as text, with every digit.

use std::fmt::Debug;

use events::Recorded;
use events::access::Access;
use projections::contacts::Contacts;
use projections::credit::Credits;
use projections::credit_notes::CreditNotes;
use projections::customers::Customers;
use projections::fold::Fold;
use projections::orders::Orders;
use projections::organizations::Organizations;
use projections::products::Products;
use projections::stock::StockItems;
use projections::warehouses::Warehouses;
use queries::{QueryError, Reader, Seen};
use uuid::Uuid;

/// What facts of one stream make of a record of this feature.
pub(super) fn folded(feature: &str, facts: &[&Recorded]) -> String {
    fn told<R: Fold>(facts: &[&Recorded]) -> String {
        let take = |kept, fact: &&Recorded| R::take(kept, fact).expect("a fact that folds");
        let kept = facts.iter().fold(None, take);
        format!("{:?}", kept.map(|kept| (kept.row, kept.children)))
    }
    match feature {
        "organizations" => told::<Organizations>(facts),
        "customers" => told::<Customers>(facts),
        "contacts" => told::<Contacts>(facts),
        "credit" => told::<Credits>(facts),
        "products" => told::<Products>(facts),
        "warehouses" => told::<Warehouses>(facts),
        "stock" => told::<StockItems>(facts),
        "orders" => told::<Orders>(facts),
        "credit_notes" => told::<CreditNotes>(facts),
        other => panic!("no record is called {other}"),
    }
}

/// What a reader gives.
pub(super) async fn read(reader: &Reader, access: &Access, feature: &str, id: Uuid) -> String {
    match feature {
        "organizations" => told(reader.organization(access).await, no_children()),
        "customers" => told(reader.customer(access, id).await, no_children()),
        "contacts" => told(reader.contact(access, id).await, no_children()),
        "credit" => told(reader.credit(access, id).await, no_children()),
        "products" => told(reader.product(access, id).await, no_children()),
        "warehouses" => told(reader.warehouse(access, id).await, no_children()),
        "stock" => told(reader.stock_item(access, id).await, no_children()),
        "orders" => {
            let lines = reader.order_lines(access, &[id]).await.expect("the lines").remove(&id);
            told(reader.order(access, id).await, lines.unwrap_or_default())
        }
        "credit_notes" => {
            let lines = reader.credit_note_lines(access, &[id]).await.expect("the lines");
            let lines = lines.into_values().next().unwrap_or_default();
            told(reader.credit_note(access, id).await, lines)
        }
        other => panic!("no record is called {other}"),
    }
}

fn no_children() -> Vec<Seen<()>> {
    Vec::new()
}

fn told<R: Debug, C: Debug>(
    row: Result<Option<Seen<R>>, QueryError>,
    children: Vec<Seen<C>>,
) -> String {
    let row = row.expect("an answer");
    let children: Vec<&C> = children.iter().map(|child| &**child).collect();
    format!("{:?}", row.as_ref().map(|row| (&**row, children)))
}
