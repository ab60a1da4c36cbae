//! Create a product.

use events::products::{ProductEvent, ProductId, ProductUnit};
use events::words::Unit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::set_list_price::{ListPriceInput, valid_price};
use super::{DEFAULT_LOCALE, Product};
use crate::rejection::{Rejection, text};
use crate::reservations::Claim;
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Creates a product, as a draft. Its unit never changes: stock is counted in it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateProduct {
    /// Your code for it: unique in the organization, case-sensitive.
    pub sku: String,
    /// What it is sold in; pieces by default.
    #[serde(default)]
    pub unit: Option<ProductUnitInput>,
    /// Its name, in English; `describeProduct` adds other languages.
    #[serde(default)]
    pub name: Option<String>,
    /// What one unit costs, unless an order states another price.
    #[serde(default)]
    pub list_price: Option<ListPriceInput>,
}

/// The unit that a product is sold in, and how finely it can be divided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductUnitInput {
    /// Its code, such as `piece` or `kg`.
    pub code: Unit,
    /// Decimals of a quantity: `piece` 0, `kg` 3; at most 6.
    pub precision: u8,
}

/// The most characters of a SKU.
pub const SKU_CHARACTERS_MAX: usize = 80;
/// The most characters of a product's name.
pub const NAME_CHARACTERS_MAX: usize = 300;
const PRECISION_MAX: u8 = 6;

impl CreateProduct {
    fn with_claim<T>(&self, then: impl FnOnce(Claim<'_>) -> T) -> T {
        then(Claim { kind: "sku", parts: &[self.sku.trim()], field: "sku" })
    }

    fn unit(&self) -> Result<ProductUnit, Rejection> {
        let Some(unit) = &self.unit else {
            return Ok(ProductUnit { code: Unit("piece".to_owned()), precision: 0 });
        };
        if unit.precision > PRECISION_MAX {
            let message =
                format!("{} decimals are too many; at most {PRECISION_MAX}", unit.precision);
            return Err(Rejection::invalid("unit.precision", message));
        }
        let code = Unit(text("unit.code", &unit.code.0, 20)?);
        Ok(ProductUnit { code, precision: unit.precision })
    }
}

impl Command for CreateProduct {
    const FEATURE: &'static str = "products";
    const ACTION: &'static str = "create";

    fn record(&self, context: &Context, _: &States) -> Uuid {
        context.id
    }

    fn needs(&self, context: &Context, _: &States, needs: &mut Needs) {
        needs.begin::<Product>(ProductId(context.id));
        self.with_claim(|claim| claim.needs(context.organization, needs));
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        let id = ProductId(context.id);
        if states.get::<Product>(id)?.status.is_some() {
            return Err(Rejection::wrong_state("the product exists already"));
        }
        let sku = text("sku", &self.sku, SKU_CHARACTERS_MAX)?;
        let created = ProductEvent::Created { sku, unit: Some(self.unit()?) };
        let mut decision = Decision::of(id, created);
        if let Some(name) = &self.name {
            let name = text("name", name, NAME_CHARACTERS_MAX)?;
            let locale = DEFAULT_LOCALE.to_owned();
            decision.push(id, ProductEvent::Described { locale, name, description: None });
        }
        if let Some(price) = self.list_price {
            let price = Some(valid_price(price)?);
            decision.push(id, ProductEvent::ListPriceSet { price });
        }
        self.with_claim(|claim| claim.claim(context.organization, states, id, &mut decision))?;
        Ok(decision)
    }
}

#[cfg(test)]
mod tests {
    use events::reservations::{ReservationEvent, ReservationId};

    use super::*;
    use crate::rejection::Kind;
    use crate::scenario::{FRESH, fact, given, organization};

    fn create() -> CreateProduct {
        CreateProduct { sku: "A-1".to_owned(), unit: None, name: None, list_price: None }
    }

    fn claimed() -> (Uuid, events::Event) {
        let id = ReservationId::of(organization(), "sku", &["A-1"]);
        let (kind, value) = ("sku".to_owned(), "A-1".to_owned());
        fact(id, ReservationEvent::Claimed { kind, value, holder: FRESH })
    }

    #[test]
    fn a_product_is_sold_in_pieces_unless_said_otherwise() {
        let unit = Some(ProductUnit { code: Unit("piece".to_owned()), precision: 0 });
        let created = ProductEvent::Created { sku: "A-1".to_owned(), unit };
        given([]).when(create()).then([fact(FRESH, created), claimed()]);
    }

    #[test]
    fn a_sku_belongs_to_one_product() {
        given([claimed()]).when(create()).then_rejected(Kind::Taken, "sku");
    }

    #[test]
    fn skus_are_case_sensitive() {
        let lower = CreateProduct { sku: "a-1".to_owned(), ..create() };
        assert!(given([claimed()]).when(lower).0.is_ok());
    }

    #[test]
    fn a_unit_has_at_most_six_decimals() {
        let unit = Some(ProductUnitInput { code: Unit("kg".to_owned()), precision: 7 });
        let fine = CreateProduct { unit, ..create() };
        given([]).when(fine).then_rejected(Kind::Invalid, "unit.precision");
    }
}
