//! The credit of customers.

use std::collections::HashMap;

use events::access::Access;
pub use projections::credit::CreditRow;
use uuid::Uuid;

use crate::{QueryError, Reader};

/// What these queries read.
pub const READS: &[&str] = &["credit"];

impl Reader {
    /// A credit.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn credit(&self, access: &Access, id: Uuid) -> Result<Option<CreditRow>, QueryError> {
        self.row(access, "customers", "credit_id = $2", &[&id]).await
    }

    /// The credit of customers, by customer.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn credit_by_customer(
        &self,
        access: &Access,
        customer_ids: &[Uuid],
    ) -> Result<HashMap<Uuid, CreditRow>, QueryError> {
        let condition = "customer_id = any($2)";
        let rows: Vec<CreditRow> =
            self.rows(access, "customers", condition, &[&customer_ids]).await?;
        Ok(rows.into_iter().map(|row| (row.customer_id, row)).collect())
    }
}
