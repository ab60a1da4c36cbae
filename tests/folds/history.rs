//! Random histories of one organization: what is wanted, and by how many at once.

use commands::credit_notes::post::{CreditNoteLineInput, PostCreditNote};
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
use commands::products::create::{CreateProduct, ProductUnitInput};
use commands::products::describe::DescribeProduct;
use commands::products::discontinue::DiscontinueProduct;
use commands::products::publish::PublishProduct;
use commands::products::set_list_price::{ListPriceInput, SetProductListPrice};
use commands::stock::adjust::AdjustStock;
use commands::stock::receive::ReceiveStock;
use commands::stock::release::ReleaseStock;
use commands::stock::reserve::ReserveStock;
use commands::stock::set_backorder::SetStockBackorder;
use commands::warehouses::close::CloseWarehouse;
use commands::warehouses::open::OpenWarehouse;
use commands::{Command, CommandError};
use events::customers::CustomerId;
use events::orders::OrderId;
use events::products::ProductId;
use events::warehouses::WarehouseId;
use events::words::{Amount, Quantity, RoundingHow, RoundingPlace, Unit, UnitPrice};
use futures_util::future::join_all;
use harness::Desk;
use harness::desk::{credit_note, customer, order};
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

/// One thing that somebody wants. Numbers choose among the records that there are.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Open { limit: Option<u32> },
    Limit { customer: usize, limit: Option<u32> },
    Terms { customer: usize, net_days: u16 },
    Hold { customer: usize },
    Release { customer: usize },
    Close { customer: usize },
    Create { precision: u8 },
    Describe { product: usize },
    Price { product: usize, cents: Option<u32> },
    Discontinue { product: usize },
    Build { default: bool },
    Shut { warehouse: usize },
    Receive { product: usize, quantity: i64, warehouse: Option<usize> },
    Adjust { product: usize, difference: i64 },
    Reserve { product: usize, quantity: i64 },
    Free { product: usize, quantity: i64 },
    Backorder { product: usize, allowed: bool },
    Place { customer: usize, lines: Vec<Line>, total: bool, even: bool, overridden: bool },
    Cancel { order: usize },
    Credit { customer: usize, order: Option<usize>, lines: Vec<Line>, total: bool, stated: bool },
}

/// A line of an order; its price in thousandths.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    product: usize,
    quantity: i64,
    price: Option<u32>,
}

impl Line {
    fn unit_price(&self) -> Option<UnitPrice> {
        self.price.map(|thousandths| UnitPrice(Decimal::new(thousandths.into(), 3)))
    }
}

fn line() -> impl Strategy<Value = Line> {
    let price = prop::option::of(0_u32..20_000);
    (0..9_usize, 1_i64..60, price).prop_map(|(product, quantity, price)| Line {
        product,
        quantity,
        price,
    })
}

