//! What decisions need to know of a product.

pub mod create;
pub mod describe;
pub mod discontinue;
pub mod publish;
pub mod set_list_price;

use std::collections::BTreeMap;

use events::products::{ListPrice, ProductEvent, ProductId, ProductStatus, ProductUnit};
use serde::{Deserialize, Serialize};

use crate::rejection::Rejection;
use crate::state::{State, States};

/// The language that a name is taken from when nobody says which.
pub(crate) const DEFAULT_LOCALE: &str = "en";

/// A product, as decisions see it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Product {
    /// None: there is no such product.
    pub status: Option<ProductStatus>,
    /// Its SKU.
    pub sku: String,
    /// What it is sold in.
    pub unit: Option<ProductUnit>,
    /// What it costs unless somebody states another price.
    pub list_price: Option<ListPrice>,
    /// Its name by language.
    pub names: BTreeMap<String, String>,
}

impl Product {
    /// Its name: in the default language, else in any.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let name = self.names.get(DEFAULT_LOCALE).or_else(|| self.names.values().next());
        name.map(String::as_str)
    }
}

impl State for Product {
    type Fact = ProductEvent;
    const NAME: &'static str = "product";
    const VERSION: i32 = 1;

    fn evolve(&mut self, fact: &ProductEvent) {
        self.status = fact.moves_to().or(self.status);
        match fact {
            ProductEvent::Created { sku, unit } => {
                self.sku.clone_from(sku);
                self.unit.clone_from(unit);
            }
            ProductEvent::Described { locale, name, .. } => {
                self.names.insert(locale.clone(), name.clone());
            }
            ProductEvent::ListPriceSet { price } => self.list_price = *price,
            _ => {}
        }
    }

    fn heap_bytes(&self) -> usize {
        self.sku.len() + self.names.values().map(|name| name.len() + 64).sum::<usize>()
    }
}

/// A product that exists, with its status.
pub(crate) fn existing(
    states: &States,
    id: ProductId,
) -> Result<(&Product, ProductStatus), Rejection> {
    let product = states.get::<Product>(id)?;
    let status = product.status.ok_or_else(|| Rejection::not_found("productId", "product", id))?;
    Ok((product, status))
}

/// A product that exists and is not discontinued, with its status.
pub(crate) fn not_discontinued(
    states: &States,
    id: ProductId,
) -> Result<(&Product, ProductStatus), Rejection> {
    match existing(states, id)? {
        (_, ProductStatus::Discontinued) => {
            Err(Rejection::wrong_state("the product is discontinued"))
        }
        going => Ok(going),
    }
}
