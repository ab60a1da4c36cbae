//! The products that a file names: by their SKUs.

use std::collections::HashMap;

use commands::Outcome;
use commands::products::create::{CreateProduct, ProductUnitInput};
use commands::products::publish::PublishProduct;
use commands::stock::set_backorder::SetStockBackorder;
use events::products::ProductId;
use queries::products::ProductRow;

use super::{Found, Known, LOOKED_UP, NameClerk, made};
use crate::app::fresh_id;
use crate::import::ImportError;
use crate::import::commander::Refused;
use crate::import::survey::Product;

/// What ids of products are derived with.
const PRODUCT: &str = "imported_product";

impl NameClerk<'_> {
    pub(super) async fn find_products(
        &self,
        wanted: &[u32],
    ) -> Result<HashMap<u32, Found<ProductId>>, ImportError> {
        let mut found = HashMap::new();
        for wanted in wanted.chunks(LOOKED_UP) {
            let product = |index: &u32| &*self.survey.products.at(*index).sku;
            let skus: Vec<&str> = wanted.iter().map(product).collect();
            let access = self.access();
            let ask = async || self.reader.products_by_sku(&access, &skus).await;
            for row in self.commander.ask(ask).await? {
                if let Some(index) = self.survey.products.index(&row.sku) {
                    let ours = row.product_id == self.derived(PRODUCT, &row.sku);
                    let known = self.sold_in(index, &row);
                    found.insert(index, Found { ours, ..Found::there(known) });
                }
            }
        }
        Ok(found)
    }

    /// Quantities of the file are in its unit; a product's orders are in the product's.
    fn sold_in(&self, index: u32, row: &ProductRow) -> Known<ProductId> {
        let unit = self.unit(self.survey.products.at(index)).code.0;
        match &row.unit {
            Some(theirs) if *theirs != unit => {
                Err(format!("product {} is sold in {theirs}, the file has {unit}", row.sku))
            }
            _ => Ok(ProductId(row.product_id)),
        }
    }

    fn unit(&self, product: &Product) -> ProductUnitInput {
        let products = &self.task.mapping.products;
        match &product.unit {
            Some(meant) => {
                ProductUnitInput { code: meant.unit.clone(), precision: meant.precision }
            }
            None => ProductUnitInput { code: products.unit.clone(), precision: products.precision },
        }
    }

    /// None: another product has its SKU, or an import gave it to one of another name or unit.
    pub(super) async fn make_product(
        &self,
        index: u32,
        exists: bool,
    ) -> Result<Option<Found<ProductId>>, ImportError> {
        let product = self.survey.products.at(index);
        let sku = product.sku.to_string();
        let key = |step: &str| format!("import/products/{step}/{sku}");
        let id = self.derived(PRODUCT, &sku);
        let mut found = Found::there(Ok(ProductId(id)));
        if !exists {
            let name = product.name.as_deref().unwrap_or(&sku).to_owned();
            let (unit, name) = (Some(self.unit(product)), Some(name));
            let create = CreateProduct { sku: sku.clone(), unit, name, list_price: None };
            match made(id, self.commander.give(id, &key("create"), &create).await?) {
                Some(made) if made.known.is_ok() => found = made,
                otherwise => return Ok(otherwise),
            }
        }
        let product_id = ProductId(id);
        let publish = PublishProduct { product_id };
        let published = self.commander.give(fresh_id(), &key("publish"), &publish).await?;
        found.facts += self.appended(&sku, published);
        if self.task.mapping.products.backorder {
            let allow = SetStockBackorder { product_id, warehouse_id: None, allowed: true };
            let allowed = self.commander.give(fresh_id(), &key("backorder"), &allow).await?;
            found.facts += self.appended(&sku, allowed);
        }
        Ok(Some(found))
    }

    /// A step of making a product ready may be refused, since somebody has taken it in hand; what
    /// that means for documents they are told themselves.
    fn appended(&self, sku: &str, step: Result<Outcome, Refused>) -> u32 {
        match step {
            Ok(outcome) if outcome.repeated => 0,
            Ok(outcome) => outcome.facts,
            Err(refused) => {
                tracing::warn!(sku, reason = refused.reason, "a product is used as it is");
                0
            }
        }
    }
}
