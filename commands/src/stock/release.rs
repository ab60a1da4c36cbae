//! Free stock that was set aside by hand.

use events::products::ProductId;
use events::stock::StockEvent;
use events::warehouses::WarehouseId;
use events::words::Quantity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AtPlace, Opened, Place, positive};
use crate::Decision;
use crate::rejection::{Rejection, text};

/// Frees stock that was set aside by hand.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseStock {
    /// The product.
    pub product_id: ProductId,
    /// The warehouse; the organization's default one by default.
    #[serde(default)]
    pub warehouse_id: Option<WarehouseId>,
    /// How many, in the product's unit.
    pub quantity: Quantity,
    /// Why.
    pub reason: String,
}

impl AtPlace for ReleaseStock {
    const ACTION: &'static str = "release";

    fn place(&self) -> Place {
        Place { product_id: self.product_id, warehouse_id: self.warehouse_id }
    }

    fn decide_there(&self, opened: Opened) -> Result<Decision, Rejection> {
        let quantity = positive("quantity", self.quantity, &opened.unit)?;
        let by_hand = opened.item.reserved_by_hand;
        if quantity.0 > by_hand {
            let message = format!(
                "{quantity} are to be freed, but only {} are set aside by hand",
                by_hand.normalize(),
            );
            return Err(Rejection::wrong_state(message).at("quantity"));
        }
        let reason = Some(text("reason", &self.reason, 500)?);
        let released = StockEvent::Released { quantity, order_id: None, reason };
        Ok(opened.decision.and(opened.id, released))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::Kind;
    use crate::scenario::{ORDER, PRODUCT, fact, given};
    use crate::stock::receive::tests::{created, item, opened, received};
    use crate::stock::reserve::tests::reserved;

    fn release(quantity: &str) -> ReleaseStock {
        let quantity = quantity.parse().unwrap();
        let reason = "over".to_owned();
        ReleaseStock { product_id: PRODUCT, warehouse_id: None, quantity, reason }
    }

    #[test]
    fn what_was_set_aside_is_free_again() {
        let quantity = "7".parse().unwrap();
        let reason = Some("over".to_owned());
        let released = StockEvent::Released { quantity, order_id: None, reason };
        let stock = given([created(), opened(), received("10"), reserved("7")]);
        stock.when(release("7")).then([fact(item(), released)]);
    }

    #[test]
    fn what_orders_reserved_cannot_be_freed_by_hand() {
        let ordered = fact(item(), crate::stock::reserved_by(ORDER, "7".parse().unwrap()));
        let stock = given([created(), opened(), received("10"), ordered]);
        stock.when(release("1")).then_rejected(Kind::WrongState, "quantity");
    }
}
