//! Set a product's list price.

use events::products::{ListPrice, ProductEvent, ProductId};
use events::words::{Currency, UnitPrice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Product, not_discontinued};
use crate::rejection::Rejection;
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Sets what one unit of a product costs unless an order states another price.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetProductListPrice {
    /// The product.
    pub product_id: ProductId,
    /// The price; none: every order has to state one.
    pub list_price: Option<ListPriceInput>,
}

/// A list price: what one unit costs unless somebody states another price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListPriceInput {
    /// The price of one unit, up to six decimals.
    pub amount: UnitPrice,
    /// Of which currency (ISO 4217).
    pub currency: Currency,
}

/// A price that is not negative.
pub(super) fn valid_price(price: ListPriceInput) -> Result<ListPrice, Rejection> {
    let ListPriceInput { amount, currency } = price;
    if amount.0.is_sign_negative() && !amount.0.is_zero() {
        let message = format!("a list price of {amount} is negative");
        return Err(Rejection::invalid("listPrice.amount", message));
    }
    Ok(ListPrice { amount, currency })
}

impl Command for SetProductListPrice {
    const FEATURE: &'static str = "products";
    const ACTION: &'static str = "set-list-price";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.product_id.0
    }

    fn needs(&self, _: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Product>(self.product_id);
    }

    fn decide(&self, _: &Context, states: &States) -> Result<Decision, Rejection> {
        not_discontinued(states, self.product_id)?;
        let price = self.list_price.map(valid_price).transpose()?;
        Ok(Decision::of(self.product_id, ProductEvent::ListPriceSet { price }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::products::publish::tests::created;
    use crate::rejection::Kind;
    use crate::scenario::{PRODUCT, fact, given};

    fn set(amount: &str) -> SetProductListPrice {
        let (amount, currency) = (amount.parse().unwrap(), "EUR".parse().unwrap());
        SetProductListPrice {
            product_id: PRODUCT,
            list_price: Some(ListPriceInput { amount, currency }),
        }
    }

    #[test]
    fn a_price_may_be_finer_than_a_cent() {
        let set = set("0.000125");
        let price = set.list_price.map(|price| valid_price(price).unwrap());
        given([created()]).when(set).then([fact(PRODUCT, ProductEvent::ListPriceSet { price })]);
    }

    #[test]
    fn a_negative_price_is_refused() {
        given([created()]).when(set("-1")).then_rejected(Kind::Invalid, "listPrice.amount");
    }

    #[test]
    fn an_unknown_product_has_no_price() {
        given([]).when(set("1")).then_rejected(Kind::NotFound, "productId");
    }
}
