//! The rows of `read.products`.

use events::products::ProductEvent;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::search::{Field, Searched, Weight};
use crate::table::NoChild;
use crate::{At, Kept, Record, word};

crate::table! {
    /// A product as it is now.
    record ProductRow in "products" by product_id found by words {
        /// The product.
        product_id: Uuid,
        /// The seller's code for it.
        sku: String,
        /// Its name in English, else in any language.
        name: Option<String>,
        /// Its description in that language.
        description: Option<String>,
        /// Name and description by language.
        texts: Value,
        /// What it is sold in.
        unit: Option<String>,
        /// Decimals of a quantity.
        unit_precision: Option<i16>,
        /// What one unit costs unless an order states another price.
        list_price: Option<Decimal>,
        /// The currency of the list price.
        list_price_currency: Option<String>,
        /// `draft`, `published` or `discontinued`.
        status: String,
    }
}

/// Folds products.
pub struct Products;

impl Record for Products {
    const NAME: &'static str = "products";
    const VERSION: i32 = 4;
    const TABLES: &'static str = include_str!("products/rows.sql");

    type Fact = ProductEvent;
    type Row = ProductRow;
    type Child = NoChild;

    fn evolve(
        record: Option<Kept<ProductRow, NoChild>>,
        fact: &ProductEvent,
        at: &At,
    ) -> Option<Kept<ProductRow, NoChild>> {
        let mut row = match fact {
            ProductEvent::Created { sku, unit } => ProductRow {
                organization_id: at.organization.0,
                product_id: at.stream_id,
                sku: sku.clone(),
                name: None,
                description: None,
                texts: Value::Object(Map::new()),
                unit: unit.as_ref().map(|unit| unit.code.0.clone()),
                unit_precision: unit.as_ref().map(|unit| unit.precision.into()),
                list_price: None,
                list_price_currency: None,
                status: String::new(),
                version: at.version,
                position: at.position.0,
                changed_at: at.recorded_at,
            },
            _ => record?.row,
        };
        if let Some(status) = fact.moves_to() {
            row.status = word(&status);
        }
        match fact {
            ProductEvent::Described { locale, name, description } => {
                row.texts[locale] = json!({ "name": name, "description": description });
                (row.name, row.description) = shown(&row.texts);
            }
            ProductEvent::ListPriceSet { price } => {
                row.list_price = price.map(|price| price.amount.0);
                row.list_price_currency = price.map(|price| price.currency.to_string());
            }
            _ => {}
        }
        Some(row.into())
    }
}

/// Name and description in English, else in the first language.
fn shown(texts: &Value) -> (Option<String>, Option<String>) {
    let first = || texts.as_object().and_then(|texts| texts.values().next());
    let text = texts.get("en").or_else(first);
    let part = |part: &str| text?.get(part)?.as_str().map(str::to_owned);
    (part("name"), part("description"))
}

impl Searched for ProductRow {
    fn fields(&self) -> Vec<Field<'_>> {
        let sku = Field::always("sku", Weight::A, &self.sku);
        let texts = self.texts.as_object().into_iter().flat_map(|texts| texts.values());
        let part = |name, weight| {
            let texts = texts.clone().filter_map(move |text| text.get(name)?.as_str());
            texts.filter_map(move |text| Field::always(name, weight, text))
        };
        let (names, descriptions) = (part("name", Weight::B), part("description", Weight::D));
        sku.into_iter().chain(names).chain(descriptions).collect()
    }
}
