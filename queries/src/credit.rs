//! The credit of customers.

use std::collections::HashMap;

use events::access::Access;
use events::credit::CreditId;
use events::customers::CustomerId;
pub use projections::credit::CreditRow;
use projections::credit::Credits;
use uuid::Uuid;

use crate::fields::{Kind, List, Listed, field};
use crate::sort::Direction;
use crate::{QueryError, Reader, Seen};

/// What these queries read.
pub const READS: &[&str] = &["credit"];

impl Listed for CreditRow {
    type Record = Credits;

    const LIST: &'static List = &List {
        feature: "customers",
        table: "credit",
        fields: &[
            field("credit_id", Kind::Id, "The credit."),
            field("customer_id", Kind::Id, "Of which customer."),
            field(
                "credit_limit",
                Kind::Number,
                "How much the customer may owe; null: without limit.",
            )
            .nullable()
            .scanned(),
            field("exposure", Kind::Number, "What the customer owes, and has ordered.").scanned(),
            field("available", Kind::Number, "What may still be ordered; null: without limit.")
                .nullable()
                .scanned(),
            field("changed_at", Kind::Time, "When its last fact was recorded.").scanned(),
        ],
        sorted: &[("customer_id", Direction::Ascending)],
        sums: &[
            field("credit_limit", Kind::Number, "How much customers with a limit may owe.")
                .nullable(),
            field("exposure", Kind::Number, "What the customers owe, and have ordered."),
            field("available", Kind::Number, "What customers with a limit may still order.")
                .nullable(),
        ],
        groups: &[field("currency", Kind::Text, "The currency of the amounts (ISO 4217).")],
    };
}

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
