//! The rows of `read.sales_by_month`, `read.sales_by_customer` and `read.sales_by_product`: what
//! orders and credit notes add up to, in their own currencies. Cancelling an order takes back what
//! placing it added; where nothing is left, a row of zeros is.

use chrono::{Datelike, NaiveDate};
use events::Event;
use events::credit_notes::CreditNoteEvent;
use events::customers::CustomerId;
use events::facts::Facts;
use events::orders::OrderEvent;
use events::products::ProductId;
use events::words::{Amount, Currency, Quantity};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{Delta, Rollup};

crate::sums! {
    /// What documents come to.
    DocumentSums {
        /// Orders placed, without those cancelled.
        orders: i64,
        /// Lines of these orders; also of those that the first programs cancelled.
        lines: i64,
        /// What these orders come to before rounding.
        gross: Decimal,
        /// What the buyers owe for them.
        net: Decimal,
        /// Credit notes posted.
        credit_notes: i64,
        /// Lines of these credit notes.
        credit_lines: i64,
        /// What these credit notes give back before rounding: above zero.
        credits: Decimal,
        /// What the customers owe less for them: above zero.
        credits_net: Decimal,
    }
}

crate::sums! {
    /// What lines of documents come to.
    LineSums {
        /// Lines of orders placed, without those cancelled.
        lines: i64,
        /// How many were ordered.
        quantity: Decimal,
        /// What these lines come to before rounding.
        gross: Decimal,
        /// What they cost: rounded, where the order rounds per line.
        net: Decimal,
        /// Lines of credit notes posted.
        credit_lines: i64,
        /// How many were credited.
        credited_quantity: Decimal,
        /// What these lines give back before rounding: above zero.
        credits: Decimal,
        /// What they give back: rounded, where the credit note rounds per line.
        credits_net: Decimal,
    }
}

crate::table! {
    /// The sales of a month.
    rollup SalesByMonthRow in "sales_by_month" by {
        /// The first day of the month that the documents count for.
        month: NaiveDate,
        /// The currency of the amounts.
        currency: String,
    } sums DocumentSums
}

crate::table! {
    /// The sales to a customer.
    rollup SalesByCustomerRow in "sales_by_customer" by {
        /// Who buys.
        customer_id: Uuid,
        /// The currency of the amounts.
        currency: String,
    } sums DocumentSums
}

crate::table! {
    /// The sales of a product.
    rollup SalesByProductRow in "sales_by_product" by {
        /// What is sold.
        product_id: Uuid,
        /// The currency of the amounts.
        currency: String,
    } sums LineSums
}

const FEATURES: &[&str] = &[OrderEvent::FEATURE, CreditNoteEvent::FEATURE];

/// Adds up documents by the month of their business date.
pub struct SalesByMonth;

impl Rollup for SalesByMonth {
    const NAME: &'static str = "sales_by_month";
    const VERSION: i32 = 1;
    const TABLES: &'static str = include_str!("sales/by_month.sql");
    const FEATURES: &'static [&'static str] = FEATURES;

    type Row = SalesByMonthRow;

    fn deltas(event: &Event) -> Vec<Delta<SalesByMonthRow>> {
        let delta = |of: Document| ((first_day(of.business_date), of.currency()), of.sums());
        document(event).map(delta).into_iter().collect()
    }
}

/// Adds up documents by customer.
pub struct SalesByCustomer;

impl Rollup for SalesByCustomer {
    const NAME: &'static str = "sales_by_customer";
    const VERSION: i32 = 1;
    const TABLES: &'static str = include_str!("sales/by_customer.sql");
    const FEATURES: &'static [&'static str] = FEATURES;

    type Row = SalesByCustomerRow;

    fn deltas(event: &Event) -> Vec<Delta<SalesByCustomerRow>> {
        let delta = |of: Document| ((of.customer_id.0, of.currency()), of.sums());
        document(event).map(delta).into_iter().collect()
    }
}

/// Adds up lines by product. The first programs cancelled orders without saying their lines: what
/// these added stays.
pub struct SalesByProduct;

