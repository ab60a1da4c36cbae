//! Batches what the records of a list ask for one by one: the lines of twenty orders are one
//! query.

use std::collections::HashMap;

use async_graphql::dataloader::{DataLoader, Loader};
use events::access::Access;
use events::words::{Actor, OrganizationId};
use queries::Reader;
use queries::credit::CreditRow;
use queries::credit_notes::CreditNoteLineRow;
use queries::customers::CustomerRow;
use queries::orders::{OrderLineRow, OrderRow};
use queries::products::ProductRow;
use queries::stock::StockRow;
use queries::warehouses::WarehouseRow;
use uuid::Uuid;

use crate::error::ApiError;

/// Loads what belongs to the record with this id.
macro_rules! keys {
    ($( $(#[$doc:meta])* $key:ident -> $value:ty = $load:ident; )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) struct $key(pub(super) OrganizationId, pub(super) Uuid);

        impl Loader<$key> for Records {
            type Value = $value;
            type Error = async_graphql::Error;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, $value>, Self::Error> {
                let mut found = HashMap::with_capacity(keys.len());
                for (organization, ids) in by_organization(keys.iter().map(|key| (key.0, key.1))) {
                    let access = Access { organization, actor: self.actor };
                    let loaded = self.reader.$load(&access, &ids).await;
                    let loaded = loaded.map_err(ApiError::from)?;
                    found.extend(loaded.into_iter().map(|(id, v)| ($key(organization, id), v)));
                }
                Ok(found)
            }
        }
    )+};
}

keys! {
    /// The lines of an order.
    LinesOf -> Vec<OrderLineRow> = order_lines;
    /// An order.
    OrderOf -> OrderRow = orders_by_id;
    /// The lines of a credit note.
    CreditNoteLinesOf -> Vec<CreditNoteLineRow> = credit_note_lines;
    /// A customer.
    CustomerOf -> CustomerRow = customers_by_id;
    /// A product.
    ProductOf -> ProductRow = products_by_id;
    /// A warehouse.
    WarehouseOf -> WarehouseRow = warehouses_by_id;
    /// The stock items of a product.
    StockOf -> Vec<StockRow> = stock_of;
    /// The credit of a customer.
    CreditOf -> CreditRow = credit_by_customer;
}

/// Loads records on behalf of somebody.
pub struct Records {
    reader: Reader,
    actor: Actor,
}

/// A loader for one request or connection.
pub type Loaders = DataLoader<Records>;

/// A loader on behalf of somebody.
pub fn new(reader: Reader, actor: Actor) -> Loaders {
    DataLoader::new(Records { reader, actor }, tokio::spawn)
}

fn by_organization(
    keys: impl Iterator<Item = (OrganizationId, Uuid)>,
) -> HashMap<OrganizationId, Vec<Uuid>> {
    let mut sorted: HashMap<OrganizationId, Vec<Uuid>> = HashMap::new();
    for (organization, id) in keys {
        sorted.entry(organization).or_default().push(id);
    }
    sorted
}
