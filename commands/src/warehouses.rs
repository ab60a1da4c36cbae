//! What decisions need to know of a warehouse.

pub mod close;
pub mod open;

use events::warehouses::{WarehouseEvent, WarehouseId, WarehouseStatus};
use events::words::OrganizationId;
use serde::{Deserialize, Serialize};

use crate::rejection::{Kind, Rejection};
use crate::state::{State, States};

/// A warehouse, as decisions see it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Warehouse {
    /// None: nobody has opened it.
    pub status: Option<WarehouseStatus>,
    /// The seller's code for it.
    pub code: String,
}

impl State for Warehouse {
    type Fact = WarehouseEvent;
    const NAME: &'static str = "warehouse";
    const VERSION: i32 = 1;

    fn evolve(&mut self, fact: &WarehouseEvent) {
        self.status = fact.moves_to().or(self.status);
        if let WarehouseEvent::Opened { code, .. } = fact {
            self.code.clone_from(code);
        }
    }

    fn heap_bytes(&self) -> usize {
        self.code.len()
    }
}

/// Whether goods may come into a warehouse. The organization's default one takes them in even if
/// nobody has opened it: until somebody opens another, there is no need to speak of warehouses.
pub(crate) fn takes_in(
    states: &States,
    organization: OrganizationId,
    id: WarehouseId,
) -> Result<(), Rejection> {
    let warehouse = states.get::<Warehouse>(id)?;
    match warehouse.status {
        Some(WarehouseStatus::Active) => Ok(()),
        None if id == WarehouseId::default_of(organization) => Ok(()),
        None => Err(unknown(id)),
        Some(WarehouseStatus::Closed) => {
            let message = format!(
                "the warehouse `{}` is closed: take the goods into another, by its warehouseId",
                warehouse.code,
            );
            Err(Rejection::wrong_state(message).at("warehouseId"))
        }
    }
}

fn unknown(id: WarehouseId) -> Rejection {
    let message = format!("there is no warehouse {id}; it has to be opened first");
    Rejection::new(Kind::NotFound, message).at("warehouseId")
}
