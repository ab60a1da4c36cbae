//! What happens to a product. Not how many there are: see `stock`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::{Currency, Unit, UnitPrice};

crate::id!(
    /// A product.
    ProductId
);

/// Where a product stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProductStatus {
    /// It is being prepared; nobody can order it.
    Draft,
    /// It can be ordered.
    Published,
    /// It cannot be ordered any more.
    Discontinued,
}

/// The unit that a product is sold in, and how finely it can be divided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProductUnit {
    /// Its code, such as `piece` or `kg`.
    pub code: Unit,
    /// Decimals of a quantity: `piece` 0, `kg` 3; at most 6.
    pub precision: u8,
}

/// A list price: what one unit costs unless somebody states another price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListPrice {
    /// The price of one unit, up to six decimals.
    pub amount: UnitPrice,
    /// Of which currency (ISO 4217).
    pub currency: Currency,
}

crate::facts! {
    /// What happens to a product.
    ProductEvent of "products" with ProductStatus;
    /// It exists from now on, as a draft.
    Created {
        /// The seller's code for it: unique in the organization, case-sensitive.
        sku: String,
        /// What it is sold in; a published product has one.
        unit: Option<ProductUnit>,
    } "product.created" 1 => Draft;
    /// It is called and described like this in one language from now on.
    Described {
        /// The language (BCP 47), such as `en` or `de-CH`.
        locale: String,
        /// The name.
        name: String,
        /// The description, if any.
        description: Option<String>,
    } "product.described" 1;
    /// It costs this from now on.
    ListPriceSet {
        /// The price; none: an order must state one.
        price: Option<ListPrice>,
    } "product.list_price_set" 1;
    /// It can be ordered.
    Published {} "product.published" 1 => Published;
    /// It cannot be ordered any more.
    Discontinued {
        /// Why.
        reason: Option<String>,
    } "product.discontinued" 1 => Discontinued;
}
