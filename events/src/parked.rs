//! What is decided about facts that a read model could not take in. Not which they are: that the
//! read models' workers note.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::words::OrganizationId;

crate::id!(
    /// A fact that a read model could not take in.
    ParkedId
);

/// Which fact, and which read model could not take it in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ParkedFact {
    /// The read model.
    pub projection: String,
    /// The version of its fold.
    pub version: i32,
    /// The fact's stream.
    pub stream_id: Uuid,
    /// The fact.
    pub event_id: Uuid,
}

impl ParkedId {
    /// What is decided about this fact stands in one stream.
    #[must_use]
    pub fn of(organization: OrganizationId, fact: &ParkedFact) -> Self {
        let ParkedFact { projection, version, stream_id, event_id } = fact;
        let version = version.to_be_bytes();
        let parts: [&[u8]; 4] =
            [projection.as_bytes(), &version, stream_id.as_bytes(), event_id.as_bytes()];
        Self(organization.derive("parked", &parts))
    }
}

crate::facts! {
    /// What is decided about facts that a read model could not take in.
    ParkedEvent of "parked";
    /// The read model is to try again.
    Retried {
        /// Which fact.
        about: ParkedFact,
    } "parked.retried" 1;
    /// The read model goes on without the fact.
    Skipped {
        /// Which fact.
        about: ParkedFact,
        /// Why it can do without.
        reason: String,
    } "parked.skipped" 1;
}

impl ParkedEvent {
    /// Which fact it is about.
    #[must_use]
    pub fn about(&self) -> &ParkedFact {
        match self {
            Self::Retried { about } | Self::Skipped { about, .. } => about,
        }
    }
}
