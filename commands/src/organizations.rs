//! What decisions need to know of an organization.

pub mod register;

use chrono_tz::Tz;
use events::organizations::{OrganizationEvent, OrganizationStatus};
use events::words::Currency;
use serde::{Deserialize, Serialize};

use crate::state::State;

/// An organization, as decisions see it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Organization {
    /// None: it does not exist.
    pub status: Option<OrganizationStatus>,
    /// The currency of its customers, unless they state another.
    pub currency: Option<Currency>,
    /// The zone of its business days.
    pub time_zone: Tz,
}

impl State for Organization {
    type Fact = OrganizationEvent;
    const NAME: &'static str = "organization";
    const VERSION: i32 = 1;

    fn evolve(&mut self, fact: &OrganizationEvent) {
        self.status = fact.moves_to().or(self.status);
        match fact {
            OrganizationEvent::Registered { currency, time_zone, .. } => {
                self.currency = Some(*currency);
                self.time_zone = *time_zone;
            }
        }
    }
}
