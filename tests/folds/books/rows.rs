//! What readers see, compared with the books: each row of each read model, its version and the
//! columns that follow from what decisions see.

use std::collections::BTreeSet;

use harness::TestApp;
use rust_decimal::Decimal;
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Books, Finding};

impl Books {
    /// What readers see must be what decisions see.
    pub(super) async fn unlike(&self, app: &TestApp) -> Vec<Finding> {
        let mut findings = Vec::new();
        let customers = self.customers.iter().map(|(id, customer)| {
            let currency = customer.currency.map(|currency| currency.to_string());
            (*id, vec![word(&customer.status), customer.name.clone(), currency.unwrap_or_default()])
        });
        findings.extend(self.compare(app, CUSTOMERS, customers).await);
        let credits = self.credits.iter().map(|(id, credit)| {
            let limit = credit.limit.map(number).unwrap_or_default();
            let free = credit.limit.map(|limit| number(limit - credit.exposure));
            (*id, vec![limit, number(credit.exposure), free.unwrap_or_default()])
        });
        findings.extend(self.compare(app, CREDITS, credits).await);
        let products = self.products.iter().map(|(id, product)| {
            let price = product.list_price.map(|price| number(price.amount.0));
            let unit = product.unit.as_ref().map(|unit| unit.code.0.clone());
            let columns = [unit.unwrap_or_default(), price.unwrap_or_default()];
            (*id, [vec![word(&product.status), product.sku.clone()], columns.into()].concat())
        });
        findings.extend(self.compare(app, PRODUCTS, products).await);
        let warehouses = self
            .warehouses
            .iter()
            .map(|(id, warehouse)| (*id, vec![word(&warehouse.status), warehouse.code.clone()]));
        findings.extend(self.compare(app, WAREHOUSES, warehouses).await);
        let items = self.items.iter().map(|(id, item)| {
            let numbers = [item.on_hand, item.reserved, item.available()].map(number);
            (*id, [numbers.to_vec(), vec![item.backorder.to_string()]].concat())
        });
        findings.extend(self.compare(app, ITEMS, items).await);
        let orders = self.orders.iter().filter_map(|(id, order)| {
            let placed = order.placed.as_ref()?;
            let nets = placed.lines.iter().map(|line| line.net.0).sum();
            let amounts = [placed.gross.0, placed.net.0, order.credited, nets].map(number);
            let lines = placed.lines.len().to_string();
            Some((*id, [vec![word(&order.status), lines], amounts.into()].concat()))
        });
        findings.extend(self.compare(app, ORDERS, orders).await);
        let notes = self.credit_notes.iter().map(|(id, note)| {
            let order = note.order_id.map(|order| order.to_string()).unwrap_or_default();
            let nets = note.lines.iter().map(|line| line.net.0).sum();
            let amounts = [note.gross.0, note.net.0, nets].map(number);
            let lines = note.lines.len().to_string();
            let words = vec!["posted".to_owned(), note.number.clone(), order, lines];
            (*id, [words, amounts.into()].concat())
        });
        findings.extend(self.compare(app, CREDIT_NOTES, notes).await);
        findings
    }

    /// Compares rows of id, version and columns as text with what they should be.
    async fn compare(
        &self,
        app: &TestApp,
        query: &str,
        expected: impl Iterator<Item = (Uuid, Vec<String>)>,
    ) -> Vec<Finding> {
        let rows = app.database.connect().await.query(query, &[&self.organization.0]).await;
        let found: BTreeSet<Record> = rows.expect("rows").iter().map(record).collect();
        let expected: BTreeSet<Record> = expected
            .map(|(id, columns)| (id, self.versions.get(&id).copied().unwrap_or(0), columns))
            .collect();
        let missing = expected.difference(&found).map(|row| format!("no row {row:?}"));
        let wrong = found.difference(&expected).map(|row| format!("a row {row:?}"));
        missing.chain(wrong).collect()
    }
}

type Record = (Uuid, i64, Vec<String>);

const CUSTOMERS: &str = "select customer_id, version, status, name, currency from read.customers \
    where organization_id = $1";
const CREDITS: &str = "select credit_id, version, trim_scale(credit_limit)::text, \
    trim_scale(exposure)::text, trim_scale(available)::text from read.credit \
    where organization_id = $1";
const PRODUCTS: &str = "select product_id, version, status, sku, unit, \
    trim_scale(list_price)::text from read.products where organization_id = $1";
const WAREHOUSES: &str = "select warehouse_id, version, status, code from read.warehouses \
    where organization_id = $1";
const ITEMS: &str = "select stock_item_id, version, trim_scale(on_hand)::text, \
    trim_scale(reserved)::text, trim_scale(available)::text, backorder::text from read.stock \
    where organization_id = $1";
const ORDERS: &str = "select order_id, version, status, line_count::text, \
    trim_scale(gross)::text, trim_scale(net)::text, trim_scale(credited)::text, \
    (select trim_scale(sum(l.net))::text from read.order_lines as l \
    where l.organization_id = o.organization_id and l.order_id = o.order_id \
    having count(*) = o.line_count) \
    from read.orders as o where organization_id = $1";
const CREDIT_NOTES: &str = "select credit_note_id, version, status, number, order_id::text, \
    line_count::text, trim_scale(gross)::text, trim_scale(net)::text, \
    (select trim_scale(sum(l.net))::text from read.credit_note_lines as l \
    where l.organization_id = c.organization_id and l.credit_note_id = c.credit_note_id \
    having count(*) = c.line_count) \
    from read.credit_notes as c where organization_id = $1";

fn record(row: &Row) -> Record {
    let columns = (2..row.len()).map(|at| row.get::<_, Option<String>>(at).unwrap_or_default());
    (row.get(0), row.get(1), columns.collect())
}

fn number(value: Decimal) -> String {
    value.normalize().to_string()
}

fn word<T: Serialize>(value: &T) -> String {
    let word = serde_json::to_value(value).expect("a word");
    word.as_str().unwrap_or_default().to_owned()
}
