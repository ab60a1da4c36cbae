//! The credit of customers.

use std::collections::HashMap;

use events::access::Access;
use events::credit::CreditId;
use events::customers::CustomerId;
pub use projections::credit::CreditRow;
use projections::credit::Credits;
use uuid::Uuid;

use crate::{QueryError, Reader, Seen};

/// What these queries read.
pub const READS: &[&str] = &["credit"];

impl Reader {
    /// A credit.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn credit(
        &self,
        access: &Access,
        id: Uuid,
    ) -> Result<Option<Seen<CreditRow>>, QueryError> {
        self.record::<Credits>(access, "customers", id).await
    }

    /// Several, by id.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn credits_by_id(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Seen<CreditRow>>, QueryError> {
        self.records::<Credits>(access, "customers", ids).await
    }

    /// The credit of customers, by customer.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn credit_by_customer(
        &self,
        access: &Access,
        customer_ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Seen<CreditRow>>, QueryError> {
        let of = |customer: &Uuid| CreditId::of(access.organization, CustomerId(*customer)).0;
        let ids: Vec<Uuid> = customer_ids.iter().map(of).collect();
        let credits = self.records::<Credits>(access, "customers", &ids).await?;
        Ok(credits.into_values().map(|credit| (credit.customer_id, credit)).collect())
    }
}
