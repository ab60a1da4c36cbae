//! Publish a product.

use events::products::{ProductEvent, ProductId, ProductStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Product, not_discontinued};
use crate::rejection::Rejection;
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Publishes a product that has a unit and a name: it can be ordered.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishProduct {
    /// The product.
    pub product_id: ProductId,
}

impl Command for PublishProduct {
    const FEATURE: &'static str = "products";
    const ACTION: &'static str = "publish";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.product_id.0
    }

    fn needs(&self, _: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Product>(self.product_id);
    }

    fn decide(&self, _: &Context, states: &States) -> Result<Decision, Rejection> {
        let (product, status) = not_discontinued(states, self.product_id)?;
        if status == ProductStatus::Published {
            return Err(Rejection::wrong_state("the product is published already"));
        }
        if product.unit.is_none() {
            return Err(Rejection::wrong_state("the product has no unit yet"));
        }
        if product.name().is_none() {
            let message = "the product has no name yet; describe it first";
            return Err(Rejection::wrong_state(message));
        }
        Ok(Decision::of(self.product_id, ProductEvent::Published {}))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use events::Event;
    use events::products::ProductUnit;
    use events::words::Unit;

    use super::*;
    use crate::rejection::Kind;
    use crate::scenario::{PRODUCT, fact, given};

    pub(crate) fn created() -> (Uuid, Event) {
        let unit = Some(ProductUnit { code: Unit("piece".to_owned()), precision: 0 });
        fact(PRODUCT, ProductEvent::Created { sku: "A-1".to_owned(), unit })
    }

    pub(crate) fn named() -> (Uuid, Event) {
        let (locale, name) = ("en".to_owned(), "Bolt".to_owned());
        fact(PRODUCT, ProductEvent::Described { locale, name, description: None })
    }

    pub(crate) fn published() -> (Uuid, Event) {
        fact(PRODUCT, ProductEvent::Published {})
    }

    fn publish() -> PublishProduct {
        PublishProduct { product_id: PRODUCT }
    }

    #[test]
    fn a_product_with_unit_and_name_is_published_once() {
        given([created(), named()]).when(publish()).then([published()]);
        let again = given([created(), named(), published()]).when(publish());
        again.then_rejected(Kind::WrongState, None);
    }

    #[test]
    fn a_product_without_a_name_is_not_published() {
        given([created()]).when(publish()).then_rejected(Kind::WrongState, None);
    }

    #[test]
    fn a_product_without_a_unit_is_not_published() {
        let created = fact(PRODUCT, ProductEvent::Created { sku: "A-1".to_owned(), unit: None });
        given([created, named()]).when(publish()).then_rejected(Kind::WrongState, None);
    }
}
