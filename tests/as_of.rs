//! Claims about records as of a moment: each is what its facts up to then make of it, with
//! everything that stands in it, for whoever may see it now.

mod cards;
mod folding;
mod histories;
mod moments;
mod nested;

use std::collections::BTreeMap;

use events::access::Access;
use events::words::{Actor, OrganizationId, Position};
use events::{Event, Recorded};
use harness::TestApp;
use uuid::Uuid;

/// Who may read everything in an organization, as of a position.
fn access(organization: Uuid, as_of: Position) -> Access {
    let (organization, actor) = (OrganizationId(organization), Actor::Administrator);
    Access { organization, actor, as_of: Some(as_of) }
}

/// Every fact of the log, with what belongs to persons opened.
pub(crate) async fn facts(app: &TestApp) -> Vec<Recorded> {
    let raw = crate::log::everything(&app.parts.log).await;
    let mut facts: Vec<Recorded> =
        raw.iter().map(|raw| Recorded::try_from(raw).expect("a fact of ours")).collect();
    let failed = app.parts.vault.open(&mut facts).await.expect("the keys");
    assert!(failed.is_empty(), "{failed:?}");
    facts
}

/// The facts of every record that is shown, by record: its organization, feature and id.
pub(crate) fn streams(facts: &[Recorded]) -> BTreeMap<(Uuid, &'static str, Uuid), Vec<&Recorded>> {
    let mut streams: BTreeMap<_, Vec<&Recorded>> = BTreeMap::new();
    let unshown = |event: &Event| {
        matches!(event, Event::Series(_) | Event::Reservation(_) | Event::Parked(_))
    };
    for fact in facts.iter().filter(|fact| !unshown(&fact.event)) {
        let key = (fact.organization.0, fact.event.feature(), fact.stream_id);
        streams.entry(key).or_default().push(fact);
    }
    streams
}
