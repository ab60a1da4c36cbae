//! Who has a thing of which there may be only one. Claimed in the same append as what needs it.

use events::reservations::{ReservationEvent, ReservationId};
use events::words::OrganizationId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Decision;
use crate::rejection::{Kind, Rejection};
use crate::state::{Needs, State, States};

/// Whether a thing is taken.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Reservation {
    holder: Option<Uuid>,
}

impl State for Reservation {
    type Fact = ReservationEvent;
    const NAME: &'static str = "reservation";
    const VERSION: i32 = 1;

    fn evolve(&mut self, fact: &ReservationEvent) {
        match fact {
            ReservationEvent::Claimed { holder, .. } => self.holder = Some(*holder),
        }
    }
}

/// A thing that a command wants to claim: `sku` `A-1`; `order_number` `web/17`.
pub(crate) struct Claim<'a> {
    pub(crate) kind: &'static str,
    pub(crate) parts: &'a [&'a str],
    pub(crate) field: &'static str,
}

impl Claim<'_> {
    fn id(&self, organization: OrganizationId) -> ReservationId {
        ReservationId::of(organization, self.kind, self.parts)
    }

    pub(crate) fn needs(&self, organization: OrganizationId, needs: &mut Needs) {
        needs.begin::<Reservation>(self.id(organization));
    }

    /// Claims it for a record.
    pub(crate) fn claim(
        &self,
        organization: OrganizationId,
        states: &States,
        holder: impl Into<Uuid>,
        decision: &mut Decision,
    ) -> Result<(), Rejection> {
        let id = self.id(organization);
        let value = self.parts.join("/");
        if states.get::<Reservation>(id)?.holder.is_some() {
            let message = format!("`{value}` is taken; it must be unique in the organization");
            return Err(Rejection::new(Kind::Taken, message).at(self.field));
        }
        let kind = self.kind.to_owned();
        decision.push(id, ReservationEvent::Claimed { kind, value, holder: holder.into() });
        Ok(())
    }
}
