//! What happens to a thing of which there may be only one in an organization: a SKU, an order
//! number. Which things those are is the features' business.

use uuid::Uuid;

use crate::words::OrganizationId;

crate::id!(
    /// A reserved thing: its id derives from what it is, so two claims of it meet in one stream.
    ReservationId
);

impl ReservationId {
    /// The reservation of a thing, such as `("sku", &["A-1"])`. Case-sensitive.
    #[must_use]
    pub fn of(organization: OrganizationId, kind: &str, parts: &[&str]) -> Self {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        Self(organization.derive(kind, &parts))
    }
}

crate::facts! {
    /// What happens to a reservation.
    ReservationEvent of "reservations";
    /// Somebody has it now.
    Claimed {
        /// What kind of thing, such as `sku`, `order_number` or `warehouse_code`.
        kind: String,
        /// The thing, readable.
        value: String,
        /// The record that has it.
        holder: Uuid,
    } "reservation.claimed" 1;
}
