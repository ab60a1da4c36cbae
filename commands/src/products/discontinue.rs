//! Discontinue a product.

use events::products::{ProductEvent, ProductId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Product, not_discontinued};
use crate::rejection::{Rejection, optional_text};
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Discontinues a product: it cannot be ordered any more. Orders that name it stay.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiscontinueProduct {
    /// The product.
    pub product_id: ProductId,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Command for DiscontinueProduct {
    const FEATURE: &'static str = "products";
    const ACTION: &'static str = "discontinue";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.product_id.0
    }

    fn needs(&self, _: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Product>(self.product_id);
    }

    fn decide(&self, _: &Context, states: &States) -> Result<Decision, Rejection> {
        not_discontinued(states, self.product_id)?;
        let reason = optional_text("reason", self.reason.as_ref(), 500)?;
        Ok(Decision::of(self.product_id, ProductEvent::Discontinued { reason }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::products::publish::tests::created;
    use crate::rejection::Kind;
    use crate::scenario::{PRODUCT, fact, given};

    fn discontinue() -> DiscontinueProduct {
        DiscontinueProduct { product_id: PRODUCT, reason: None }
    }

    #[test]
    fn a_product_is_discontinued_once() {
        let discontinued = fact(PRODUCT, ProductEvent::Discontinued { reason: None });
        given([created()]).when(discontinue()).then([discontinued.clone()]);
        let again = given([created(), discontinued]).when(discontinue());
        again.then_rejected(Kind::WrongState, None);
    }
}
