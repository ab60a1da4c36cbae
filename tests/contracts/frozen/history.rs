//! A history in which everything happens that can: what a new frozen log is made of.

use commands::contacts::add::AddContact;
use commands::contacts::change::ChangeContact;
use commands::contacts::erase::EraseContact;
use commands::contacts::merge::MergeContacts;
use commands::credit_notes::post::CreditNoteLineInput;
use commands::credit_notes::post::PostCreditNote;
use commands::customers::close::CloseCustomer;
use commands::customers::hold::HoldCustomer;
use commands::customers::open::OpenCustomer;
use commands::customers::release::ReleaseCustomer;
use commands::customers::set_credit_limit::SetCustomerCreditLimit;
use commands::customers::set_terms::PaymentTermsInput;
use commands::customers::set_terms::SetCustomerTerms;
use commands::documents::RoundingInput;
use commands::orders::cancel::CancelOrder;
use commands::orders::place::OrderLineInput;
use commands::orders::place::PlaceOrder;
use commands::parked::retry::RetryParked;
use commands::parked::skip::SkipParked;
use commands::products::create::{CreateProduct, ProductUnitInput};
use commands::products::describe::DescribeProduct;
use commands::products::discontinue::DiscontinueProduct;
use commands::products::set_list_price::{ListPriceInput, SetProductListPrice};
use commands::stock::adjust::AdjustStock;
use commands::stock::receive::ReceiveStock;
use commands::stock::release::ReleaseStock;
use commands::stock::reserve::ReserveStock;
use commands::stock::set_backorder::SetStockBackorder;
use commands::warehouses::close::CloseWarehouse;
use commands::warehouses::open::OpenWarehouse;
use events::contacts::ContactId;
use events::customers::CustomerId;
use events::orders::OrderId;
use events::products::ProductId;
use events::warehouses::WarehouseId;
use events::words::{RoundingHow, RoundingPlace, Unit};
use harness::desk::{credit_note, customer, order, receive};
use harness::{Desk, TestApp};
use uuid::Uuid;

/// Lets everything happen, in two organizations.
pub(super) async fn make(app: &TestApp) {
    let desk = Desk::open(app, "acme").await;
    customers(&desk).await;
    contacts(&desk).await;
    let product_id = desk.product("A-1", 100).await;
    products(&desk, product_id).await;
    stock(&desk, product_id).await;
    warehouses(&desk, product_id).await;
    let (buyer, order_id) = orders(&desk, product_id).await;
    credit_notes(&desk, buyer, order_id, product_id).await;
    parked(&desk).await;
    let other = Desk::open(app, "bolt").await;
    let (customer, product) =
        (other.customer("Zoë & Söhne 🦔").await, other.product("A-1", 1).await);
    other.run(order(customer, product, 1)).await;
}

async fn customers(desk: &Desk) {
    let open = OpenCustomer {
        number: Some("C-7".to_owned()),
        currency: "JPY".parse().ok(),
        terms: Some(PaymentTermsInput { net_days: 0 }),
        credit_limit: "500".parse().ok(),
        ..customer("Nippon Bolts")
    };
    let customer_id = CustomerId(desk.run(open).await.id);
    let reason = || "unpaid \"bills\"\nfor weeks".to_owned();
    desk.run(SetCustomerTerms { customer_id, terms: PaymentTermsInput { net_days: 45 } }).await;
    desk.run(HoldCustomer { customer_id, reason: reason() }).await;
    desk.run(ReleaseCustomer { customer_id }).await;
    desk.run(SetCustomerCreditLimit { customer_id, credit_limit: "750".parse().ok() }).await;
    desk.run(SetCustomerCreditLimit { customer_id, credit_limit: None }).await;
    desk.run(CloseCustomer { customer_id, reason: reason() }).await;
    let held = desk.customer("Held & Co").await;
    desk.run(HoldCustomer { customer_id: held, reason: reason() }).await;
}

async fn contacts(desk: &Desk) {
    let customer_id = desk.customer("Persons & Co").await;
    let add = |name: &str, email: Option<&str>| AddContact {
        customer_id,
        name: name.to_owned(),
        email: email.map(str::to_owned),
        phone: Some("+41 44 000 00 00".to_owned()),
        address: None,
        role: Some("purchasing".to_owned()),
    };
    let of = |outcome: commands::Outcome| ContactId(outcome.id);
    let kept = of(desk.run(add("Anna Quaas", None)).await);
    let duplicate = of(desk.run(add("A. Quaas", Some("anna@example.com"))).await);
    let gone = of(desk.run(add("Zoë Weg", Some("zoe@example.com"))).await);
    let (name, role) = (Some("Anna Berg".to_owned()), Some(String::new()));
    let (phone, address) = (Some(String::new()), Some("Gasse 1\n8000 Zürich".to_owned()));
    desk.run(ChangeContact { contact_id: kept, name, email: None, phone, address, role }).await;
    desk.run(MergeContacts { contact_id: kept, duplicate_id: duplicate }).await;
    desk.run(EraseContact { contact_id: gone, reason: "request 17".to_owned() }).await;
}

