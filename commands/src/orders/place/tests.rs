//! Given, when, then: placing an order.

use events::Event;
use events::credit::CreditEvent;
use events::customers::CustomerEvent;
use events::orders::PriceSource;
use events::products::{ListPrice, ProductEvent};
use events::reservations::{ReservationEvent, ReservationId};
use events::stock::StockEvent;
use events::words::{Amount, RoundingHow, RoundingPlace, Unit};

use super::*;
use crate::customers::hold::tests::{held, opened};
use crate::products::publish::tests::{created, named, published};
use crate::rejection::Kind;
use crate::scenario::{CUSTOMER, FRESH, PRODUCT, fact, given, organization};

/// A line that comes to so much.
pub(crate) fn line_of(gross: Amount, net: Amount) -> OrderLine {
    OrderLine {
        line: 1,
        product_id: PRODUCT,
        sku: "A-1".to_owned(),
        name: "Bolt".to_owned(),
        unit: Unit("piece".to_owned()),
        warehouse_id: WarehouseId::default_of(organization()),
        quantity: Quantity(1.into()),
        unit_price: UnitPrice(gross.0),
        price_source: PriceSource::List,
        gross,
        net,
    }
}

fn item() -> StockItemId {
    let warehouse = WarehouseId::default_of(organization());
    StockItemId::of(organization(), PRODUCT, warehouse, &Unit("piece".to_owned()))
}

pub(crate) fn credit() -> CreditId {
    CreditId::of(organization(), CUSTOMER)
}

pub(crate) fn priced(amount: &str) -> (Uuid, Event) {
    let (amount, currency) = (amount.parse().unwrap(), "EUR".parse().unwrap());
    let price = Some(ListPrice { amount, currency });
    fact(PRODUCT, ProductEvent::ListPriceSet { price })
}

fn on_hand(quantity: &str) -> (Uuid, Event) {
    fact(item(), StockEvent::Received { quantity: quantity.parse().unwrap() })
}

fn limited(limit: &str) -> (Uuid, Event) {
    fact(credit(), CreditEvent::LimitSet { limit: limit.parse().ok() })
}

/// A customer without a limit, and ten bolts at 2.345 euros.
pub(crate) fn shop() -> Vec<(Uuid, Event)> {
    vec![opened(), created(), named(), priced("2.345"), published(), on_hand("10")]
}

pub(crate) fn and(facts: impl IntoIterator<Item = (Uuid, Event)>) -> Vec<(Uuid, Event)> {
    shop().into_iter().chain(facts).collect()
}

fn line(quantity: &str) -> OrderLineInput {
    let quantity = quantity.parse().unwrap();
    OrderLineInput { product_id: PRODUCT, quantity, unit_price: None, warehouse_id: None }
}

fn order(lines: Vec<OrderLineInput>) -> PlaceOrder {
    PlaceOrder {
        customer_id: CUSTOMER,
        lines,
        number: Some("17".to_owned()),
        series: None,
        reference: None,
        placed_at: None,
        business_date: None,
        rounding: None,
        credit_override: None,
    }
}

