//! Claims about what facts add to sums. How sums are stored is not asked here.

use std::collections::BTreeMap;

use events::Recorded;
use events::credit_notes::{CreditNoteLine, CreditNotePosted};
use events::orders::{CancelledLine, OrderId, OrderLine, OrderPlaced, PriceSource};
use events::warehouses::WarehouseId;
use events::words::{Actor, Meta, OrganizationId, Position, Rounding, Unit, UnitPrice};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::add_up;
use crate::table::{SumTable, Sums};

fn id(number: u8) -> Uuid {
    Uuid::from_u128(number.into())
}

/// A document to make facts of: its lines are product, quantity in thousandths, price in cents.
#[derive(Debug, Clone)]
struct Paper {
    organization: u8,
    customer: u8,
    currency: &'static str,
    day: u32,
    lines: Vec<(u8, i64, i64)>,
}

impl Paper {
    fn lines(&self) -> Vec<OrderLine> {
        let lines = self.lines.iter().zip(1..).map(|(&(product, quantity, price), line)| {
            let (quantity, unit_price) = (Decimal::new(quantity, 3), Decimal::new(price, 2));
            let gross = quantity * unit_price;
            OrderLine {
                line,
                product_id: ProductId(id(product)),
                sku: String::new(),
                name: String::new(),
                unit: Unit("kg".to_owned()),
                warehouse_id: WarehouseId(id(0)),
                quantity: Quantity(quantity),
                unit_price: UnitPrice(unit_price),
                price_source: PriceSource::List,
                gross: Amount(gross),
                net: Amount(gross.round_dp(2)),
            }
        });
        lines.collect()
    }

    fn date(&self) -> NaiveDate {
        NaiveDate::from_num_days_from_ce_opt(730_000 + self.day.cast_signed()).unwrap()
    }

    fn placed(&self) -> OrderPlaced {
        let lines = self.lines();
        OrderPlaced {
            series: "web".to_owned(),
            number: "1".to_owned(),
            customer_id: CustomerId(id(self.customer)),
            customer_name: String::new(),
            reference: None,
            placed_at: chrono::DateTime::UNIX_EPOCH,
            business_date: self.date(),
            currency: self.currency.parse().unwrap(),
            rounding: Rounding::default(),
            gross: Amount(lines.iter().map(|line| line.gross.0).sum()),
            net: Amount(lines.iter().map(|line| line.net.0).sum()),
            lines,
            credit_override: None,
        }
    }

    fn order(&self) -> Event {
        OrderEvent::Placed(self.placed()).into()
    }

    fn cancelled_lines(&self) -> Vec<CancelledLine> {
        let lines = self.lines().into_iter().map(|line| CancelledLine {
            product_id: line.product_id,
            quantity: line.quantity,
            gross: line.gross,
            net: line.net,
        });
        lines.collect()
    }

    fn cancelled(&self, lines: Vec<CancelledLine>) -> Event {
        let placed = self.placed();
        let cancelled = OrderEvent::Cancelled {
            reason: "because".to_owned(),
            customer_id: placed.customer_id,
            currency: placed.currency,
            gross: placed.gross,
            net: placed.net,
            business_date: placed.business_date,
            lines,
        };
        cancelled.into()
    }

    fn credit_note(&self) -> Event {
        let placed = self.placed();
        let lines = self.lines().into_iter().map(|line| CreditNoteLine {
            line: line.line,
            product_id: line.product_id,
            sku: line.sku,
            name: line.name,
            unit: line.unit,
            quantity: line.quantity,
            unit_price: line.unit_price,
            price_source: line.price_source,
            gross: line.gross,
            net: line.net,
        });
        let posted = CreditNotePosted {
            series: "CN".to_owned(),
            number: "1".to_owned(),
            customer_id: placed.customer_id,
            customer_name: String::new(),
            order_id: Some(OrderId(id(9))),
            reference: None,
            reason: None,
            posted_at: placed.placed_at,
            business_date: placed.business_date,
            currency: placed.currency,
            rounding: placed.rounding,
            lines: lines.collect(),
            gross: placed.gross,
            net: placed.net,
        };
        CreditNoteEvent::Posted(posted).into()
    }
}

