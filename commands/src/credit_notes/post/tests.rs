//! Given, when, then: posting a credit note.

use events::Event;
use events::customers::CustomerEvent;
use events::orders::{OrderEvent, OrderPlaced, PriceSource};
use events::products::ProductEvent;
use events::reservations::{ReservationEvent, ReservationId};
use events::series::{Numbering, SeriesEvent, SeriesId};
use events::words::{Amount, RoundingHow, RoundingPlace};

use super::*;
use crate::State;
use crate::customers::hold::tests::{held, opened};
use crate::orders::cancel::tests::{cancelled, placed};
use crate::orders::place::tests::{and, credit, priced, shop};
use crate::products::publish::tests::{created, named, published};
use crate::rejection::Kind;
use crate::scenario::{CUSTOMER, FRESH, ORDER, PRODUCT, Then, fact, given, organization};

fn line(quantity: &str, unit_price: Option<&str>) -> CreditNoteLineInput {
    let unit_price = unit_price.map(|price| price.parse().unwrap());
    CreditNoteLineInput { product_id: PRODUCT, quantity: quantity.parse().unwrap(), unit_price }
}

fn note(lines: Vec<CreditNoteLineInput>) -> PostCreditNote {
    PostCreditNote {
        customer_id: CUSTOMER,
        lines,
        order_id: None,
        number: None,
        series: None,
        reference: None,
        reason: None,
        posted_at: None,
        business_date: None,
        rounding: None,
    }
}

/// A credit note of one line that comes to so much.
fn of(amount: &str) -> PostCreditNote {
    note(vec![line("1", Some(amount))])
}

/// The same, about [`ORDER`].
fn about_order(amount: &str) -> PostCreditNote {
    PostCreditNote { order_id: Some(ORDER), ..of(amount) }
}

fn stated(series: &str, number: &str) -> PostCreditNote {
    let (series, number) = (Some(series.to_owned()), Some(number.to_owned()));
    PostCreditNote { series, number, ..of("1") }
}

fn opened_series(name: &str, numbering: Numbering) -> (Uuid, Event) {
    let id = SeriesId::of(organization(), "credit_note", name);
    let (kind, name) = ("credit_note".to_owned(), name.to_owned());
    fact(id, SeriesEvent::Opened { kind, name, numbering })
}

fn counted(number: u64) -> (Uuid, Event) {
    let id = SeriesId::of(organization(), "credit_note", "CN");
    fact(id, SeriesEvent::Numbered { number, holder: FRESH })
}

fn credited(amount: &str) -> (Uuid, Event) {
    let (credit_note_id, amount) = (CreditNoteId(FRESH), amount.parse().unwrap());
    fact(credit(), CreditEvent::Credited { credit_note_id, amount })
}

fn order_credited(amount: &str) -> (Uuid, Event) {
    let (credit_note_id, amount) = (CreditNoteId(FRESH), amount.parse().unwrap());
    fact(ORDER, OrderEvent::Credited { credit_note_id, amount })
}

/// An order of 5.00.
fn an_order() -> (Uuid, Event) {
    fact(ORDER, OrderEvent::Placed(placed()))
}

