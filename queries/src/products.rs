//! Products, by their ids or by their SKU.

use std::collections::HashMap;

use events::access::Access;
pub use projections::products::ProductRow;
use uuid::Uuid;

use crate::{QueryError, Reader};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["products", "stock", "warehouses"];

impl Reader {
    /// A product.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn product(
        &self,
        access: &Access,
        id: Uuid,
    ) -> Result<Option<ProductRow>, QueryError> {
        self.row(access, "products", "product_id = $2", &[&id]).await
    }

    /// Several, by id.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn products_by_id(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, ProductRow>, QueryError> {
        let rows: Vec<ProductRow> =
            self.rows(access, "products", "product_id = any($2)", &[&ids]).await?;
        Ok(rows.into_iter().map(|row| (row.product_id, row)).collect())
    }

    /// The product with this SKU.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn product_by_sku(
        &self,
        access: &Access,
        sku: &str,
    ) -> Result<Option<ProductRow>, QueryError> {
        // PostgreSQL has no such text, so no product has it as its SKU.
        if sku.contains('\0') {
            return Ok(None);
        }
        self.row(access, "products", "sku = $2", &[&sku]).await
    }

    /// Those that have one of these SKUs.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn products_by_sku(
        &self,
        access: &Access,
        skus: &[&str],
    ) -> Result<Vec<ProductRow>, QueryError> {
        self.rows(access, "products", "sku = any($2)", &[&skus]).await
    }
}
