//! The books of one organization, folded from its facts as decisions fold them; checked against
//! the rows that readers see, and against what the domain promises.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use commands::State;
use commands::credit::Credit;
use commands::customers::Customer;
use commands::orders::Order;
use commands::products::Product;
use commands::stock::StockItem;
use events::credit::{CreditEvent, CreditId};
use events::orders::{OrderEvent, OrderPlaced, OrderStatus};
use events::stock::StockItemId;
use events::words::{OrganizationId, Position, RoundingPlace};
use events::{Event, Recorded};
use harness::TestApp;
use rust_decimal::Decimal;
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::sales::books::Sales;

/// What was found wrong, in words.
type Finding = String;

/// Every record of an organization, as decisions see it.
pub(super) struct Books {
    organization: OrganizationId,
    customers: BTreeMap<Uuid, Customer>,
    credits: BTreeMap<Uuid, Credit>,
    products: BTreeMap<Uuid, Product>,
    items: BTreeMap<Uuid, StockItem>,
    orders: BTreeMap<Uuid, Order>,
    sales: Sales,
    /// How many facts each stream has.
    versions: HashMap<Uuid, i64>,
    findings: Vec<Finding>,
}

impl Books {
    /// Folds everything that the log holds of an organization.
    pub(super) async fn read(app: &TestApp, organization: OrganizationId) -> Self {
        let mut books = Self {
            organization,
            customers: BTreeMap::new(),
            credits: BTreeMap::new(),
            products: BTreeMap::new(),
            items: BTreeMap::new(),
            orders: BTreeMap::new(),
            sales: Sales::default(),
            versions: HashMap::new(),
            findings: Vec::new(),
        };
        let mut after = Position(0);
        loop {
            let page = app.parts.log.read_all(after, 1_000).await.expect("reading the log");
            let Some(last) = page.last() else { return books };
            after = last.position;
            for raw in page.iter().filter(|raw| raw.stream.organization == organization.0) {
                books.take(&Recorded::try_from(raw).expect("a fact of ours"));
            }
        }
    }

    /// Takes one more fact in. What must hold at any time is checked at any time.
    fn take(&mut self, recorded: &Recorded) {
        let id = recorded.stream_id;
        self.versions.insert(id, recorded.version);
        self.sales.take(recorded);
        match &recorded.event {
            Event::Customer(fact) => self.customers.entry(id).or_default().evolve(fact),
            Event::Product(fact) => self.products.entry(id).or_default().evolve(fact),
            Event::Order(fact) => {
                self.orders.entry(id).or_default().evolve(fact);
                if let OrderEvent::Placed(placed) = fact {
                    self.findings.extend(unsummed(placed));
                }
            }
            Event::Stock(fact) => {
                let item = self.items.entry(id).or_default();
                item.evolve(fact);
                self.findings.extend(oversold(item, recorded));
            }
            Event::Credit(fact) => {
                let credit = self.credits.entry(id).or_default();
                credit.evolve(fact);
                if let CreditEvent::Reserved { order_id, .. } = fact {
                    let order = self.orders.get(&order_id.0).and_then(|o| o.placed.as_ref());
                    let overridden = order.is_some_and(|order| order.credit_override.is_some());
                    let over = credit.limit.is_some_and(|limit| credit.exposure > limit);
                    if over && !overridden {
                        self.findings.push(format!("credit {id} is exceeded: {credit:?}"));
                    }
                }
            }
            Event::Organization(_)
            | Event::CreditNote(_)
            | Event::Series(_)
            | Event::Reservation(_) => {}
        }
    }

    /// Whether everything is as it should be, and if not, what is not.
    pub(super) async fn check(self, app: &TestApp) -> Result<(), Finding> {
        let mut findings = self.findings.clone();
        findings.extend(self.unbalanced());
        findings.extend(self.unlike(app).await);
        findings.extend(self.sales.unlike(app, self.organization).await);
        if findings.is_empty() { Ok(()) } else { Err(findings.join("\n")) }
    }

    /// The orders that are placed and not cancelled.
    fn placed(&self) -> impl Iterator<Item = &OrderPlaced> {
        let open = self.orders.values().filter(|order| order.status == Some(OrderStatus::Placed));
        open.filter_map(|order| order.placed.as_deref())
    }