fn placed(then: crate::scenario::Then) -> OrderPlaced {
    match then.0.unwrap().remove(0).1 {
        Event::Order(OrderEvent::Placed(placed)) => placed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_reserves_goods_credit_and_number() {
    let facts = given(shop()).when(order(vec![line("2"), line("1")])).0.unwrap();
    let (id, net) = (OrderId(FRESH), "7.04".parse().unwrap());
    let (kind, value) = ("order_number".to_owned(), "web/17".to_owned());
    let number = ReservationId::of(organization(), "order_number", &["web", "17"]);
    assert_eq!(
        facts[1..],
        [
            fact(credit(), CreditEvent::Reserved { order_id: id, amount: net }),
            fact(item(), reserved_by(id, "3".parse().unwrap())),
            fact(number, ReservationEvent::Claimed { kind, value, holder: FRESH }),
        ]
    );
}

#[test]
fn a_placed_order_carries_everything_that_was_decided() {
    let placed = placed(given(shop()).when(order(vec![line("2"), line("1")])));
    let (first, second) = (&placed.lines[0], &placed.lines[1]);
    assert_eq!((first.sku.as_str(), first.name.as_str(), first.line), ("A-1", "Bolt", 1));
    assert_eq!((first.gross.to_string(), first.net.to_string()), ("4.69".into(), "4.69".into()));
    assert_eq!((second.gross.to_string(), second.net.to_string()), ("2.345".into(), "2.35".into()));
    assert_eq!((placed.gross.to_string(), placed.net.to_string()), ("7.035".into(), "7.04".into()));
    assert_eq!(placed.customer_name, "Bolt & Co");
}

#[test]
fn an_order_may_round_once_and_to_even() {
    let rounding = Some(RoundingInput { place: RoundingPlace::Total, how: RoundingHow::HalfEven });
    let order = PlaceOrder { rounding, ..order(vec![line("1")]) };
    assert_eq!(placed(given(shop()).when(order)).net.to_string(), "2.34");
}

#[test]
fn the_business_day_is_the_organizations() {
    // 23:30 in London is the next day in Zurich.
    let placed = placed(given(shop()).when(order(vec![line("1")])));
    assert_eq!(placed.business_date.to_string(), "2026-03-02");
}

#[test]
fn a_number_is_made_of_the_day_if_none_is_stated() {
    let unnumbered = PlaceOrder { number: None, ..order(vec![line("1")]) };
    assert_eq!(placed(given(shop()).when(unnumbered)).number, "260301-000000007H");
}

#[test]
fn stock_decides_on_the_sum_of_the_lines() {
    let then = given(shop()).when(order(vec![line("6"), line("5")]));
    then.then_rejected(Kind::OutOfStock, "lines[1].quantity");
}

#[test]
fn a_backorder_is_taken_where_it_is_allowed() {
    let allowed = fact(item(), StockEvent::BackorderSet { allowed: true });
    assert!(given(and([allowed])).when(order(vec![line("11")])).0.is_ok());
}

#[test]
fn an_order_up_to_the_credit_limit_is_taken_and_a_cent_more_is_not() {
    assert!(given(and([limited("2.35")])).when(order(vec![line("1")])).0.is_ok());
    let then = given(and([limited("2.34")])).when(order(vec![line("1")]));
    then.then_rejected(Kind::CreditExceeded, None);
}

#[test]
fn beyond_the_limit_it_takes_a_reason_which_is_recorded() {
    let credit_override = Some("promised by the board".to_owned());
    let order = PlaceOrder { credit_override: credit_override.clone(), ..order(vec![line("1")]) };
    let placed = placed(given(and([limited("0")])).when(order));
    assert_eq!(placed.credit_override, credit_override);
}

#[test]
fn a_stated_price_is_recorded_as_stated() {
    let stated = OrderLineInput { unit_price: "1.99".parse().ok(), ..line("1") };
    let placed = placed(given(shop()).when(order(vec![stated])));
    assert_eq!(placed.lines[0].price_source, PriceSource::Stated);
    assert_eq!(placed.net.to_string(), "1.99");
}

#[test]
fn a_price_in_another_currency_is_not_converted() {
    let (amount, currency) = ("2".parse().unwrap(), "USD".parse().unwrap());
    let price = Some(ListPrice { amount, currency });
    let dollars = fact(PRODUCT, ProductEvent::ListPriceSet { price });
    let then = given(and([dollars])).when(order(vec![line("1")]));
    then.then_rejected(Kind::Invalid, "lines[0].unitPrice");
}

#[test]
fn what_the_unit_cannot_express_is_refused() {
    for quantity in ["0.5", "0", "-1"] {
        let then = given(shop()).when(order(vec![line("1"), line(quantity)]));
        then.then_rejected(Kind::Invalid, "lines[1].quantity");
    }
}

#[test]
fn only_published_products_can_be_ordered() {
    let discontinued = fact(PRODUCT, ProductEvent::Discontinued { reason: None });
    let then = given(and([discontinued])).when(order(vec![line("1")]));
    then.then_rejected(Kind::WrongState, "lines[0].productId");
    let then = given([opened()]).when(order(vec![line("1")]));
    then.then_rejected(Kind::NotFound, "lines[0].productId");
}

#[test]
fn only_active_customers_can_order() {
    let then = given(and([held()])).when(order(vec![line("1")]));
    then.then_rejected(Kind::WrongState, "customerId");
    let closed = fact(CUSTOMER, CustomerEvent::Closed { reason: "gone".to_owned() });
    let then = given(and([closed])).when(order(vec![line("1")]));
    then.then_rejected(Kind::WrongState, "customerId");
    let then = given([created()]).when(order(vec![line("1")]));
    then.then_rejected(Kind::NotFound, "customerId");
}

#[test]
fn a_number_is_taken_once_in_its_series() {
    let id = ReservationId::of(organization(), "order_number", &["web", "17"]);
    let (kind, value) = ("order_number".to_owned(), "web/17".to_owned());
    let claimed = fact(id, ReservationEvent::Claimed { kind, value, holder: Uuid::nil() });
    let then = given(and([claimed.clone()])).when(order(vec![line("1")]));
    then.then_rejected(Kind::Taken, "number");
    let series = Some("external".to_owned());
    let elsewhere = PlaceOrder { series, ..order(vec![line("1")]) };
    assert!(given(and([claimed])).when(elsewhere).0.is_ok());
}

#[test]
fn an_order_has_lines_and_is_not_placed_in_the_future() {
    given(shop()).when(order(vec![])).then_rejected(Kind::Invalid, "lines");
    let many = vec![line("1"); LINES_MAX + 1];
    given(shop()).when(order(many)).then_rejected(Kind::Invalid, "lines");
    let placed_at = "2026-03-01T23:30:01Z".parse().ok();
    let then = given(shop()).when(PlaceOrder { placed_at, ..order(vec![line("1")]) });
    then.then_rejected(Kind::Invalid, "placedAt");
}
