//! Let a read model try a parked fact again.

use events::parked::{ParkedEvent, ParkedFact, ParkedId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Parked, open};
use crate::rejection::Rejection;
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Lets a read model try again to take in a fact that it could not.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryParked {
    /// The read model, as `projections parked` names it.
    pub projection: String,
    /// The version of its fold.
    pub version: i32,
    /// The stream of the fact.
    pub stream_id: Uuid,
    /// The fact.
    pub event_id: Uuid,
}

impl RetryParked {
    fn about(&self) -> ParkedFact {
        ParkedFact {
            projection: self.projection.clone(),
            version: self.version,
            stream_id: self.stream_id,
            event_id: self.event_id,
        }
    }
}

impl Command for RetryParked {
    const FEATURE: &'static str = "parked";
    const ACTION: &'static str = "retry";

    fn record(&self, context: &Context, _: &States) -> Uuid {
        ParkedId::of(context.organization, &self.about()).0
    }

    fn needs(&self, context: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Parked>(ParkedId::of(context.organization, &self.about()));
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        let id = open(context.organization, &self.about(), states)?;
        Ok(Decision::of(id, ParkedEvent::Retried { about: self.about() }))
    }
}
