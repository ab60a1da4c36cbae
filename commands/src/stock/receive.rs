//! Receive goods.

use events::products::ProductId;
use events::stock::StockEvent;
use events::warehouses::WarehouseId;
use events::words::Quantity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Place, positive};
use crate::rejection::Rejection;
use crate::state::{Needs, States};
use crate::warehouses::{self, Warehouse};
use crate::{Command, Context, Decision};

/// Takes goods into stock: into a warehouse that is open, or the organization's default one.
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

impl ReceiveStock {
    fn place(&self) -> Place {
        Place { product_id: self.product_id, warehouse_id: self.warehouse_id }
    }
}

impl Command for ReceiveStock {
    const FEATURE: &'static str = "stock";
    const ACTION: &'static str = "receive";

    fn record(&self, context: &Context, states: &States) -> Uuid {
        self.place().record(context, states)
    }

    /// The warehouse too: closing it and receiving there cannot both rest on what was before.
    fn needs(&self, context: &Context, known: &States, needs: &mut Needs) {
        let place = self.place();
        place.needs(context, known, needs);
        needs.name::<Warehouse>(place.warehouse(context.organization));
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        let place = self.place();
        let opened = place.open(context, states)?;
        let organization = context.organization;
        warehouses::takes_in(states, organization, place.warehouse(organization))?;
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
    use crate::warehouses::close::tests::closed;
    use crate::warehouses::open::tests::{WAREHOUSE, opened as warehouse_opened};

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
    fn a_warehouse_has_to_be_opened_unless_it_is_the_default_one() {
        let there = ReceiveStock { warehouse_id: Some(WAREHOUSE), ..receive("1") };
        let unit = Unit("kg".to_owned());
        let item = StockItemId::of(organization(), PRODUCT, WAREHOUSE, &unit);
        let begun = StockEvent::Opened { product_id: PRODUCT, warehouse_id: WAREHOUSE, unit };
        let received = StockEvent::Received { quantity: "1".parse().unwrap() };
        let facts = [created(), warehouse_opened(WAREHOUSE)];
        given(facts).when(there.clone()).then([fact(item, begun), fact(item, received)]);
        given([created()]).when(there).then_rejected(Kind::NotFound, "warehouseId");
    }

    #[test]
    fn a_closed_warehouse_takes_nothing_in_though_it_be_the_default_one() {
        let default = WarehouseId::default_of(organization());
        for (id, stated) in
            [(WAREHOUSE, Some(WAREHOUSE)), (default, Some(default)), (default, None)]
        {
            let facts = [created(), opened(), warehouse_opened(id), closed(id)];
            let there = ReceiveStock { warehouse_id: stated, ..receive("1") };
            let then = given(facts).when(there);
            let message = then.0.as_ref().unwrap_err().message.clone();
            assert!(message.contains("`W-2` is closed"), "{message}");
            then.then_rejected(Kind::WrongState, "warehouseId");
        }
    }

    #[test]
    fn an_unknown_product_is_refused() {
        given([]).when(receive("1")).then_rejected(Kind::NotFound, "productId");
    }
}
