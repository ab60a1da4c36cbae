//! Products, by their ids or by their SKU.

use std::collections::HashMap;

use events::access::Access;
pub use projections::products::ProductRow;
use projections::products::Products;
use uuid::Uuid;

use crate::fields::{Kind, List, Listed, field};
use crate::sort::Direction;
use crate::{QueryError, Reader, Seen};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["products", "stock", "warehouses"];

impl Listed for ProductRow {
    type Record = Products;

    const LIST: &'static List = &List {
        feature: "products",
        table: "products",
        fields: &[
            field("product_id", Kind::Id, "The product."),
            field("sku", Kind::Text, "Your code for it."),
            field("name", Kind::Text, "Its name in English, else in any language.").nullable(),
            field(
                "status",
                Kind::Word(&["draft", "published", "discontinued"]),
                "Where it stands in its life.",
            ),
            field("list_price", Kind::Number, "What one unit costs, in whatever currency.")
                .nullable(),
            field("changed_at", Kind::Time, "When its last fact was recorded."),
        ],
        sorted: &[("sku", Direction::Ascending)],
        sums: &[],
        groups: &[
            field(
                "status",
                Kind::Word(&["draft", "published", "discontinued"]),
                "Where they stand in their life.",
            ),
            field("unit", Kind::Text, "What they are sold in.").nullable(),
        ],
    };
}

impl Reader {
    /// A product.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn product(
        &self,
        access: &Access,
        id: Uuid,
    ) -> Result<Option<Seen<ProductRow>>, QueryError> {
        self.record::<Products>(access, "products", id).await
    }

    /// Several, by id.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn products_by_id(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Seen<ProductRow>>, QueryError> {
        self.records::<Products>(access, "products", ids).await
    }

    /// The product with this SKU.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn product_by_sku(
        &self,
        access: &Access,
        sku: &str,
    ) -> Result<Option<Seen<ProductRow>>, QueryError> {
        // PostgreSQL has no such text, so no product has it as its SKU.
        if sku.contains('\0') {
            return Ok(None);
        }
        let now = self.finding(access, &["products"]).await?;
        let found: Option<Seen<ProductRow>> =
            self.row(&now, "products", "sku collate \"C\" = $1", &[&sku]).await?;
        match found {
            Some(found) if access.as_of.is_some() => self.product(access, found.product_id).await,
            found => Ok(found),
        }
    }

    /// Those that have one of these SKUs.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn products_by_sku(
        &self,
        access: &Access,
        skus: &[&str],
    ) -> Result<Vec<Seen<ProductRow>>, QueryError> {
        self.rows(access, "products", "sku collate \"C\" = any($1)", &[&skus]).await
    }
}
