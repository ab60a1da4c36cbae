//! Set stock aside by hand.

use events::products::ProductId;
use events::stock::StockEvent;
use events::warehouses::WarehouseId;
use events::words::Quantity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AtPlace, Opened, Place, positive};
use crate::Decision;
use crate::rejection::{Rejection, text};

/// Sets stock aside by hand: it is not promised to anybody else.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReserveStock {
    /// The product.
    pub product_id: ProductId,
    /// The warehouse; the organization's default one by default.
    #[serde(default)]
    pub warehouse_id: Option<WarehouseId>,
    /// How many, in the product's unit.
    pub quantity: Quantity,
    /// For what.
    pub reason: String,
}

impl AtPlace for ReserveStock {
    const ACTION: &'static str = "reserve";

    fn place(&self) -> Place {
        Place { product_id: self.product_id, warehouse_id: self.warehouse_id }
    }

    fn decide_there(&self, opened: Opened) -> Result<Decision, Rejection> {
        let quantity = positive("quantity", self.quantity, &opened.unit)?;
        opened.item.check(quantity, "the item", "quantity")?;
        let reason = Some(text("reason", &self.reason, 500)?);
        let reserved = StockEvent::Reserved { quantity, order_id: None, reason };
        Ok(opened.decision.and(opened.id, reserved))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use events::Event;

    use uuid::Uuid;

    use super::*;
    use crate::rejection::Kind;
    use crate::scenario::{PRODUCT, fact, given};
    use crate::stock::receive::tests::{created, item, opened, received};

    pub(crate) fn reserved(quantity: &str) -> (Uuid, Event) {
        let quantity = quantity.parse().unwrap();
        let reason = Some("fair".to_owned());
        fact(item(), StockEvent::Reserved { quantity, order_id: None, reason })
    }

    fn reserve(quantity: &str) -> ReserveStock {
        let quantity = quantity.parse().unwrap();
        let reason = "fair".to_owned();
        ReserveStock { product_id: PRODUCT, warehouse_id: None, quantity, reason }
    }

    #[test]
    fn what_is_there_can_be_set_aside() {
        let stock = given([created(), opened(), received("10")]);
        stock.when(reserve("10")).then([reserved("10")]);
    }

    #[test]
    fn what_is_promised_cannot_be_promised_again() {
        let stock = given([created(), opened(), received("10"), reserved("7")]);
        stock.when(reserve("3.001")).then_rejected(Kind::OutOfStock, "quantity");
    }

    #[test]
    fn with_backorders_more_than_is_there_can_be_set_aside() {
        let allowed = fact(item(), StockEvent::BackorderSet { allowed: true });
        let stock = given([created(), opened(), allowed]);
        stock.when(reserve("3")).then([reserved("3")]);
    }
}
