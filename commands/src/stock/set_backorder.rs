//! Allow or forbid backorders of a stock item.

use events::products::ProductId;
use events::stock::StockEvent;
use events::warehouses::WarehouseId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AtPlace, Opened, Place};
use crate::Decision;
use crate::rejection::Rejection;

/// Says whether more of a stock item may be promised than is there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetStockBackorder {
    /// The product.
    pub product_id: ProductId,
    /// The warehouse; the organization's default one by default.
    #[serde(default)]
    pub warehouse_id: Option<WarehouseId>,
    /// Whether it may.
    pub allowed: bool,
}

impl AtPlace for SetStockBackorder {
    const ACTION: &'static str = "set-backorder";

    fn place(&self) -> Place {
        Place { product_id: self.product_id, warehouse_id: self.warehouse_id }
    }

    fn decide_there(&self, opened: Opened) -> Result<Decision, Rejection> {
        let item = opened.item;
        if !self.allowed && item.reserved > item.on_hand {
            let missing = (item.reserved - item.on_hand).normalize();
            let message = format!("{missing} more are promised than are there; receive them first");
            return Err(Rejection::wrong_state(message));
        }
        let set = StockEvent::BackorderSet { allowed: self.allowed };
        Ok(opened.decision.and(opened.id, set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::Kind;
    use crate::scenario::{PRODUCT, fact, given};
    use crate::stock::receive::tests::{created, item, opened};
    use crate::stock::reserve::tests::reserved;

    fn set(allowed: bool) -> SetStockBackorder {
        SetStockBackorder { product_id: PRODUCT, warehouse_id: None, allowed }
    }

    #[test]
    fn backorders_can_be_allowed_before_anything_came_in() {
        let set_fact = fact(item(), StockEvent::BackorderSet { allowed: true });
        given([created()]).when(set(true)).then([opened(), set_fact]);
    }

    #[test]
    fn backorders_stay_allowed_while_some_are_open() {
        let allowed = fact(item(), StockEvent::BackorderSet { allowed: true });
        let stock = given([created(), opened(), allowed, reserved("3")]);
        stock.when(set(false)).then_rejected(Kind::WrongState, None);
    }
}