/// Steps in groups: those of a group happen at once.
pub(crate) fn histories() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let (who, what) = (0..9_usize, 0..9_usize);
    let limit = || prop::option::of(0_u32..500);
    let product = what.clone();
    let lines = || prop::collection::vec(line(), 1..5);
    let step = prop_oneof![
        1 => limit().prop_map(|limit| Step::Open { limit }),
        2 => (who.clone(), limit()).prop_map(|(customer, limit)| Step::Limit { customer, limit }),
        1 => (who.clone(), 0..60_u16)
            .prop_map(|(customer, net_days)| Step::Terms { customer, net_days }),
        1 => who.clone().prop_map(|customer| Step::Hold { customer }),
        2 => who.clone().prop_map(|customer| Step::Release { customer }),
        1 => who.clone().prop_map(|customer| Step::Close { customer }),
        1 => (0..3_u8).prop_map(|precision| Step::Create { precision }),
        1 => product.clone().prop_map(|product| Step::Describe { product }),
        1 => (product.clone(), limit()).prop_map(|(product, cents)| Step::Price { product, cents }),
        1 => product.clone().prop_map(|product| Step::Discontinue { product }),
        1 => (0..4_u8).prop_map(|chance| Step::Build { default: chance == 0 }),
        1 => (0..9_usize).prop_map(|warehouse| Step::Shut { warehouse }),
        4 => (product.clone(), 1_i64..100, prop::option::of(0..9_usize)).prop_map(
            |(product, quantity, warehouse)| Step::Receive { product, quantity, warehouse },
        ),
        2 => (product.clone(), -50_i64..50)
            .prop_map(|(product, difference)| Step::Adjust { product, difference }),
        2 => (product.clone(), 1_i64..60)
            .prop_map(|(product, quantity)| Step::Reserve { product, quantity }),
        2 => (product.clone(), 1_i64..60)
            .prop_map(|(product, quantity)| Step::Free { product, quantity }),
        1 => (product, any::<bool>())
            .prop_map(|(product, allowed)| Step::Backorder { product, allowed }),
        12 => (who.clone(), lines(), any::<bool>(), any::<bool>(), 0..8_u8).prop_map(
            |(customer, lines, total, even, chance)| Step::Place {
                customer, lines, total, even, overridden: chance == 0,
            },
        ),
        4 => (0..50_usize).prop_map(|order| Step::Cancel { order }),
        6 => (who, prop::option::of(0..50_usize), lines(), any::<bool>(), any::<bool>()).prop_map(
            |(customer, order, lines, total, stated)| Step::Credit {
                customer, order, lines, total, stated,
            },
        ),
    ];
    prop::collection::vec(prop::collection::vec(step, 1..8), 10..25)
}

/// The records that there are.
#[derive(Default)]
struct Records {
    customers: Vec<Uuid>,
    products: Vec<(Uuid, u8)>,
    warehouses: Vec<Uuid>,
    /// Orders, and who placed them.
    orders: Vec<(Uuid, CustomerId)>,
}

impl Records {
    fn customer(&self, index: usize) -> CustomerId {
        CustomerId(self.customers[index % self.customers.len()])
    }

    /// A warehouse, once there is one.
    fn warehouse(&self, index: usize) -> Option<WarehouseId> {
        self.warehouses.get(index % self.warehouses.len().max(1)).copied().map(WarehouseId)
    }

    /// A product, and so many of its smallest parts.
    fn product(&self, index: usize, parts: i64) -> (ProductId, Quantity) {
        let (id, precision) = self.products[index % self.products.len()];
        (ProductId(id), Quantity(Decimal::new(parts, u32::from(precision))))
    }
}

enum Made {
    Nothing,
    Warehouse(Uuid),
    Customer(Uuid),
    Product(Uuid, u8),
    Order(Uuid, CustomerId),
}

/// Plays a history; how many commands were accepted.
pub(crate) async fn play(desk: &Desk, groups: &[Vec<Step>]) -> u32 {
    let mut records = Records::default();
    let mut accepted = 0;
    let first = [
        vec![Step::Open { limit: None }, Step::Open { limit: Some(300) }],
        vec![Step::Create { precision: 0 }, Step::Create { precision: 2 }],
        vec![
            Step::Receive { product: 0, quantity: 300, warehouse: None },
            Step::Receive { product: 1, quantity: 99, warehouse: None },
        ],
    ];
    for group in first.iter().chain(groups) {
        let all = group.iter().map(|step| perform(desk, &records, step));
        for made in join_all(all).await.into_iter().flatten() {
            accepted += 1;
            match made {
                Made::Nothing => {}
                Made::Customer(id) => records.customers.push(id),
                Made::Warehouse(id) => records.warehouses.push(id),
                Made::Product(id, precision) => records.products.push((id, precision)),
                Made::Order(id, customer) => records.orders.push((id, customer)),
            }
        }
    }
    accepted
}

