//! A page of the log, decoded once for everybody. What cannot be read is told apart, fact by fact.

use std::collections::{HashMap, HashSet};

use events::facts::{DecodeError, Facts};
use events::log::{LogError, RawFact, StreamKey};
use events::parked::ParkedEvent;
use events::personal::{Vault, VaultError};
use events::words::Position;
use events::{Event, Recorded};
use projections::parts::part_of_raw;
use projections::sinks::builds::Build;
use projections::sinks::sql::{Again, Poison};

use super::unit::UnitError;
use super::{Unit, features};

/// Facts of a stream that are read at once.
const STREAM_FACTS: i64 = 1_000;

/// The facts that somebody takes.
pub(crate) struct Wanted {
    features: HashSet<&'static str>,
    /// Of builds with so many parts, these parts.
    parts: Vec<(i32, HashSet<i32>)>,
}

impl Wanted {
    /// What these units take.
    pub(crate) fn by<'a>(units: impl Iterator<Item = &'a Unit> + Clone) -> Self {
        let mut parts: Vec<(i32, HashSet<i32>)> = Vec::new();
        for unit in units.clone() {
            let held = unit.held.iter().map(|held| held.part);
            match parts.iter_mut().find(|(count, _)| *count == unit.build.parts) {
                Some((_, known)) => known.extend(held),
                None => parts.push((unit.build.parts, held.collect())),
            }
        }
        Self { features: features(units), parts }
    }

    fn has(&self, fact: &RawFact) -> bool {
        let feature = fact.feature.as_str();
        // What is decided about a parked fact concerns the part of that one.
        feature == ParkedEvent::FEATURE
            || self.features.contains(feature)
                && self.parts.iter().any(|(count, held)| held.contains(&part_of_raw(fact, *count)))
    }
}

/// Facts, decoded once for everybody.
pub(crate) struct Page {
    pub(crate) facts: Vec<Recorded>,
    /// Facts that cannot be read, with their features.
    pub(crate) unreadable: Vec<(String, Poison)>,
    /// Features of which this process cannot read facts that others can, and why.
    pub(crate) blocked: HashMap<String, String>,
    /// What was decided about parked facts, and where.
    pub(crate) decided: Vec<(Position, uuid::Uuid, ParkedEvent)>,
    pub(crate) last: Position,
    /// There was no room for more.
    pub(crate) full: bool,
}

/// A fact cannot be read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Fact(#[from] DecodeError),
    #[error(transparent)]
    Personal(#[from] VaultError),
}

impl Page {
    pub(crate) async fn of(
        raw: &[RawFact],
        wanted: &Wanted,
        full: usize,
        vault: &Vault,
    ) -> Result<Self, LogError> {
        let last = raw.last().map_or(Position(0), |fact| fact.position);
        let full = raw.len() >= full;
        let own = raw.iter().filter(|fact| wanted.has(fact));
        let Decoded { mut facts, unreadable, blocked } = decode(own, vault).await?;
        let mut decided = Vec::new();
        facts.retain(|fact| match &fact.event {
            Event::Parked(event) => {
                decided.push((fact.position, fact.organization.0, event.clone()));
                false
            }
            _ => true,
        });
        Ok(Self { facts, unreadable, blocked, decided, last, full })
    }
}

/// Facts that can be read, and those that cannot, with their features.
struct Decoded {
    facts: Vec<Recorded>,
    unreadable: Vec<(String, Poison)>,
    blocked: HashMap<String, String>,
}

/// Decodes facts and opens what belongs to persons.
async fn decode<'a>(
    raw: impl Iterator<Item = &'a RawFact>,
    vault: &Vault,
) -> Result<Decoded, LogError> {
    let (mut facts, mut sources, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    let mut blocked = HashMap::new();
    let mut note = |raw: &RawFact, error: Unreadable| {
        unreadable.push((raw.feature.clone(), poison(raw, &error.to_string())));
    };
    for raw in raw {
        match Recorded::try_from(raw) {
            Ok(recorded) => {
                facts.push(recorded);
                sources.push(raw);
            }
            Err(error) => note(raw, error.into()),
        }
    }
    let mut sealed = HashSet::new();
    for (index, error) in vault.open(&mut facts).await? {
        if error.is_of_this_process() {
            blocked.insert(sources[index].feature.clone(), error.to_string());
        } else if sealed.insert(facts[index].event_id) {
            note(sources[index], error.into());
        }
    }
    if !sealed.is_empty() {
        facts.retain(|fact| !sealed.contains(&fact.event_id));
    }
    unreadable.sort_by_key(|(_, poison)| poison.position);
    Ok(Decoded { facts, unreadable, blocked })
}

fn poison(raw: &RawFact, error: &str) -> Poison {
    Poison {
        organization: raw.stream.organization,
        stream_id: raw.stream.id,
        position: raw.position,
        event_id: raw.event_id,
        fact_type: raw.fact_type.clone(),
        error: error.to_owned(),
    }
}

/// The streams of a page that a build is to try again.
pub(super) async fn decided(
    page: &Page,
    build: &Build,
    vault: &Vault,
) -> Result<Vec<Again>, UnitError> {
    let mut all: Vec<Again> = Vec::new();
    for (at, organization, event) in &page.decided {
        let about = event.about();
        if about.projection != build.name || about.version != build.version {
            continue;
        }
        let stream = StreamKey { organization: *organization, id: about.stream_id };
        let skipped = matches!(event, ParkedEvent::Skipped { .. });
        let mut again = again(stream, about.event_id, page.last, vault).await?;
        (again.decided_at, again.skipped) = (*at, skipped);
        all.push(again);
    }
    Ok(all)
}

/// A stream with a parked fact, to be tried again up to a position; not by a process that cannot
/// read what others can: it would fold what it cannot open as if it were not there.
pub(super) async fn again(
    stream: StreamKey,
    event_id: uuid::Uuid,
    until: Position,
    vault: &Vault,
) -> Result<Again, UnitError> {
    let (mut facts, mut unreadable, mut after) = (Vec::new(), Vec::new(), 0);
    loop {
        let raw = vault.log().read_stream(stream, after, STREAM_FACTS).await?;
        let Some(last) = raw.last() else { break };
        after = last.version;
        let ended = last.position > until;
        let by_then = raw.iter().filter(|fact| fact.position <= until);
        let read = decode(by_then, vault).await?;
        if let Some(reason) = read.blocked.into_values().next() {
            return Err(UnitError::Blocked(reason));
        }
        facts.extend(read.facts);
        unreadable.extend(read.unreadable.into_iter().map(|(_, poison)| poison));
        if ended {
            break;
        }
    }
    let StreamKey { organization, id: stream_id } = stream;
    let decided_at = Position(i64::MAX);
    Ok(Again { organization, stream_id, event_id, decided_at, skipped: false, facts, unreadable })
}
