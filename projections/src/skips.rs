//! Facts that somebody decided to go on without, where they cannot be taken in: every fold honours
//! that. It is decided in the log, so whoever folds afresh reads it there first.

use std::collections::HashSet;
use std::sync::Arc;

use events::Event;
use events::parked::{ParkedEvent, ParkedFact};
use uuid::Uuid;

/// What is skipped; clones are cheap.
#[derive(Debug, Clone, Default)]
pub struct Skips(Arc<HashSet<ParkedFact>>);

impl Skips {
    /// Takes in what was decided.
    pub fn take(&mut self, event: &Event) {
        if let Event::Parked(ParkedEvent::Skipped { about, .. }) = event {
            Arc::make_mut(&mut self.0).insert(about.clone());
        }
    }

    /// The facts that this version of a projection goes on without, if need be.
    #[must_use]
    pub fn of(&self, projection: &str, version: i32) -> HashSet<Uuid> {
        let own = |fact: &&ParkedFact| fact.projection == projection && fact.version == version;
        self.0.iter().filter(own).map(|fact| fact.event_id).collect()
    }
}
