//! The rows of `read.credit`.

use events::credit::CreditEvent;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::table::NoChild;
use crate::{At, Kept, Record};

crate::table! {
    /// The credit of a customer as it is now.
    record CreditRow in "credit" by credit_id {
        /// The credit: one a customer.
        credit_id: Uuid,
        /// The customer.
        customer_id: Uuid,
        /// The currency of the amounts.
        currency: String,
        /// The most that may be owed; none is no limit.
        credit_limit: Option<Decimal>,
        /// What open orders come to, less what was credited.
        exposure: Decimal,
        /// What more can be ordered for; none is no limit.
        available: Option<Decimal>,
    }
}

/// Folds the credit of customers.
pub struct Credits;

impl Record for Credits {
    const NAME: &'static str = "credit";
    const VERSION: i32 = 2;
    const TABLES: &'static str = include_str!("credit/rows.sql");

    type Fact = CreditEvent;
    type Row = CreditRow;
    type Child = NoChild;

    fn evolve(
        record: Option<Kept<CreditRow, NoChild>>,
        fact: &CreditEvent,
        at: &At,
    ) -> Option<Kept<CreditRow, NoChild>> {
        let mut row = match fact {
            CreditEvent::Opened { customer_id, currency, .. } => CreditRow {
                organization_id: at.organization.0,
                credit_id: at.stream_id,
                customer_id: customer_id.0,
                currency: currency.to_string(),
                credit_limit: None,
                exposure: Decimal::ZERO,
                available: None,
                version: at.version,
                position: at.position.0,
                changed_at: at.recorded_at,
            },
            _ => record?.row,
        };
        match fact {
            CreditEvent::Opened { limit, .. } | CreditEvent::LimitSet { limit } => {
                row.credit_limit = limit.map(|limit| limit.0);
            }
            CreditEvent::Reserved { amount, .. } => row.exposure += amount.0,
            CreditEvent::Released { amount, .. } | CreditEvent::Credited { amount, .. } => {
                row.exposure -= amount.0;
            }
        }
        row.available = row.credit_limit.map(|limit| limit - row.exposure);
        Some(row.into())
    }
}