fn posted(then: Then) -> CreditNotePosted {
    match then.0.unwrap().remove(0).1 {
        Event::CreditNote(CreditNoteEvent::Posted(posted)) => posted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_credit_note_without_an_order_frees_credit_and_takes_the_next_number() {
    let facts = given(shop()).when(note(vec![line("2", None), line("1", None)])).0.unwrap();
    let series = opened_series("CN", Numbering::Counted);
    assert_eq!(facts[1..], [credited("7.04"), series.clone(), counted(1)]);
    let facts = given(and([series, counted(41)])).when(of("1")).0.unwrap();
    assert_eq!(facts[1..], [credited("1.00"), counted(42)]);
}

#[test]
fn a_credit_note_about_an_order_is_told_to_the_order() {
    let facts = given(and([an_order()])).when(about_order("5.00")).0.unwrap();
    assert_eq!(facts[1..3], [order_credited("5.00"), credited("5.00")]);
}

#[test]
fn a_posted_credit_note_carries_everything_that_was_decided() {
    let reason = Some("two were bent".to_owned());
    let note = PostCreditNote { reason, ..note(vec![line("2", None), line("1", Some("1.99"))]) };
    let posted = posted(given(shop()).when(note));
    let (first, second) = (&posted.lines[0], &posted.lines[1]);
    assert_eq!((first.sku.as_str(), first.name.as_str(), first.line), ("A-1", "Bolt", 1));
    assert_eq!((first.gross.to_string(), first.net.to_string()), ("4.69".into(), "4.69".into()));
    assert_eq!(first.price_source, PriceSource::List);
    assert_eq!((second.line, second.price_source), (2, PriceSource::Stated));
    assert_eq!((posted.gross.to_string(), posted.net.to_string()), ("6.68".into(), "6.68".into()));
    assert_eq!((posted.series.as_str(), posted.number.as_str()), ("CN", "1"));
    assert_eq!(posted.customer_name, "Bolt & Co");
    assert_eq!(posted.reason.as_deref(), Some("two were bent"));
}

#[test]
fn a_credit_note_may_round_once_and_to_even() {
    let rounding = Some(RoundingInput { place: RoundingPlace::Total, how: RoundingHow::HalfEven });
    let note = PostCreditNote { rounding, ..note(vec![line("1", None)]) };
    let posted = posted(given(shop()).when(note));
    assert_eq!((posted.gross.to_string(), posted.net.to_string()), ("2.345".into(), "2.34".into()));
}

#[test]
fn any_customer_that_exists_may_be_credited() {
    let closed = fact(CUSTOMER, CustomerEvent::Closed { reason: "gone".to_owned() });
    for standing in [held(), closed] {
        assert!(given(and([standing])).when(of("1")).0.is_ok());
    }
    given([created()]).when(of("1")).then_rejected(Kind::NotFound, "customerId");
}

#[test]
fn what_was_discontinued_can_be_credited_and_a_draft_cannot() {
    let discontinued = fact(PRODUCT, ProductEvent::Discontinued { reason: None });
    assert!(given(and([discontinued.clone()])).when(of("1")).0.is_ok());
    let draft = [opened(), created(), named(), priced("2")];
    given(draft).when(of("1")).then_rejected(Kind::WrongState, "lines[0].productId");
    let unitless = ProductEvent::Created { sku: "A-1".to_owned(), unit: None };
    let given_up = [opened(), fact(PRODUCT, unitless), discontinued];
    given(given_up).when(of("1")).then_rejected(Kind::WrongState, "lines[0].productId");
    given([opened()]).when(of("1")).then_rejected(Kind::NotFound, "lines[0].productId");
}

#[test]
fn quantities_and_prices_are_checked_as_in_orders() {
    for quantity in ["0.5", "0", "-1"] {
        let note = note(vec![line("1", None), line(quantity, None)]);
        given(shop()).when(note).then_rejected(Kind::Invalid, "lines[1].quantity");
    }
    given(shop()).when(of("-0.01")).then_rejected(Kind::Invalid, "lines[0].unitPrice");
    let unpriced = given([opened(), created(), named(), published()]);
    let then = unpriced.when(note(vec![line("1", None)]));
    then.then_rejected(Kind::Invalid, "lines[0].unitPrice");
    given(shop()).when(note(vec![])).then_rejected(Kind::Invalid, "lines");
    let many = vec![line("1", None); LINES_MAX + 1];
    given(shop()).when(note(many)).then_rejected(Kind::Invalid, "lines");
}

#[test]
fn an_order_is_credited_up_to_what_it_came_to_and_not_a_cent_more() {
    given(and([an_order()])).when(about_order("5.01")).then_rejected(Kind::WrongState, "orderId");
    let before = [an_order(), order_credited("3.00")];
    assert!(given(and(before.clone())).when(about_order("2.00")).0.is_ok());
    let then = given(and(before)).when(about_order("2.01"));
    then.then_rejected(Kind::WrongState, "orderId");
}

#[test]
fn only_an_order_of_the_same_customer_that_is_not_cancelled_is_credited() {
    let then = given(and([an_order(), cancelled()])).when(about_order("1"));
    then.then_rejected(Kind::WrongState, "orderId");
    given(shop()).when(about_order("1")).then_rejected(Kind::NotFound, "orderId");
    let customer_id = CustomerId(Uuid::from_u128(0xc2));
    let theirs = OrderEvent::Placed(OrderPlaced { customer_id, ..placed() });
    let then = given(and([fact(ORDER, theirs)])).when(about_order("1"));
    then.then_rejected(Kind::Invalid, "orderId");
}

#[test]
fn a_stated_number_is_taken_once_in_its_series() {
    let (kind, value) = ("credit_note_number".to_owned(), "external/C1".to_owned());
    let id = ReservationId::of(organization(), &kind, &["external", "C1"]);
    let claimed = fact(id, ReservationEvent::Claimed { kind, value, holder: FRESH });
    let facts = given(shop()).when(stated(" external", "C1 ")).0.unwrap();
    let opened = opened_series("external", Numbering::Stated);
    assert_eq!(facts[1..], [credited("1.00"), opened.clone(), claimed.clone()]);
    let then = given(and([opened.clone(), claimed.clone()])).when(stated("external", "C1"));
    then.then_rejected(Kind::Taken, "number");
    let facts = given(and([opened, claimed])).when(stated("external", "C2")).0.unwrap();
    assert_eq!(facts.len(), 3, "a series is opened once");
}

#[test]
fn a_series_keeps_to_its_numbering() {
    let counted = opened_series("X", Numbering::Counted);
    let then = given(and([counted])).when(stated("X", "7"));
    let message = then.0.as_ref().unwrap_err().message.clone();
    assert!(message.contains("counts its numbers"), "{message}");
    then.then_rejected(Kind::Invalid, "number");
    let unnumbered = PostCreditNote { number: None, ..stated("X", "7") };
    let then = given(and([opened_series("X", Numbering::Stated)])).when(unnumbered);
    then.then_rejected(Kind::Invalid, "number");
}

#[test]
fn series_and_number_have_a_length() {
    let long = "x".repeat(61);
    let cases = [
        ("", "1", "series"),
        (&long[..41], "1", "series"),
        ("X", " ", "number"),
        ("X", &long, "number"),
    ];
    for (series, number, field) in cases {
        given(shop()).when(stated(series, number)).then_rejected(Kind::Invalid, field);
    }
}

#[test]
fn a_credit_note_is_not_posted_in_the_future_nor_beyond_the_calendar() {
    // 23:30 in London is the next day in Zurich.
    let day = posted(given(shop()).when(of("1"))).business_date;
    assert_eq!(day.to_string(), "2026-03-02");
    for wrong in ["2026-03-01T23:30:01Z", "-0001-01-01T00:00:00Z"] {
        let posted_at = Some(wrong.parse().unwrap());
        let then = given(shop()).when(PostCreditNote { posted_at, ..of("1") });
        then.then_rejected(Kind::Invalid, "postedAt");
    }
    let business_date = NaiveDate::from_ymd_opt(10_000, 1, 1);
    let then = given(shop()).when(PostCreditNote { business_date, ..of("1") });
    then.then_rejected(Kind::Invalid, "businessDate");
}

#[test]
fn a_credit_note_is_posted_once() {
    let posted = given(shop()).when(of("1")).0.unwrap();
    given(and(posted)).when(of("1")).then_rejected(Kind::WrongState, None);
}

#[test]
fn more_may_be_credited_than_was_ordered_and_then_more_can_be_ordered() {
    let mut state = Credit { limit: Some(10.into()), ..Credit::default() };
    for (_, event) in given(shop()).when(of("25")).0.unwrap() {
        if let Event::Credit(fact) = event {
            state.evolve(&fact);
        }
    }
    assert_eq!(state.exposure, (-25).into());
    let reserve = |amount: &str| {
        let (amount, mut decision) = (amount.parse::<Amount>().unwrap(), Decision::default());
        state.reserve(credit(), ORDER, amount, false, &mut decision).map_err(|error| error.kind)
    };
    assert_eq!(reserve("35"), Ok(()));
    assert_eq!(reserve("35.01"), Err(Kind::CreditExceeded));
}
