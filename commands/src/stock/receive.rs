//! Receive goods.

use events::products::ProductId;
use events::stock::{StockEvent, WarehouseId};
use events::words::Quantity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AtPlace, Opened, Place, positive};
use crate::Decision;
use crate::rejection::Rejection;

/// Takes goods into stock.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiveStock {
    /// The product.
    pub product_id: ProductId,
    /// The warehouse; the organization's default one by default.
    #[serde(default)]
    pub warehouse_id: Option<WarehouseId>,
    /// How many, in the product's unit.
    pub quantity: Quantity,
}

impl AtPlace for ReceiveStock {
    const ACTION: &'static str = "receive";

    fn place(&self) -> Place {
        Place { product_id: self.product_id, warehouse_id: self.warehouse_id }
    }

    fn decide_there(&self, opened: Opened) -> Result<Decision, Rejection> {
        let quantity = positive("quantity", self.quantity, &opened.unit)?;
        Ok(opened.decision.and(opened.id, StockEvent::Received { quantity }))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use events::Event;
    use events::products::{ProductEvent, ProductUnit};
    use events::stock::StockItemId;
    use events::words::Unit;

    use uuid::Uuid;

    use super::*;
    use crate::rejection::Kind;
    use crate::scenario::{PRODUCT, fact, given, organization};

    /// A product that is sold by the kilogram.
    pub(crate) fn created() -> (Uuid, Event) {
        let unit = Some(ProductUnit { code: Unit("kg".to_owned()), precision: 3 });
        fact(PRODUCT, ProductEvent::Created { sku: "A-1".to_owned(), unit })
    }

    pub(crate) fn item() -> StockItemId {
        let warehouse = WarehouseId::default_of(organization());
        StockItemId::of(organization(), PRODUCT, warehouse, &Unit("kg".to_owned()))
    }

    pub(crate) fn opened() -> (Uuid, Event) {
        let warehouse_id = WarehouseId::default_of(organization());
        let unit = Unit("kg".to_owned());
        fact(item(), StockEvent::Opened { product_id: PRODUCT, warehouse_id, unit })
    }

    pub(crate) fn received(quantity: &str) -> (Uuid, Event) {
        fact(item(), StockEvent::Received { quantity: quantity.parse().unwrap() })
    }

    fn receive(quantity: &str) -> ReceiveStock {
        let quantity = quantity.parse().unwrap();
        ReceiveStock { product_id: PRODUCT, warehouse_id: None, quantity }
    }

    #[test]
    fn the_first_goods_open_the_item() {
        given([created()]).when(receive("2.5")).then([opened(), received("2.5")]);
        given([created(), opened()]).when(receive("2.5")).then([received("2.5")]);
    }

    #[test]
    fn nothing_and_less_are_refused() {
        for quantity in ["0", "-1"] {
            let then = given([created()]).when(receive(quantity));
            then.then_rejected(Kind::Invalid, "quantity");
        }
    }

    #[test]
    fn a_quantity_finer_than_the_unit_is_refused() {
        given([created()]).when(receive("1.0005")).then_rejected(Kind::Invalid, "quantity");
    }

    #[test]
    fn an_unknown_product_is_refused() {
        given([]).when(receive("1")).then_rejected(Kind::NotFound, "productId");
    }
}
