//! Who may do what: permissions and the boundary of a query. Not who somebody is: that is
//! sign-in, in the gateway.

use crate::words::{Actor, OrganizationId, Position};

/// Something that somebody may or may not do: an action of a feature. Every command is an action;
/// the constants below are those that no command is named for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permission {
    /// The feature's word.
    pub feature: &'static str,
    /// What one does with it.
    pub action: &'static str,
}

/// Reading a feature's records.
#[must_use]
pub const fn read(feature: &'static str) -> Permission {
    Permission { feature, action: "read" }
}

/// Stating a price other than the list price.
pub const ORDERS_PRICE: Permission = Permission { feature: "orders", action: "price" };

/// Crediting at a price other than the list price.
pub const CREDIT_NOTES_PRICE: Permission = Permission { feature: "credit_notes", action: "price" };

/// Placing an order beyond the customer's credit limit, with a reason.
pub const ORDERS_EXCEED_CREDIT: Permission =
    Permission { feature: "orders", action: "exceed-credit" };

/// Watching how the program itself is.
pub const SYSTEM_READ: Permission = read("system");

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.feature, self.action)
    }
}

/// Whose records an action reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every record of the organization.
    Organization,
}

impl Actor {
    /// How far this actor's permission reaches; none: it may not.
    #[must_use]
    pub fn level(self, _permission: Permission) -> Option<Level> {
        match self {
            Self::Administrator => Some(Level::Organization),
        }
    }

    /// Whether this actor may do it at all.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self.level(permission).is_some()
    }
}

/// On whose behalf a query runs, in which organization, and as of when. No query can be made
/// without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// The boundary: nothing outside it is ever seen.
    pub organization: OrganizationId,
    /// Who asks.
    pub actor: Actor,
    /// What was recorded up to here is seen, and nothing later. None: what is there now.
    pub as_of: Option<Position>,
}