impl Rollup for SalesByProduct {
    const NAME: &'static str = "sales_by_product";
    const VERSION: i32 = 1;
    const TABLES: &'static str = include_str!("sales/by_product.sql");
    const FEATURES: &'static [&'static str] = FEATURES;

    type Row = SalesByProductRow;

    fn deltas(event: &Event) -> Vec<Delta<SalesByProductRow>> {
        let Some(of) = document(event) else {
            return Vec::new();
        };
        let delta = |line: &Line| ((line.product_id.0, of.currency()), of.sums_of(line));
        of.lines.iter().map(delta).collect()
    }
}

fn first_day(date: NaiveDate) -> NaiveDate {
    date.with_day(1).unwrap_or(date)
}

/// An order or a credit note, as far as it counts.
struct Document {
    kind: Kind,
    business_date: NaiveDate,
    customer_id: CustomerId,
    currency: Currency,
    gross: Amount,
    net: Amount,
    lines: Vec<Line>,
}

#[derive(Clone, Copy)]
enum Kind {
    Order,
    /// It is taken back.
    CancelledOrder,
    CreditNote,
}

struct Line {
    product_id: ProductId,
    quantity: Quantity,
    gross: Amount,
    net: Amount,
}

/// The lines of a document, whatever else they say.
macro_rules! lines {
    ($lines:expr) => {
        $lines
            .iter()
            .map(|line| Line {
                product_id: line.product_id,
                quantity: line.quantity,
                gross: line.gross,
                net: line.net,
            })
            .collect()
    };
}

/// The document that a fact counts or takes back, if it does.
fn document(event: &Event) -> Option<Document> {
    let document = match event {
        Event::Order(OrderEvent::Placed(placed)) => Document {
            kind: Kind::Order,
            business_date: placed.business_date,
            customer_id: placed.customer_id,
            currency: placed.currency,
            gross: placed.gross,
            net: placed.net,
            lines: lines!(placed.lines),
        },
        Event::Order(OrderEvent::Cancelled {
            business_date,
            customer_id,
            currency,
            gross,
            net,
            lines,
            reason: _,
        }) => Document {
            kind: Kind::CancelledOrder,
            business_date: *business_date,
            customer_id: *customer_id,
            currency: *currency,
            gross: *gross,
            net: *net,
            lines: lines!(lines),
        },
        Event::CreditNote(CreditNoteEvent::Posted(posted)) => Document {
            kind: Kind::CreditNote,
            business_date: posted.business_date,
            customer_id: posted.customer_id,
            currency: posted.currency,
            gross: posted.gross,
            net: posted.net,
            lines: lines!(posted.lines),
        },
        _ => return None,
    };
    Some(document)
}

impl Document {
    fn currency(&self) -> String {
        self.currency.to_string()
    }

    /// What the document adds to sums over documents.
    fn sums(&self) -> DocumentSums {
        let lines = i64::try_from(self.lines.len()).unwrap_or(i64::MAX);
        let (gross, net) = (self.gross.0, self.net.0);
        let none = DocumentSums::default();
        match self.kind {
            Kind::Order => DocumentSums { orders: 1, lines, gross, net, ..none },
            Kind::CancelledOrder => {
                DocumentSums { orders: -1, lines: -lines, gross: -gross, net: -net, ..none }
            }
            Kind::CreditNote => DocumentSums {
                credit_notes: 1,
                credit_lines: lines,
                credits: gross,
                credits_net: net,
                ..none
            },
        }
    }

    /// What a line of the document adds to sums over lines.
    fn sums_of(&self, line: &Line) -> LineSums {
        let (quantity, gross, net) = (line.quantity.0, line.gross.0, line.net.0);
        let none = LineSums::default();
        match self.kind {
            Kind::Order => LineSums { lines: 1, quantity, gross, net, ..none },
            Kind::CancelledOrder => {
                LineSums { lines: -1, quantity: -quantity, gross: -gross, net: -net, ..none }
            }
            Kind::CreditNote => LineSums {
                credit_lines: 1,
                credited_quantity: quantity,
                credits: gross,
                credits_net: net,
                ..none
            },
        }
    }
}

#[cfg(test)]
mod tests;
