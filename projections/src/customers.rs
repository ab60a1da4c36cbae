//! The rows of `read.customers`.

use events::customers::CustomerEvent;
use uuid::Uuid;

use crate::search::{Field, Searched, Weight};
use crate::table::NoChild;
use crate::{At, Kept, Record, word};

crate::table! {
    /// A customer account as it is now.
    record CustomerRow in "customers" by customer_id found by words {
        /// The customer.
        customer_id: Uuid,
        /// The seller's number for it.
        number: Option<String>,
        /// The company's name.
        name: String,
        /// The currency of its orders and of its credit.
        currency: String,
        /// Days from invoice to due date.
        net_days: i32,
        /// `active`, `on_hold` or `closed`.
        status: String,
        /// Why it is on hold or closed.
        status_reason: Option<String>,
    }
}

/// Folds customer accounts.
pub struct Customers;

impl Record for Customers {
    const NAME: &'static str = "customers";
    const VERSION: i32 = 3;
    const TABLES: &'static str = include_str!("customers/rows.sql");

    type Fact = CustomerEvent;
    type Row = CustomerRow;
    type Child = NoChild;

    fn evolve(
        record: Option<Kept<CustomerRow, NoChild>>,
        fact: &CustomerEvent,
        at: &At,
    ) -> Option<Kept<CustomerRow, NoChild>> {
        let mut row = match fact {
            CustomerEvent::Opened { number, name, currency, terms } => CustomerRow {
                organization_id: at.organization.0,
                customer_id: at.stream_id,
                number: number.clone(),
                name: name.clone(),
                currency: currency.to_string(),
                net_days: terms.net_days.into(),
                status: String::new(),
                status_reason: None,
                version: at.version,
                position: at.position.0,
                changed_at: at.recorded_at,
            },
            _ => record?.row,
        };
        if let Some(status) = fact.moves_to() {
            row.status = word(&status);
            row.status_reason = fact.because().map(str::to_owned);
        }
        if let CustomerEvent::TermsSet { terms } = fact {
            row.net_days = terms.net_days.into();
        }
        Some(row.into())
    }
}

impl Searched for CustomerRow {
    fn fields(&self) -> Vec<Field<'_>> {
        let fields = [
            Field::of("number", Weight::A, &self.number),
            Field::always("name", Weight::B, &self.name),
        ];
        fields.into_iter().flatten().collect()
    }
}
