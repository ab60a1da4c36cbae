//! Customer accounts, one at a time.

use std::collections::HashMap;

use events::access::Access;
pub use projections::customers::CustomerRow;
use uuid::Uuid;

use crate::{QueryError, Reader};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["customers", "credit"];

impl Reader {
    /// A customer account.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn customer(
        &self,
        access: &Access,
        id: Uuid,
    ) -> Result<Option<CustomerRow>, QueryError> {
        self.row(access, "customers", "customer_id = $2", &[&id]).await
    }

    /// Several, by id.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn customers_by_id(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, CustomerRow>, QueryError> {
        let rows: Vec<CustomerRow> =
            self.rows(access, "customers", "customer_id = any($2)", &[&ids]).await?;
        Ok(rows.into_iter().map(|row| (row.customer_id, row)).collect())
    }

    /// Those that have one of these numbers.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn customers_by_number(
        &self,
        access: &Access,
        numbers: &[&str],
    ) -> Result<Vec<CustomerRow>, QueryError> {
        self.rows(access, "customers", "number = any($2)", &[&numbers]).await
    }
}
