//! Batches what the records of a list ask for one by one: the lines of twenty orders are one
//! query.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use async_graphql::dataloader::{DataLoader, Loader};
use events::access::Access;
use queries::contacts::ContactRow;
use queries::credit::CreditRow;
use queries::credit_notes::{CreditNoteLineRow, CreditNoteRow};
use queries::customers::CustomerRow;
use queries::history::{Entry, Historic};
use queries::orders::{OrderLineRow, OrderRow};
use queries::organizations::OrganizationRow;
use queries::page::{Page, PageArgs};
use queries::products::ProductRow;
use queries::stock::StockRow;
use queries::warehouses::WarehouseRow;
use queries::{QueryError, Reader, Seen};
use uuid::Uuid;

use crate::error::ApiError;

/// Loads what belongs to the record with this id, by the access that the record was read by: in its
/// organization, and as of the same moment.
macro_rules! keys {
    ($( $(#[$doc:meta])* $key:ident -> $value:ty = $load:ident; )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) struct $key(pub(super) Access, pub(super) Uuid);

        impl Loader<$key> for Records {
            type Value = $value;
            type Error = async_graphql::Error;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, $value>, Self::Error> {
                let mut found = HashMap::with_capacity(keys.len());
                for (access, ids) in by_access(keys.iter().map(|key| (key.0, key.1))) {
                    let loaded = self.0.$load(&access, &ids).await;
                    let loaded = loaded.map_err(ApiError::from)?;
                    found.extend(loaded.into_iter().map(|(id, v)| ($key(access, id), v)));
                }
                Ok(found)
            }
        }
    )+};
}

keys! {
    /// The lines of an order.
    LinesOf -> Vec<Seen<OrderLineRow>> = order_lines;
    /// An order.
    OrderOf -> Seen<OrderRow> = orders_by_id;
    /// The organization.
    OrganizationOf -> Seen<OrganizationRow> = organizations_by_id;
    /// A contact.
    ContactOf -> Seen<ContactRow> = contacts_by_id;
    /// A credit note.
    CreditNoteOf -> Seen<CreditNoteRow> = credit_notes_by_id;
    /// The lines of a credit note.
    CreditNoteLinesOf -> Vec<Seen<CreditNoteLineRow>> = credit_note_lines;
    /// A customer.
    CustomerOf -> Seen<CustomerRow> = customers_by_id;
    /// A product.
    ProductOf -> Seen<ProductRow> = products_by_id;
    /// A warehouse.
    WarehouseOf -> Seen<WarehouseRow> = warehouses_by_id;
    /// A stock item.
    StockItemOf -> Seen<StockRow> = stock_items_by_id;
    /// The stock items of a product.
    StockOf -> Vec<Seen<StockRow>> = stock_of;
    /// The credit of a customer.
    CreditOf -> Seen<CreditRow> = credit_by_customer;
    /// A credit, by its own id.
    CreditById -> Seen<CreditRow> = credits_by_id;
    /// The feature of a record.
    FeatureOf -> String = features;
}

/// Whether the record of a read model stands still at a parked fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct StaleOf(pub(super) Access, pub(super) &'static str, pub(super) Uuid);

impl Loader<StaleOf> for Records {
    type Value = bool;
    type Error = async_graphql::Error;

    async fn load(&self, keys: &[StaleOf]) -> Result<HashMap<StaleOf, bool>, Self::Error> {
        let mut sorted: HashMap<(Access, &'static str), Vec<Uuid>> = HashMap::new();
        for StaleOf(access, projection, id) in keys {
            sorted.entry((*access, projection)).or_default().push(*id);
        }
        let mut found: HashMap<StaleOf, bool> = keys.iter().map(|key| (*key, false)).collect();
        for ((access, projection), ids) in sorted {
            let stale = self.0.stale(&access, projection, &ids).await.map_err(ApiError::from)?;
            found.extend(stale.into_iter().map(|id| (StaleOf(access, projection, id), true)));
        }
        Ok(found)
    }
}

/// Whether the sums of a read model lack a parked fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct IncompleteOf(pub(super) Access, pub(super) &'static str);

impl Loader<IncompleteOf> for Records {
    type Value = bool;
    type Error = async_graphql::Error;

    async fn load(
        &self,
        keys: &[IncompleteOf],
    ) -> Result<HashMap<IncompleteOf, bool>, Self::Error> {
        let mut found = HashMap::with_capacity(keys.len());
        for key in keys {
            let lacks = self.0.is_incomplete(&key.0, key.1).await.map_err(ApiError::from)?;
            found.insert(*key, lacks);
        }
        Ok(found)
    }
}

/// A page of the history of a record.
#[derive(Debug, Clone)]
pub(super) struct HistoryOf<T> {
    pub(super) record: Seen<T>,
    pub(super) page: PageArgs,
}

impl<T: Historic> HistoryOf<T> {
    /// What tells it from others.
    fn parts(&self) -> (Access, Uuid, i64, &PageArgs) {
        let (access, (_, id)) = (self.record.access(), self.record.record());
        (access, id, Historic::version(&*self.record), &self.page)
    }
}

impl<T: Historic> PartialEq for HistoryOf<T> {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl<T: Historic> Eq for HistoryOf<T> {}

impl<T: Historic> Hash for HistoryOf<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl<T: Historic> Loader<HistoryOf<T>> for Records {
    /// What keeps one record from having a history keeps no other from it.
    type Value = Result<Page<Entry>, QueryError>;
    type Error = async_graphql::Error;

    async fn load(
        &self,
        keys: &[HistoryOf<T>],
    ) -> Result<HashMap<HistoryOf<T>, Self::Value>, Self::Error> {
        let mut sorted: HashMap<Access, Vec<&HistoryOf<T>>> = HashMap::new();
        for key in keys {
            sorted.entry(key.record.access()).or_default().push(key);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for keys in sorted.into_values() {
            let wanted = keys.iter().map(|key| (key.record.clone(), key.page.clone()));
            let wanted: Vec<_> = wanted.collect();
            let histories = self.0.histories(&wanted).await.map_err(ApiError::from)?;
            found.extend(keys.into_iter().cloned().zip(histories));
        }
        Ok(found)
    }
}

/// Loads records.
pub struct Records(Reader);

/// A loader for one request or connection.
pub type Loaders = DataLoader<Records>;

/// A loader.
pub fn new(reader: Reader) -> Loaders {
    DataLoader::new(Records(reader), tokio::spawn)
}

fn by_access(keys: impl Iterator<Item = (Access, Uuid)>) -> HashMap<Access, Vec<Uuid>> {
    let mut sorted: HashMap<Access, Vec<Uuid>> = HashMap::new();
    for (access, id) in keys {
        sorted.entry(access).or_default().push(id);
    }
    sorted
}
