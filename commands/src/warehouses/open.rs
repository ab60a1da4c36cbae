//! Open a warehouse.

use events::warehouses::{WarehouseEvent, WarehouseId, WarehouseStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::{Uuid, Version};

use super::Warehouse;
use crate::rejection::{Rejection, text};
use crate::reservations::Claim;
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Opens a warehouse: it takes goods in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenWarehouse {
    /// Your code for it: unique in the organization, case-sensitive.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Which one, if it has kept stock before: the organization's default warehouse, which every
    /// organization has, gets its code and its name so. A new one by default.
    #[serde(default)]
    pub warehouse_id: Option<WarehouseId>,
}

/// The most characters of a warehouse's code.
const CODE_CHARACTERS_MAX: usize = 40;
/// The most characters of a warehouse's name.
const NAME_CHARACTERS_MAX: usize = 200;

impl OpenWarehouse {
    fn id(&self, context: &Context) -> WarehouseId {
        self.warehouse_id.unwrap_or(WarehouseId(context.id))
    }

    fn with_claim<T>(&self, then: impl FnOnce(Claim<'_>) -> T) -> T {
        then(Claim { kind: "warehouse_code", parts: &[self.code.trim()], field: "code" })
    }
}

impl Command for OpenWarehouse {
    const FEATURE: &'static str = "warehouses";
    const ACTION: &'static str = "open";

    fn record(&self, context: &Context, _: &States) -> Uuid {
        self.id(context).0
    }

    fn needs(&self, context: &Context, _: &States, needs: &mut Needs) {
        match self.warehouse_id {
            Some(stated) => needs.name::<Warehouse>(stated),
            None => needs.begin::<Warehouse>(self.id(context)),
        }
        self.with_claim(|claim| claim.needs(context.organization, needs));
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        let id = self.id(context);
        let derived = id.0.get_version() == Some(Version::Sha1);
        if derived && id != WarehouseId::default_of(context.organization) {
            // Such an id says what the record is: a claim of a SKU, a customer's credit.
            let message = format!("{id} is not the id of a warehouse; leave it out for a new one");
            return Err(Rejection::invalid("warehouseId", message));
        }
        match states.get::<Warehouse>(id)?.status {
            None => {}
            Some(WarehouseStatus::Active) => {
                return Err(Rejection::wrong_state("the warehouse is open already"));
            }
            Some(WarehouseStatus::Closed) => {
                return Err(Rejection::wrong_state("the warehouse is closed, for good"));
            }
        }
        let code = text("code", &self.code, CODE_CHARACTERS_MAX)?;
        let name = text("name", &self.name, NAME_CHARACTERS_MAX)?;
        let mut decision = Decision::of(id, WarehouseEvent::Opened { code, name });
        self.with_claim(|claim| claim.claim(context.organization, states, id, &mut decision))?;
        Ok(decision)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use events::Event;
    use events::reservations::{ReservationEvent, ReservationId};

    use super::*;
    use crate::rejection::Kind;
    use crate::scenario::{FRESH, fact, given, organization};

    pub(crate) const WAREHOUSE: WarehouseId = WarehouseId(FRESH);

    pub(crate) fn opened(id: WarehouseId) -> (Uuid, Event) {
        let (code, name) = ("W-2".to_owned(), "Basel".to_owned());
        fact(id, WarehouseEvent::Opened { code, name })
    }

    fn open() -> OpenWarehouse {
        OpenWarehouse { code: " W-2 ".to_owned(), name: "Basel".to_owned(), warehouse_id: None }
    }

    fn claimed(holder: WarehouseId) -> (Uuid, Event) {
        let id = ReservationId::of(organization(), "warehouse_code", &["W-2"]);
        let (kind, value) = ("warehouse_code".to_owned(), "W-2".to_owned());
        fact(id, ReservationEvent::Claimed { kind, value, holder: holder.0 })
    }

    #[test]
    fn a_warehouse_is_opened_under_a_code_and_a_name() {
        given([]).when(open()).then([opened(WAREHOUSE), claimed(WAREHOUSE)]);
    }

    #[test]
    fn a_code_belongs_to_one_warehouse() {
        given([claimed(WAREHOUSE)]).when(open()).then_rejected(Kind::Taken, "code");
        let lower = OpenWarehouse { code: "w-2".to_owned(), ..open() };
        assert!(given([claimed(WAREHOUSE)]).when(lower).0.is_ok(), "codes are case-sensitive");
    }

    #[test]
    fn the_default_warehouse_and_one_that_kept_stock_before_are_opened_once() {
        let default = WarehouseId::default_of(organization());
        let before = WarehouseId(Uuid::from_u128(0xa1));
        for id in [default, before] {
            let stated = OpenWarehouse { warehouse_id: Some(id), ..open() };
            given([]).when(stated.clone()).then([opened(id), claimed(id)]);
            given([opened(id)]).when(stated).then_rejected(Kind::WrongState, None);
        }
    }

    #[test]
    fn an_id_that_says_what_else_the_record_is_is_no_warehouses() {
        let other = organization().derive("sku", &[b"A-1"]);
        let derived = OpenWarehouse { warehouse_id: Some(WarehouseId(other)), ..open() };
        given([]).when(derived).then_rejected(Kind::Invalid, "warehouseId");
    }

    #[test]
    fn a_code_and_a_name_are_neither_empty_nor_too_long() {
        for text in [" ", &"x".repeat(201)] {
            let code = OpenWarehouse { code: text.to_owned(), ..open() };
            given([]).when(code).then_rejected(Kind::Invalid, "code");
            let name = OpenWarehouse { name: text.to_owned(), ..open() };
            given([]).when(name).then_rejected(Kind::Invalid, "name");
        }
    }
}
