//! Close a warehouse.

use events::warehouses::{WarehouseEvent, WarehouseId, WarehouseStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Warehouse, unknown};
use crate::rejection::{Rejection, text};
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Closes a warehouse, for good: it takes no goods in any more. What lies there can still be
/// counted, ordered and promised: it has to leave.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloseWarehouse {
    /// The warehouse. The organization's default one has to be opened first, so that it has a code
    /// and a name.
    pub warehouse_id: WarehouseId,
    /// Why.
    pub reason: String,
}

impl Command for CloseWarehouse {
    const FEATURE: &'static str = "warehouses";
    const ACTION: &'static str = "close";

    fn record(&self, _: &Context, _: &States) -> Uuid {
        self.warehouse_id.0
    }

    fn needs(&self, _: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Warehouse>(self.warehouse_id);
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        let id = self.warehouse_id;
        match states.get::<Warehouse>(id)?.status {
            Some(WarehouseStatus::Active) => {
                let reason = text("reason", &self.reason, 500)?;
                Ok(Decision::of(id, WarehouseEvent::Closed { reason }))
            }
            Some(WarehouseStatus::Closed) => {
                Err(Rejection::wrong_state("the warehouse is closed already"))
            }
            None if id == WarehouseId::default_of(context.organization) => {
                let message = "nobody has opened the default warehouse: open it, then close it";
                Err(Rejection::wrong_state(message).at("warehouseId"))
            }
            None => Err(unknown(id)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use events::Event;

    use super::*;
    use crate::rejection::Kind;
    use crate::scenario::{fact, given, organization};
    use crate::warehouses::open::tests::{WAREHOUSE, opened};

    pub(crate) fn closed(id: WarehouseId) -> (Uuid, Event) {
        fact(id, WarehouseEvent::Closed { reason: "sold".to_owned() })
    }

    fn close(warehouse_id: WarehouseId) -> CloseWarehouse {
        CloseWarehouse { warehouse_id, reason: "sold".to_owned() }
    }

    #[test]
    fn a_warehouse_is_closed_once() {
        given([opened(WAREHOUSE)]).when(close(WAREHOUSE)).then([closed(WAREHOUSE)]);
        let again = given([opened(WAREHOUSE), closed(WAREHOUSE)]).when(close(WAREHOUSE));
        again.then_rejected(Kind::WrongState, None);
    }

    #[test]
    fn the_default_warehouse_is_closed_once_it_was_opened() {
        let id = WarehouseId::default_of(organization());
        given([]).when(close(id)).then_rejected(Kind::WrongState, "warehouseId");
        given([opened(id)]).when(close(id)).then([closed(id)]);
    }

    #[test]
    fn an_unknown_warehouse_is_not_closed() {
        given([]).when(close(WAREHOUSE)).then_rejected(Kind::NotFound, "warehouseId");
    }

    #[test]
    fn a_reason_has_to_be_given() {
        let silent = CloseWarehouse { reason: " ".to_owned(), ..close(WAREHOUSE) };
        given([opened(WAREHOUSE)]).when(silent).then_rejected(Kind::Invalid, "reason");
    }
}
