//! Sales added up a second, simple way: not what facts change, but what is in force in the end.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use events::credit_notes::{CreditNoteEvent, CreditNotePosted};
use events::customers::CustomerId;
use events::orders::{OrderEvent, OrderPlaced};
use events::products::ProductId;
use events::words::{Currency, OrganizationId, Position};
use events::{Event, Recorded};
use harness::TestApp;
use rust_decimal::Decimal;
use uuid::Uuid;

/// The documents of an organization.
#[derive(Default)]
pub(crate) struct Sales {
    orders: BTreeMap<Uuid, Order>,
    credit_notes: Vec<(CreditNotePosted, Position)>,
}

struct Order {
    placed: OrderPlaced,
    in_force: bool,
    position: Position,
}

/// A view, the key of a row, and what the row has of a document.
type Entry = (&'static str, String, [Decimal; 8]);

const VIEWS: [(&str, &str); 3] = [
    (
        "sales_by_month",
        "concat_ws(' ', month, currency, orders, lines, trim_scale(gross), trim_scale(net), \
         credit_notes, credit_lines, trim_scale(credits), trim_scale(credits_net), position)",
    ),
    (
        "sales_by_customer",
        "concat_ws(' ', customer_id, currency, orders, lines, trim_scale(gross), trim_scale(net), \
         credit_notes, credit_lines, trim_scale(credits), trim_scale(credits_net), position)",
    ),
    (
        "sales_by_product",
        "concat_ws(' ', product_id, currency, lines, trim_scale(quantity), trim_scale(gross), \
         trim_scale(net), credit_lines, trim_scale(credited_quantity), trim_scale(credits), \
         trim_scale(credits_net), position)",
    ),
];

impl Sales {
    /// The documents of which the log knows.
    pub(crate) async fn read(app: &TestApp, organization: OrganizationId) -> Self {
        let (mut sales, mut after) = (Self::default(), Position(0));
        loop {
            let page = app.parts.log.read_all(after, 1_000).await.expect("reading the log");
            let Some(last) = page.last() else { return sales };
            after = last.position;
            for raw in page.iter().filter(|raw| raw.stream.organization == organization.0) {
                sales.take(&Recorded::try_from(raw).expect("a fact of ours"));
            }
        }
    }

    /// Takes one more fact of the organization in.
    pub(crate) fn take(&mut self, recorded: &Recorded) {
        let position = recorded.position;
        match &recorded.event {
            Event::Order(OrderEvent::Placed(placed)) => {
                let order = Order { placed: placed.clone(), in_force: true, position };
                self.orders.insert(recorded.stream_id, order);
            }
            Event::Order(OrderEvent::Cancelled { .. }) => {
                let order = self.orders.get_mut(&recorded.stream_id).expect("a placed order");
                (order.in_force, order.position) = (false, position);
            }
            Event::CreditNote(CreditNoteEvent::Posted(posted)) => {
                self.credit_notes.push((posted.clone(), position));
            }
            _ => {}
        }
    }

    /// How many orders there are, those cancelled and not.
    pub(crate) fn orders(&self) -> (usize, usize) {
        let cancelled = self.orders.values().filter(|order| !order.in_force).count();
        (self.orders.len() - cancelled, cancelled)
    }

    /// Where the read models differ.
    pub(crate) async fn unlike(&self, app: &TestApp, organization: OrganizationId) -> Vec<String> {
        let (client, expected) = (app.database.connect().await, self.rows());
        let mut found = BTreeSet::new();
        for (view, row) in VIEWS {
            let query = format!("select {row} from read.{view} where organization_id = $1");
            let rows = client.query(&query, &[&organization.0]).await.expect("rows");
            found.extend(rows.iter().map(|row| format!("{view}: {}", row.get::<_, String>(0))));
        }
        let missing = expected.difference(&found).map(|row| format!("no row of {row}"));
        let wrong = found.difference(&expected).map(|row| format!("a row of {row}"));
        missing.chain(wrong).collect()
    }

    /// The rows that there should be, as text.
    fn rows(&self) -> BTreeSet<String> {
        let orders = self.orders.values().map(|order| (of_order(order), order.position));
        let credits = self.credit_notes.iter();
        let credits = credits.map(|(posted, position)| (of_credit_note(posted), *position));
        let mut rows: BTreeMap<(&str, String), ([Decimal; 8], Position)> = BTreeMap::new();
        for (entries, position) in orders.chain(credits) {
            for (view, key, sums) in entries {
                let row = rows.entry((view, key)).or_default();
                row.0.iter_mut().zip(sums).for_each(|(sum, more)| *sum += more);
                row.1 = row.1.max(position);
            }
        }
        let text = rows.into_iter().map(|((view, key), (sums, position))| {
            let sums = sums.map(|sum| sum.normalize().to_string()).join(" ");
            format!("{view}: {key} {sums} {position}")
        });
        text.collect()
    }
}

const NONE: Decimal = Decimal::ZERO;

/// An order that is off has rows, but nothing in them.
fn of_order(order: &Order) -> Vec<Entry> {
    let placed = &order.placed;
    let counted = |sums: [Decimal; 4]| {
        let [a, b, c, d] = if order.in_force { sums } else { [NONE; 4] };
        [a, b, c, d, NONE, NONE, NONE, NONE]
    };
    let whole = [1.into(), placed.lines.len().into(), placed.gross.0, placed.net.0];
    let lines = placed.lines.iter();
    let lines = lines.map(|line| {
        (line.product_id, counted([1.into(), line.quantity.0, line.gross.0, line.net.0]))
    });
    of_document(placed.business_date, placed.customer_id, placed.currency, counted(whole), lines)
}

fn of_credit_note(posted: &CreditNotePosted) -> Vec<Entry> {
    let counted = |[a, b, c, d]: [Decimal; 4]| [NONE, NONE, NONE, NONE, a, b, c, d];
    let whole = [1.into(), posted.lines.len().into(), posted.gross.0, posted.net.0];
    let lines = posted.lines.iter();
    let lines = lines.map(|line| {
        (line.product_id, counted([1.into(), line.quantity.0, line.gross.0, line.net.0]))
    });
    of_document(posted.business_date, posted.customer_id, posted.currency, counted(whole), lines)
}

/// The rows in which a document counts.
fn of_document(
    date: NaiveDate,
    customer: CustomerId,
    currency: Currency,
    sums: [Decimal; 8],
    lines: impl Iterator<Item = (ProductId, [Decimal; 8])>,
) -> Vec<Entry> {
    let month = date.format("%Y-%m-01");
    let product = |(product, sums)| ("sales_by_product", format!("{product} {currency}"), sums);
    let documents = [
        ("sales_by_month", format!("{month} {currency}"), sums),
        ("sales_by_customer", format!("{customer} {currency}"), sums),
    ];
    documents.into_iter().chain(lines.map(product)).collect()
}
