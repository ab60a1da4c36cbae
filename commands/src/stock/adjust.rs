//! Adjust a stock item to what a count found.

use events::products::ProductId;
use events::stock::StockEvent;
use events::warehouses::WarehouseId;
use events::words::Quantity;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AtPlace, Opened, Place, precise};
use crate::Decision;
use crate::rejection::{Kind, Rejection, text};

/// Corrects a stock item after a count, a loss or a find.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdjustStock {
    /// The product.
    pub product_id: ProductId,
    /// The warehouse; the organization's default one by default.
    #[serde(default)]
    pub warehouse_id: Option<WarehouseId>,
    /// What the count found more (positive) or less (negative), in the product's unit.
    pub difference: Quantity,
    /// Why.
    pub reason: String,
}

impl AtPlace for AdjustStock {
    const ACTION: &'static str = "adjust";

    fn place(&self) -> Place {
        Place { product_id: self.product_id, warehouse_id: self.warehouse_id }
    }

    fn decide_there(&self, opened: Opened) -> Result<Decision, Rejection> {
        let difference = precise("difference", self.difference, &opened.unit)?;
        if difference.0.is_zero() {
            return Err(Rejection::invalid("difference", "a difference of 0 changes nothing"));
        }
        let item = opened.item;
        let left = item.on_hand + difference.0;
        let least = if item.backorder { Decimal::ZERO } else { item.reserved };
        if left < least {
            let message = format!(
                "{} would be left, but at least {least} must be: {} are promised",
                left.normalize(),
                item.reserved.normalize(),
            );
            return Err(Rejection::new(Kind::OutOfStock, message).at("difference"));
        }
        let reason = text("reason", &self.reason, 500)?;
        Ok(opened.decision.and(opened.id, StockEvent::Adjusted { difference, reason }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{PRODUCT, fact, given};
    use crate::stock::receive::tests::{created, item, opened, received};
    use crate::stock::reserve::tests::reserved;

    fn adjust(difference: &str) -> AdjustStock {
        let difference = difference.parse().unwrap();
        let reason = "count".to_owned();
        AdjustStock { product_id: PRODUCT, warehouse_id: None, difference, reason }
    }

    #[test]
    fn a_count_corrects_what_is_on_hand() {
        let difference = "-4".parse().unwrap();
        let adjusted = StockEvent::Adjusted { difference, reason: "count".to_owned() };
        let then = given([created(), opened(), received("10")]).when(adjust("-4"));
        then.then([fact(item(), adjusted)]);
    }

    #[test]
    fn what_is_promised_cannot_be_adjusted_away() {
        let stock = given([created(), opened(), received("10"), reserved("7")]);
        assert!(stock.when(adjust("-3")).0.is_ok());
        stock.when(adjust("-3.001")).then_rejected(Kind::OutOfStock, "difference");
    }

    #[test]
    fn a_difference_of_nothing_is_refused() {
        let then = given([created(), opened()]).when(adjust("0"));
        then.then_rejected(Kind::Invalid, "difference");
    }
}
