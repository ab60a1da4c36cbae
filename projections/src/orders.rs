//! The rows of `read.orders` and `read.order_lines`.

use chrono::{DateTime, NaiveDate, Utc};
use events::orders::{OrderEvent, OrderPlaced};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::search::{Field, Searched, Weight};
use crate::{At, Kept, Record, micros, word};

crate::table! {
    /// An order as it is now.
    record OrderRow in "orders" by order_id found by words {
        /// The order.
        order_id: Uuid,
        /// The series that the number is unique in.
        series: String,
        /// Its number within the series.
        number: String,
        /// Who buys.
        customer_id: Uuid,
        /// The customer's name as it was.
        customer_name: String,
        /// The buyer's own reference.
        reference: Option<String>,
        /// `placed` or `cancelled`.
        status: String,
        /// When it was placed.
        placed_at: DateTime<Utc>,
        /// The day it counts for, in the organization's zone.
        business_date: NaiveDate,
        /// The currency of the amounts.
        currency: String,
        /// Where it rounds: `line` or `total`.
        rounding_place: String,
        /// How it rounds: `half_up` or `half_even`.
        rounding_how: String,
        /// The sum of the lines before rounding.
        gross: Decimal,
        /// What the buyer owes.
        net: Decimal,
        /// How many lines it has.
        line_count: i32,
        /// Why the credit limit was overridden, if it was.
        credit_override: Option<String>,
        /// Why it was cancelled, if it was.
        cancel_reason: Option<String>,
        /// What credit notes gave back of its net.
        credited: Decimal,
    }
}

crate::table! {
    /// A line of an order, as it was placed.
    child OrderLineRow in "order_lines" by order_id, line {
        /// The order.
        order_id: Uuid,
        /// Its number within the order, from 1.
        line: i32,
        /// The product.
        product_id: Uuid,
        /// Its SKU as it was.
        sku: String,
        /// Its name as it was.
        name: String,
        /// The unit of quantity and price.
        unit: String,
        /// Where the goods come from.
        warehouse_id: Uuid,
        /// How many.
        quantity: Decimal,
        /// The price of one unit.
        unit_price: Decimal,
        /// `list` or `stated`.
        price_source: String,
        /// Quantity × unit price.
        gross: Decimal,
        /// What the line costs: rounded, if the order rounds per line.
        net: Decimal,
        /// The currency of the amounts.
        currency: String,
        /// The position of the fact that placed it.
        position: i64,
    }
}

/// Folds orders.
pub struct Orders;

impl Record for Orders {
    const NAME: &'static str = "orders";
    const VERSION: i32 = 4;
    const TABLES: &'static str = include_str!("orders/rows.sql");

    type Fact = OrderEvent;
    type Row = OrderRow;
    type Child = OrderLineRow;

    fn evolve(
        record: Option<Kept<OrderRow, OrderLineRow>>,
        fact: &OrderEvent,
        at: &At,
    ) -> Option<Kept<OrderRow, OrderLineRow>> {
        let mut order = match fact {
            OrderEvent::Placed(placed) => {
                Kept { row: row(placed, at), children: lines(placed, at) }
            }
            _ => record?,
        };
        if let OrderEvent::Credited { amount, .. } = fact {
            order.row.credited += amount.0;
        }
        if let Some(status) = fact.moves_to() {
            order.row.status = word(&status);
            order.row.cancel_reason = fact.because().map(str::to_owned);
        }
        Some(order)
    }
}

fn row(placed: &OrderPlaced, at: &At) -> OrderRow {
    OrderRow {
        organization_id: at.organization.0,
        order_id: at.stream_id,
        series: placed.series.clone(),
        number: placed.number.clone(),
        customer_id: placed.customer_id.0,
        customer_name: placed.customer_name.clone(),
        reference: placed.reference.clone(),
        status: String::new(),
        placed_at: micros(placed.placed_at),
        business_date: placed.business_date,
        currency: placed.currency.to_string(),
        rounding_place: word(&placed.rounding.place),
        rounding_how: word(&placed.rounding.how),
        gross: placed.gross.0,
        net: placed.net.0,
        line_count: i32::try_from(placed.lines.len()).unwrap_or(i32::MAX),
        credit_override: placed.credit_override.clone(),
        cancel_reason: None,
        credited: Decimal::ZERO,
        version: at.version,
        position: at.position.0,
        changed_at: at.recorded_at,
    }
}

fn lines(placed: &OrderPlaced, at: &At) -> Vec<OrderLineRow> {
    let lines = placed.lines.iter();
    let row = lines.map(|line| OrderLineRow {
        organization_id: at.organization.0,
        order_id: at.stream_id,
        line: i32::try_from(line.line).unwrap_or(i32::MAX),
        product_id: line.product_id.0,
        sku: line.sku.clone(),
        name: line.name.clone(),
        unit: line.unit.0.clone(),
        warehouse_id: line.warehouse_id.0,
        quantity: line.quantity.0,
        unit_price: line.unit_price.0,
        price_source: word(&line.price_source),
        gross: line.gross.0,
        net: line.net.0,
        currency: placed.currency.to_string(),
        position: at.position.0,
    });
    row.collect()
}

impl Searched for OrderRow {
    fn fields(&self) -> Vec<Field<'_>> {
        let fields = [
            Field::always("number", Weight::A, &self.number),
            Field::always("customerName", Weight::C, &self.customer_name),
            Field::of("reference", Weight::C, &self.reference),
        ];
        fields.into_iter().flatten().collect()
    }
}