/// Facts as the log gives them back, behind each other.
fn recorded(events: impl IntoIterator<Item = (u8, Event)>) -> Vec<Recorded> {
    let facts = events.into_iter().zip(1..).map(|((organization, event), position)| Recorded {
        position: Position(position),
        organization: OrganizationId(id(organization)),
        stream_id: id(1),
        version: position,
        event_id: Uuid::nil(),
        event,
        meta: Meta {
            actor: Actor::Administrator,
            command: "orders.place".into(),
            correlation: Uuid::nil(),
            causation: None,
            request: None,
        },
        recorded_at: chrono::DateTime::UNIX_EPOCH,
    });
    facts.collect()
}

/// The only row that facts of one organization add.
fn row<R: Rollup>(events: Vec<Event>) -> R::Row {
    let facts = recorded(events.into_iter().map(|event| (1, event)));
    let mut rows = add_up::<R>(facts.iter());
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

/// 2.500 kg at 0.33, and 1 at 1.00.
fn paper() -> Paper {
    let lines = vec![(1, 2_500, 33), (1, 1_000, 100)];
    Paper { organization: 1, customer: 7, currency: "EUR", day: 0, lines }
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn an_order_counts_in_the_month_of_its_business_date() {
    let row = row::<SalesByMonth>(vec![paper().order()]);
    let sums = DocumentSums {
        orders: 1,
        lines: 2,
        gross: decimal("1.825"),
        net: decimal("1.82"),
        ..DocumentSums::default()
    };
    assert_eq!(paper().date().to_string(), "1999-09-03");
    let month = NaiveDate::from_ymd_opt(1999, 9, 1).unwrap();
    let (organization_id, currency, position) = (id(1), "EUR".to_owned(), 1);
    assert_eq!(row, SalesByMonthRow { organization_id, month, currency, sums, position });
}

#[test]
fn two_lines_of_a_product_are_one_row() {
    let row = row::<SalesByProduct>(vec![paper().order()]);
    let sums = LineSums {
        lines: 2,
        quantity: decimal("3.5"),
        gross: decimal("1.825"),
        net: decimal("1.82"),
        ..LineSums::default()
    };
    assert_eq!((row.product_id, row.sums), (id(1), sums));
}

#[test]
fn a_cancelled_order_leaves_nothing_but_its_position() {
    let facts = || vec![paper().order(), paper().cancelled(paper().cancelled_lines())];
    let month = row::<SalesByMonth>(facts());
    assert_eq!((month.sums, month.position), (DocumentSums::default(), 2));
    let customer = row::<SalesByCustomer>(facts());
    assert_eq!((customer.sums, customer.position), (DocumentSums::default(), 2));
    let product = row::<SalesByProduct>(facts());
    assert_eq!((product.sums, product.position), (LineSums::default(), 2));
}

#[test]
fn what_was_cancelled_without_its_lines_keeps_them() {
    let facts = || vec![paper().order(), paper().cancelled(Vec::new())];
    let left = DocumentSums { lines: 2, ..DocumentSums::default() };
    assert_eq!(row::<SalesByCustomer>(facts()).sums, left);
    let kept = row::<SalesByProduct>(vec![paper().order()]);
    assert_eq!(row::<SalesByProduct>(facts()), kept);
}

#[test]
fn a_credit_note_counts_beside_orders_and_above_zero() {
    let facts = || vec![paper().order(), paper().credit_note()];
    let sums = DocumentSums {
        orders: 1,
        lines: 2,
        gross: decimal("1.825"),
        net: decimal("1.82"),
        credit_notes: 1,
        credit_lines: 2,
        credits: decimal("1.825"),
        credits_net: decimal("1.82"),
    };
    assert_eq!(row::<SalesByMonth>(facts()).sums, sums);
    assert_eq!(row::<SalesByCustomer>(facts()).sums, sums);
    let sums = LineSums {
        lines: 2,
        quantity: decimal("3.5"),
        gross: decimal("1.825"),
        net: decimal("1.82"),
        credit_lines: 2,
        credited_quantity: decimal("3.5"),
        credits: decimal("1.825"),
        credits_net: decimal("1.82"),
    };
    assert_eq!(row::<SalesByProduct>(facts()).sums, sums);
}

#[test]
fn what_an_order_is_told_of_its_credit_note_does_not_count_again() {
    let (credit_note_id, amount) = (id(3).into(), paper().placed().net);
    let told: Event = OrderEvent::Credited { credit_note_id, amount }.into();
    assert!(SalesByMonth::deltas(&told).is_empty());
    assert!(SalesByCustomer::deltas(&told).is_empty());
    assert!(SalesByProduct::deltas(&told).is_empty());
}

fn facts() -> impl Strategy<Value = Vec<Recorded>> {
    let line = (0..3_u8, 0_i64..9_999, 0_i64..9_999);
    let lines = prop::collection::vec(line, 1..4);
    let currency = prop::sample::select(vec!["EUR", "JPY"]);
    let paper = (0..2_u8, 0..3_u8, currency, 0..70_u32, lines).prop_map(
        |(organization, customer, currency, day, lines)| Paper {
            organization,
            customer,
            currency,
            day,
            lines,
        },
    );
    let events = (paper, 0..4_u8).prop_map(|(paper, what)| {
        let events = match what {
            0 => vec![paper.credit_note()],
            1 => vec![paper.order(), paper.cancelled(paper.cancelled_lines())],
            _ => vec![paper.order()],
        };
        events.into_iter().map(|event| (paper.organization, event)).collect::<Vec<_>>()
    });
    prop::collection::vec(events, 0..20).prop_map(|events| recorded(events.into_iter().flatten()))
}

type SumsOf<R> = <<R as Rollup>::Row as SumTable>::Sums;
type Parts<R> = (String, SumsOf<R>, i64);

/// The sums after every page was added to what the pages before it left.
fn paged<R: Rollup>(
    facts: &[Recorded],
    cuts: &[Index],
    parts: fn(R::Row) -> Parts<R>,
) -> BTreeMap<String, (SumsOf<R>, i64)> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(facts.len() + 1)).collect();
    cuts.extend([0, facts.len()]);
    cuts.sort_unstable();
    let mut stored: BTreeMap<String, (SumsOf<R>, i64)> = BTreeMap::new();
    for page in cuts.windows(2) {
        for row in add_up::<R>(facts[page[0]..page[1]].iter()) {
            let (key, sums, position) = parts(row);
            let stored = stored.entry(key).or_default();
            stored.0.add(&sums);
            stored.1 = stored.1.max(position);
        }
    }
    stored
}

fn same<R: Rollup>(
    facts: &[Recorded],
    (shuffled, cuts): (&[Recorded], &[Index]),
    parts: fn(R::Row) -> Parts<R>,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(paged::<R>(shuffled, cuts, parts), paged::<R>(facts, &[], parts));
    Ok(())
}

proptest! {
    #[test]
    fn sums_are_the_same_in_any_order_and_any_pages(
        (facts, shuffled) in
            facts().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let other = (&shuffled[..], &cuts[..]);
        same::<SalesByMonth>(&facts, other, |row| {
            let key = format!("{} {} {}", row.organization_id, row.month, row.currency);
            (key, row.sums, row.position)
        })?;
        same::<SalesByCustomer>(&facts, other, |row| {
            let key = format!("{} {} {}", row.organization_id, row.customer_id, row.currency);
            (key, row.sums, row.position)
        })?;
        same::<SalesByProduct>(&facts, other, |row| {
            let key = format!("{} {} {}", row.organization_id, row.product_id, row.currency);
            (key, row.sums, row.position)
        })?;
    }
}
