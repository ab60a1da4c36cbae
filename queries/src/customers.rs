//! Customer accounts, one at a time.

use std::collections::HashMap;

use events::access::Access;
pub use projections::customers::CustomerRow;
use projections::customers::Customers;
use uuid::Uuid;

use crate::{QueryError, Reader, Seen};

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
    ) -> Result<Option<Seen<CustomerRow>>, QueryError> {
        self.record::<Customers>(access, "customers", id).await
    }

    /// Several, by id.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn customers_by_id(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Seen<CustomerRow>>, QueryError> {
        self.records::<Customers>(access, "customers", ids).await
    }

    /// Those that have one of these numbers.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn customers_by_number(
        &self,
        access: &Access,
        numbers: &[&str],
    ) -> Result<Vec<Seen<CustomerRow>>, QueryError> {
        self.rows(access, "customers", "number = any($2)", &[&numbers]).await
    }
}