    /// What orders come to must be what credit and stock keep for them.
    fn unbalanced(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut owed: HashMap<Uuid, Decimal> = HashMap::new();
        let mut promised: HashMap<Uuid, Decimal> = HashMap::new();
        for order in self.placed() {
            let credit = CreditId::of(self.organization, order.customer_id);
            *owed.entry(credit.0).or_default() += order.net.0;
            for line in &order.lines {
                let (product, warehouse) = (line.product_id, line.warehouse_id);
                let item = StockItemId::of(self.organization, product, warehouse, &line.unit);
                *promised.entry(item.0).or_default() += line.quantity.0;
            }
        }
        for (id, credit) in &self.credits {
            let owed = owed.remove(id).unwrap_or_default();
            if credit.exposure != owed {
                findings.push(format!("credit {id}: {owed} are owed, but {credit:?}"));
            }
        }
        for (id, item) in &self.items {
            let promised = promised.remove(id).unwrap_or_default();
            if item.reserved != promised + item.reserved_by_hand {
                findings.push(format!("item {id}: {promised} are promised, but {item:?}"));
            }
        }
        let lost = owed.keys().chain(promised.keys());
        findings.extend(lost.map(|id| format!("orders lean on {id}, which does not exist")));
        findings
    }

    /// What readers see must be what decisions see.
    async fn unlike(&self, app: &TestApp) -> Vec<Finding> {
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
        let items = self.items.iter().map(|(id, item)| {
            let numbers = [item.on_hand, item.reserved, item.available()].map(number);
            (*id, [numbers.to_vec(), vec![item.backorder.to_string()]].concat())
        });
        findings.extend(self.compare(app, ITEMS, items).await);
        let orders = self.orders.iter().filter_map(|(id, order)| {
            let placed = order.placed.as_ref()?;
            let nets = placed.lines.iter().map(|line| line.net.0).sum();
            let amounts = [placed.gross.0, placed.net.0, nets].map(number);
            let lines = placed.lines.len().to_string();
            Some((*id, [vec![word(&order.status), lines], amounts.into()].concat()))
        });
        findings.extend(self.compare(app, ORDERS, orders).await);
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
const ITEMS: &str = "select stock_item_id, version, trim_scale(on_hand)::text, \
    trim_scale(reserved)::text, trim_scale(available)::text, backorder::text from read.stock \
    where organization_id = $1";
const ORDERS: &str = "select order_id, version, status, line_count::text, \
    trim_scale(gross)::text, trim_scale(net)::text, (select trim_scale(sum(l.net))::text \
    from read.order_lines as l where l.organization_id = o.organization_id \
    and l.order_id = o.order_id having count(*) = o.line_count) \
    from read.orders as o where organization_id = $1";

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

/// An order's sums must be those of its lines.
fn unsummed(order: &OrderPlaced) -> Option<Finding> {
    let gross: Decimal = order.lines.iter().map(|line| line.gross.0).sum();
    let nets: Decimal = order.lines.iter().map(|line| line.net.0).sum();
    let net = match order.rounding.place {
        RoundingPlace::Line => nets,
        RoundingPlace::Total => order.rounding.how.round(gross, order.currency),
    };
    let exact = order.lines.iter().all(|line| {
        let rounded = match order.rounding.place {
            RoundingPlace::Line => order.rounding.how.round(line.gross.0, order.currency),
            RoundingPlace::Total => line.gross.0,
        };
        line.gross.0 == line.quantity.0 * line.unit_price.0 && line.net.0 == rounded
    });
    let right = exact && order.gross.0 == gross && order.net.0 == net && net.scale() <= 2;
    (!right).then(|| format!("an order does not sum up: {order:?}"))
}

/// 0 ≤ reserved ≤ on hand, unless backorders are allowed.
fn oversold(item: &StockItem, after: &Recorded) -> Option<Finding> {
    let least = Decimal::ZERO;
    let right = item.open
        && least <= item.reserved_by_hand
        && item.reserved_by_hand <= item.reserved
        && least <= item.on_hand
        && (item.reserved <= item.on_hand || item.backorder);
    (!right).then(|| format!("{item:?} after {after:?}"))
}
