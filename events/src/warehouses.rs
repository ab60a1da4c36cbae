//! What happens to a warehouse: a place that keeps stock. Not what lies there: see `stock`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::OrganizationId;

crate::id!(
    /// A place that keeps stock.
    WarehouseId
);

impl WarehouseId {
    /// The warehouse that every organization has, whether or not anybody opened it.
    #[must_use]
    pub fn default_of(organization: OrganizationId) -> Self {
        Self(organization.derive("warehouse", &[b"default"]))
    }
}

/// Where a warehouse stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarehouseStatus {
    /// It takes goods in.
    Active,
    /// It takes none in any more; what lies there can leave.
    Closed,
}

crate::facts! {
    /// What happens to a warehouse.
    WarehouseEvent of "warehouses" with WarehouseStatus;
    /// It is there from now on, and called like this.
    Opened {
        /// The seller's code for it: unique in the organization, case-sensitive.
        code: String,
        /// Its name.
        name: String,
    } "warehouse.opened" 1 => Active;
    /// It takes no goods in any more; what lies there can leave.
    Closed {
        /// Why.
        reason: String,
    } "warehouse.closed" 1 => Closed because reason;
}