async fn products(desk: &Desk, product_id: ProductId) {
    let price = |amount: &str, currency: &str| {
        Some(ListPriceInput {
            amount: amount.parse().unwrap(),
            currency: currency.parse().unwrap(),
        })
    };
    let (name, description) = ("Schraube".to_owned(), Some("Sechskant, M8".to_owned()));
    desk.run(DescribeProduct { product_id, locale: Some("de-CH".to_owned()), name, description })
        .await;
    desk.run(SetProductListPrice { product_id, list_price: price("2.345", "EUR") }).await;
    let create = CreateProduct {
        sku: "B 2/x".to_owned(),
        unit: Some(ProductUnitInput { code: Unit("kg".to_owned()), precision: 3 }),
        name: None,
        list_price: price("0.000001", "USD"),
    };
    let old = ProductId(desk.run(create).await.id);
    desk.run(SetProductListPrice { product_id: old, list_price: None }).await;
    let reason = Some("replaced by A-1".to_owned());
    desk.run(DiscontinueProduct { product_id: old, reason }).await;
    let create = CreateProduct { sku: "C".to_owned(), unit: None, name: None, list_price: None };
    let draft = ProductId(desk.run(create).await.id);
    desk.run(receive(draft, 3)).await;
    desk.run(DiscontinueProduct { product_id: draft, reason: None }).await;
}

async fn stock(desk: &Desk, product_id: ProductId) {
    let (warehouse_id, reason) = (None, || "count".to_owned());
    let number = |text: &str| text.parse().unwrap();
    let difference = number("-7");
    desk.run(AdjustStock { product_id, warehouse_id, difference, reason: reason() }).await;
    let quantity = number("5");
    desk.run(ReserveStock { product_id, warehouse_id, quantity, reason: reason() }).await;
    let quantity = number("2");
    desk.run(ReleaseStock { product_id, warehouse_id, quantity, reason: reason() }).await;
    desk.run(SetStockBackorder { product_id, warehouse_id, allowed: true }).await;
}

async fn warehouses(desk: &Desk, product_id: ProductId) {
    let open = |code: &str, warehouse_id| OpenWarehouse {
        code: code.to_owned(),
        name: "Zürich \"Süd\"".to_owned(),
        warehouse_id,
    };
    let default = WarehouseId::default_of(desk.organization);
    desk.run(open("MAIN", Some(default))).await;
    let second = WarehouseId(desk.run(open("W 2/x", None)).await.id);
    let quantity = "4".parse().unwrap();
    desk.run(ReceiveStock { product_id, warehouse_id: Some(second), quantity }).await;
    let reason = "the lease ended".to_owned();
    desk.run(CloseWarehouse { warehouse_id: second, reason }).await;
}

/// Decisions about a fact that a read model could not take in; there was none.
async fn parked(desk: &Desk) {
    let (projection, stream_id, event_id) = ("orders".to_owned(), Uuid::nil(), Uuid::nil());
    let retry = RetryParked { projection, version: 1, stream_id, event_id };
    let RetryParked { projection, version, .. } = retry.clone();
    desk.run(retry).await;
    let reason = "a test wrote it".to_owned();
    desk.run(SkipParked { projection, version, stream_id, event_id, reason }).await;
}

/// Who bought, and the order that was not cancelled.
async fn orders(desk: &Desk, product_id: ProductId) -> (CustomerId, OrderId) {
    let buyer = OpenCustomer { credit_limit: "100".parse().ok(), ..customer("Bolt & Co") };
    let buyer = CustomerId(desk.run(buyer).await.id);
    let plain = desk.run(order(buyer, product_id, 3)).await;
    let line = |quantity: &str, price: Option<&str>| OrderLineInput {
        product_id,
        quantity: quantity.parse().unwrap(),
        unit_price: price.map(|price| price.parse().unwrap()),
        warehouse_id: None,
    };
    let full = PlaceOrder {
        customer_id: buyer,
        lines: vec![line("1", Some("0.005")), line("120", None)],
        number: Some("17".to_owned()),
        series: Some("external".to_owned()),
        reference: Some("PO 4711".to_owned()),
        placed_at: Some(desk.now - chrono::Duration::days(2)),
        business_date: Some(desk.now.date_naive() - chrono::Duration::days(1)),
        rounding: Some(RoundingInput { place: RoundingPlace::Total, how: RoundingHow::HalfEven }),
        credit_override: Some("the boss said so".to_owned()),
    };
    let full = desk.keyed("a key", full).await.expect("an order beyond the limit");
    let reason = "changed their mind".to_owned();
    desk.run(CancelOrder { order_id: OrderId(plain.id), reason }).await;
    (buyer, OrderId(full.id))
}

async fn credit_notes(
    desk: &Desk,
    customer_id: CustomerId,
    order_id: OrderId,
    product_id: ProductId,
) {
    desk.run(credit_note(customer_id, product_id, 2)).await;
    desk.run(credit_note(customer_id, product_id, 1)).await;
    let line = |quantity: &str, price: Option<&str>| CreditNoteLineInput {
        product_id,
        quantity: quantity.parse().unwrap(),
        unit_price: price.map(|price| price.parse().unwrap()),
    };
    let full = PostCreditNote {
        order_id: Some(order_id),
        lines: vec![line("1", Some("0.005")), line("3", None)],
        number: Some("C17".to_owned()),
        series: Some("external".to_owned()),
        reference: Some("complaint 4711".to_owned()),
        reason: Some("three were \"bent\"".to_owned()),
        posted_at: Some(desk.now - chrono::Duration::days(1)),
        business_date: Some(desk.now.date_naive()),
        rounding: Some(RoundingInput { place: RoundingPlace::Total, how: RoundingHow::HalfEven }),
        ..credit_note(customer_id, product_id, 1)
    };
    desk.run(full).await;
}
