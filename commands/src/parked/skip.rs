//! Let a read model go on without a parked fact.

use events::parked::{ParkedEvent, ParkedFact, ParkedId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Parked, open};
use crate::rejection::{Rejection, text};
use crate::state::{Needs, States};
use crate::{Command, Context, Decision};

/// Lets a read model go on without a fact that it could not take in, now and whenever it is folded
/// again in this version.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SkipParked {
    /// The read model, as `projections parked` names it.
    pub projection: String,
    /// The version of its fold.
    pub version: i32,
    /// The stream of the fact.
    pub stream_id: Uuid,
    /// The fact.
    pub event_id: Uuid,
    /// Why it can do without.
    pub reason: String,
}

impl SkipParked {
    fn about(&self) -> ParkedFact {
        ParkedFact {
            projection: self.projection.clone(),
            version: self.version,
            stream_id: self.stream_id,
            event_id: self.event_id,
        }
    }
}

impl Command for SkipParked {
    const FEATURE: &'static str = "parked";
    const ACTION: &'static str = "skip";

    fn record(&self, context: &Context, _: &States) -> Uuid {
        ParkedId::of(context.organization, &self.about()).0
    }

    fn needs(&self, context: &Context, _: &States, needs: &mut Needs) {
        needs.name::<Parked>(ParkedId::of(context.organization, &self.about()));
    }

    fn decide(&self, context: &Context, states: &States) -> Result<Decision, Rejection> {
        let id = open(context.organization, &self.about(), states)?;
        let reason = text("reason", &self.reason, 500)?;
        Ok(Decision::of(id, ParkedEvent::Skipped { about: self.about(), reason }))
    }
}

#[cfg(test)]
mod tests {
    use events::Event;

    use super::super::retry::RetryParked;
    use super::*;
    use crate::rejection::Kind;
    use crate::scenario::{fact, given, organization};

    fn skip() -> SkipParked {
        SkipParked {
            projection: "orders".to_owned(),
            version: 2,
            stream_id: Uuid::from_u128(9),
            event_id: Uuid::from_u128(7),
            reason: "a test wrote it".to_owned(),
        }
    }

    fn retry() -> RetryParked {
        let SkipParked { projection, version, stream_id, event_id, .. } = skip();
        RetryParked { projection, version, stream_id, event_id }
    }

    fn skipped() -> (Uuid, Event) {
        let (about, reason) = (skip().about(), "a test wrote it".to_owned());
        fact(ParkedId::of(organization(), &about), ParkedEvent::Skipped { about, reason })
    }

    #[test]
    fn a_fact_is_skipped_with_a_reason() {
        given([]).when(skip()).then([skipped()]);
        let without = SkipParked { reason: "  ".to_owned(), ..skip() };
        given([]).when(without).then_rejected(Kind::Invalid, "reason");
    }

    #[test]
    fn what_is_skipped_is_neither_skipped_nor_tried_again() {
        given([skipped()]).when(skip()).then_rejected(Kind::WrongState, None);
        given([skipped()]).when(retry()).then_rejected(Kind::WrongState, None);
    }

    #[test]
    fn a_fact_is_tried_as_often_as_one_likes() {
        let about = skip().about();
        let id = ParkedId::of(organization(), &about);
        let retried = fact(id, ParkedEvent::Retried { about });
        given([retried.clone()]).when(retry()).then([retried]);
    }

    #[test]
    fn a_read_model_has_a_name() {
        let nameless = SkipParked { projection: String::new(), ..skip() };
        given([]).when(nameless).then_rejected(Kind::Invalid, "projection");
    }
}
