//! The books of one organization, folded from its facts as decisions fold them; checked against
//! the rows that readers see, and against what the domain promises.

mod rows;
mod sums;

use std::collections::{BTreeMap, HashMap};

use commands::State;
use commands::credit::Credit;
use commands::customers::Customer;
use commands::orders::Order;
use commands::products::Product;
use commands::series::Series;
use commands::stock::StockItem;
use commands::warehouses::Warehouse;
use events::credit::{CreditEvent, CreditId};
use events::credit_notes::{CreditNoteEvent, CreditNotePosted};
use events::orders::{OrderEvent, OrderPlaced, OrderStatus};
use events::series::{Numbering, SeriesEvent, SeriesId};
use events::stock::{StockEvent, StockItemId};
use events::warehouses::{WarehouseId, WarehouseStatus};
use events::words::{OrganizationId, Position};
use events::{Event, Recorded};
use harness::TestApp;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::sales::books::Sales;
use sums::{Sums, sums};

/// What was found wrong, in words.
type Finding = String;

/// Every record of an organization, as decisions see it.
pub(super) struct Books {
    organization: OrganizationId,
    customers: BTreeMap<Uuid, Customer>,
    credits: BTreeMap<Uuid, Credit>,
    products: BTreeMap<Uuid, Product>,
    warehouses: BTreeMap<Uuid, Warehouse>,
    items: BTreeMap<Uuid, StockItem>,
    /// Where each item lies.
    places: HashMap<Uuid, WarehouseId>,
    orders: BTreeMap<Uuid, Order>,
    credit_notes: BTreeMap<Uuid, CreditNotePosted>,
    series: BTreeMap<Uuid, Series>,
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
            warehouses: BTreeMap::new(),
            items: BTreeMap::new(),
            places: HashMap::new(),
            orders: BTreeMap::new(),
            credit_notes: BTreeMap::new(),
            series: BTreeMap::new(),
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
                    self.findings.extend(unsummed(&sums!(placed), recorded));
                }
            }
            Event::CreditNote(CreditNoteEvent::Posted(posted)) => {
                self.findings.extend(unsummed(&sums!(posted), recorded));
                self.credit_notes.insert(id, posted.clone());
            }
            Event::Series(fact) => {
                let series = self.series.entry(id).or_default();
                let last = series.last;
                series.evolve(fact);
                if let SeriesEvent::Numbered { number, .. } = fact
                    && *number != last + 1
                {
                    self.findings.push(format!("{last} is followed by {fact:?}"));
                }
            }
            Event::Warehouse(fact) => self.warehouses.entry(id).or_default().evolve(fact),
            Event::Stock(fact) => {
                let misplaced = self.misplaced(fact, recorded);
                self.findings.extend(misplaced);
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
            | Event::Reservation(_)
            | Event::Contact(_)
            | Event::Parked(_) => {}
        }
    }

    /// Goods come into warehouses that are open, and into the default one before it was opened.
    fn misplaced(&mut self, fact: &StockEvent, recorded: &Recorded) -> Option<Finding> {
        match fact {
            StockEvent::Opened { warehouse_id, .. } => {
                self.places.insert(recorded.stream_id, *warehouse_id);
                None
            }
            StockEvent::Received { .. } => {
                let place = self.places.get(&recorded.stream_id)?;
                let warehouse = self.warehouses.get(&place.0);
                let status = warehouse.and_then(|warehouse| warehouse.status);
                let default = *place == WarehouseId::default_of(self.organization);
                let right = match status {
                    Some(status) => status == WarehouseStatus::Active,
                    None => default,
                };
                (!right).then(|| format!("{warehouse:?} took in: {recorded:?}"))
            }
            _ => None,
        }
    }

    /// Whether everything is as it should be, and if not, what is not.
    pub(super) async fn check(self, app: &TestApp) -> Result<(), Finding> {
        let mut findings = self.findings.clone();
        findings.extend(self.unbalanced());
        findings.extend(self.misnumbered());
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
        let mut credited: HashMap<Uuid, Decimal> = HashMap::new();
        for note in self.credit_notes.values() {
            let credit = CreditId::of(self.organization, note.customer_id);
            *owed.entry(credit.0).or_default() -= note.net.0;
            if let Some(order_id) = note.order_id {
                *credited.entry(order_id.0).or_default() += note.net.0;
            }
        }
        for (id, order) in &self.orders {
            let credited = credited.remove(id).unwrap_or_default();
            let open = order.placed.as_ref().filter(|_| order.status == Some(OrderStatus::Placed));
            let most = open.map_or(Decimal::ZERO, |placed| placed.net.0);
            if order.credited != credited || credited > most {
                findings.push(format!("order {id}: {credited} of {most} are credited: {order:?}"));
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
        let lost = owed.keys().chain(promised.keys()).chain(credited.keys());
        findings.extend(lost.map(|id| format!("a document leans on {id}, which does not exist")));
        findings
    }

    /// A series that counts has every number from 1 to its last one, each once.
    fn misnumbered(&self) -> Vec<Finding> {
        let mut numbers: HashMap<Uuid, Vec<&str>> = HashMap::new();
        for note in self.credit_notes.values() {
            let series = SeriesId::of(self.organization, "credit_note", &note.series);
            numbers.entry(series.0).or_default().push(&note.number);
        }
        let mut findings = Vec::new();
        for (id, mut given) in numbers {
            let series = self.series.get(&id).copied().unwrap_or_default();
            given.sort_by_key(|number| (number.len(), *number));
            let counted: Vec<String> = (1..=series.last).map(|n| n.to_string()).collect();
            let right = match series.numbering {
                Some(Numbering::Counted) => given == counted,
                Some(Numbering::Stated) => given.windows(2).all(|pair| pair[0] != pair[1]),
                None => false,
            };
            if !right {
                findings.push(format!("series {id} {series:?} gave {given:?}"));
            }
        }
        findings
    }
}

fn unsummed(sums: &Sums, recorded: &Recorded) -> Option<Finding> {
    (!sums.add_up()).then(|| format!("it does not add up: {recorded:?}"))
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