/// Gives a command; none if a rule forbids it.
async fn give<C: Command>(desk: &Desk, command: C) -> Option<Uuid> {
    match desk.attempt(command).await {
        Ok(outcome) => Some(outcome.id),
        Err(CommandError::Rejected(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

async fn perform(desk: &Desk, records: &Records, step: &Step) -> Option<Made> {
    match step {
        Step::Create { .. }
        | Step::Describe { .. }
        | Step::Price { .. }
        | Step::Discontinue { .. } => of_products(desk, records, step).await,
        Step::Build { .. } | Step::Shut { .. } => of_warehouses(desk, records, step).await,
        Step::Receive { .. }
        | Step::Adjust { .. }
        | Step::Reserve { .. }
        | Step::Free { .. }
        | Step::Backorder { .. } => of_stock(desk, records, step).await,
        Step::Place { .. } | Step::Cancel { .. } => of_orders(desk, records, step).await,
        Step::Credit { .. } => of_credit_notes(desk, records, step).await,
        _ => of_customers(desk, records, step).await,
    }
}

async fn of_customers(desk: &Desk, records: &Records, step: &Step) -> Option<Made> {
    let amount = |limit: &Option<u32>| limit.map(|limit| Amount(limit.into()));
    let reason = || "because".to_owned();
    match *step {
        Step::Open { ref limit } => {
            let open = OpenCustomer { credit_limit: amount(limit), ..customer("Bolt & Co") };
            return give(desk, open).await.map(Made::Customer);
        }
        Step::Limit { customer, ref limit } => {
            let (customer_id, credit_limit) = (records.customer(customer), amount(limit));
            give(desk, SetCustomerCreditLimit { customer_id, credit_limit }).await
        }
        Step::Terms { customer, net_days } => {
            let (customer_id, terms) = (records.customer(customer), PaymentTermsInput { net_days });
            give(desk, SetCustomerTerms { customer_id, terms }).await
        }
        Step::Hold { customer } => {
            let customer_id = records.customer(customer);
            give(desk, HoldCustomer { customer_id, reason: reason() }).await
        }
        Step::Release { customer } => {
            give(desk, ReleaseCustomer { customer_id: records.customer(customer) }).await
        }
        Step::Close { customer } => {
            let customer_id = records.customer(customer);
            give(desk, CloseCustomer { customer_id, reason: reason() }).await
        }
        _ => None,
    }
    .map(|_| Made::Nothing)
}

async fn of_products(desk: &Desk, records: &Records, step: &Step) -> Option<Made> {
    let price = |cents: u32| {
        let amount = UnitPrice(Decimal::new(cents.into(), 2));
        ListPriceInput { amount, currency: "EUR".parse().unwrap() }
    };
    match *step {
        Step::Create { precision } => {
            let sku = gateway::app::fresh_id().to_string();
            let unit = ProductUnitInput { code: Unit(format!("unit-{precision}")), precision };
            let (name, list_price) = (Some("A thing".to_owned()), Some(price(995)));
            let create = CreateProduct { sku, unit: Some(unit), name, list_price };
            let id = give(desk, create).await?;
            give(desk, PublishProduct { product_id: ProductId(id) }).await?;
            return Some(Made::Product(id, precision));
        }
        Step::Describe { product } => {
            let (product_id, _) = records.product(product, 0);
            let (locale, name) = (Some("de".to_owned()), "Ein Ding".to_owned());
            give(desk, DescribeProduct { product_id, locale, name, description: None }).await
        }
        Step::Price { product, cents } => {
            let (product_id, _) = records.product(product, 0);
            give(desk, SetProductListPrice { product_id, list_price: cents.map(price) }).await
        }
        Step::Discontinue { product } => {
            let (product_id, _) = records.product(product, 0);
            give(desk, DiscontinueProduct { product_id, reason: None }).await
        }
        _ => None,
    }
    .map(|_| Made::Nothing)
}

async fn of_warehouses(desk: &Desk, records: &Records, step: &Step) -> Option<Made> {
    match *step {
        Step::Build { default } => {
            let warehouse_id = default.then(|| WarehouseId::default_of(desk.organization));
            let (code, name) = (gateway::app::fresh_id().to_string(), "A place".to_owned());
            let open = OpenWarehouse { code, name, warehouse_id };
            give(desk, open).await.map(Made::Warehouse)
        }
        Step::Shut { warehouse } => {
            let warehouse_id = records.warehouse(warehouse)?;
            give(desk, CloseWarehouse { warehouse_id, reason: "because".to_owned() }).await?;
            Some(Made::Nothing)
        }
        _ => None,
    }
}

async fn of_stock(desk: &Desk, records: &Records, step: &Step) -> Option<Made> {
    let (warehouse_id, reason) = (None, "because".to_owned());
    match *step {
        Step::Receive { product, quantity, warehouse } => {
            let warehouse_id = warehouse.and_then(|warehouse| records.warehouse(warehouse));
            let (product_id, quantity) = records.product(product, quantity);
            give(desk, ReceiveStock { product_id, warehouse_id, quantity }).await
        }
        Step::Adjust { product, difference } => {
            let (product_id, difference) = records.product(product, difference);
            give(desk, AdjustStock { product_id, warehouse_id, difference, reason }).await
        }
        Step::Reserve { product, quantity } => {
            let (product_id, quantity) = records.product(product, quantity);
            give(desk, ReserveStock { product_id, warehouse_id, quantity, reason }).await
        }
        Step::Free { product, quantity } => {
            let (product_id, quantity) = records.product(product, quantity);
            give(desk, ReleaseStock { product_id, warehouse_id, quantity, reason }).await
        }
        Step::Backorder { product, allowed } => {
            let (product_id, _) = records.product(product, 0);
            give(desk, SetStockBackorder { product_id, warehouse_id, allowed }).await
        }
        _ => None,
    }
    .map(|_| Made::Nothing)
}

async fn of_orders(desk: &Desk, records: &Records, step: &Step) -> Option<Made> {
    match step {
        Step::Place { customer, lines, total, even, overridden } => {
            let lines = lines.iter().map(|line| {
                let (product_id, quantity) = records.product(line.product, line.quantity);
                let unit_price = line.unit_price();
                OrderLineInput { product_id, quantity, unit_price, warehouse_id: None }
            });
            let customer_id = records.customer(*customer);
            let command = PlaceOrder {
                lines: lines.collect(),
                rounding: Some(rounding(*total, *even)),
                credit_override: overridden.then(|| "because".to_owned()),
                ..order(customer_id, ProductId(Uuid::nil()), 1)
            };
            give(desk, command).await.map(|id| Made::Order(id, customer_id))
        }
        Step::Cancel { order } if !records.orders.is_empty() => {
            let order_id = OrderId(records.orders[order % records.orders.len()].0);
            give(desk, CancelOrder { order_id, reason: "because".to_owned() }).await?;
            Some(Made::Nothing)
        }
        _ => None,
    }
}

/// A credit note about an order is mostly wanted by whoever placed it, and for less.
async fn of_credit_notes(desk: &Desk, records: &Records, step: &Step) -> Option<Made> {
    let Step::Credit { customer, order, lines, total, stated } = step else {
        return None;
    };
    let number = stated.then(|| gateway::app::fresh_id().to_string());
    let order = order.filter(|_| !records.orders.is_empty());
    let order = order.map(|order| records.orders[order % records.orders.len()]);
    let buyer = order.map(|(_, buyer)| buyer).filter(|_| *customer != 0);
    let lines = lines.iter().map(|line| {
        let parts = if order.is_some() { 1 + line.quantity / 10 } else { line.quantity };
        let (product_id, quantity) = records.product(line.product, parts);
        CreditNoteLineInput { product_id, quantity, unit_price: line.unit_price() }
    });
    let customer_id = buyer.unwrap_or_else(|| records.customer(*customer));
    let command = PostCreditNote {
        lines: lines.collect(),
        order_id: order.map(|(order, _)| OrderId(order)),
        series: number.is_some().then(|| "external".to_owned()),
        number,
        rounding: Some(rounding(*total, false)),
        ..credit_note(customer_id, ProductId(Uuid::nil()), 1)
    };
    give(desk, command).await?;
    Some(Made::Nothing)
}

fn rounding(total: bool, even: bool) -> RoundingInput {
    let place = if total { RoundingPlace::Total } else { RoundingPlace::Line };
    let how = if even { RoundingHow::HalfEven } else { RoundingHow::HalfUp };
    RoundingInput { place, how }
}
