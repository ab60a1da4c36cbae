//! What decisions need to know of a fact that a read model could not take in: whether it is
//! skipped. Not whether it is parked at all: no decision asks a read model.

pub mod retry;
pub mod skip;

use events::parked::{ParkedEvent, ParkedFact, ParkedId};
use events::words::OrganizationId;
use serde::{Deserialize, Serialize};

use crate::rejection::{Rejection, text};
use crate::state::{State, States};

/// A fact that a read model could not take in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Parked {
    skipped: bool,
}

impl State for Parked {
    type Fact = ParkedEvent;
    const NAME: &'static str = "parked";
    const VERSION: i32 = 1;

    fn evolve(&mut self, fact: &ParkedEvent) {
        match fact {
            ParkedEvent::Retried { .. } => {}
            ParkedEvent::Skipped { .. } => self.skipped = true,
        }
    }
}

/// The fact that a command is about, if it is one that nobody has skipped.
fn open(
    organization: OrganizationId,
    fact: &ParkedFact,
    states: &States,
) -> Result<ParkedId, Rejection> {
    let id = ParkedId::of(organization, fact);
    text("projection", &fact.projection, 100)?;
    if states.get::<Parked>(id)?.skipped {
        let ParkedFact { projection, event_id, .. } = fact;
        let message = format!("the read model `{projection}` goes on without {event_id} already");
        return Err(Rejection::wrong_state(message));
    }
    Ok(id)
}
