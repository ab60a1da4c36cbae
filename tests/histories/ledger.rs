//! What a history left in the log, set against what its writers were told.

use std::collections::{BTreeMap, HashMap};

use events::log::RawFact;
use harness::writer::{Note, Told, Tried, World};
use uuid::Uuid;

use super::tally::Tally;

/// Who tried, and which of their attempts.
type Name = (u32, u32);

/// Everything that was tried, and everything that is there.
struct Ledger<'a> {
    world: World,
    attempts: BTreeMap<Name, (Tried, Option<Told>)>,
    facts: &'a [RawFact],
    /// The positions of each stream's facts.
    streams: HashMap<u32, Vec<i64>>,
    ids: HashMap<Uuid, i64>,
    /// The first position of each attempt that is there, and how many facts of it are.
    places: HashMap<Name, (i64, usize)>,
}

/// Sets the notes against the log; in calm histories nothing was done to anybody.
pub(super) fn settle(
    world: World,
    notes: Vec<(u32, Note)>,
    facts: &[RawFact],
    calm: bool,
) -> Result<Tally, String> {
    let (mut ledger, mut flaws) = Ledger::open(world, notes, facts);
    flaws.extend(ledger.place());
    let mut tally = Tally::default();
    for (name, (tried, told)) in &ledger.attempts {
        let found = ledger.unfit(*name, tried, told.as_ref()).into_iter();
        let found = found.chain(told.iter().filter_map(|told| ledger.untrue(*name, tried, told)));
        let found = found.chain(told.iter().filter_map(|told| unkind(tried, told, calm)));
        flaws.extend(found.map(|flaw| format!("{flaw}: {name:?} {tried:?} was told {told:?}")));
        tally.note(told.as_ref());
    }
    if flaws.is_empty() { Ok(tally) } else { Err(flaws.join("\n")) }
}

impl<'a> Ledger<'a> {
    fn open(world: World, notes: Vec<(u32, Note)>, facts: &'a [RawFact]) -> (Self, Vec<String>) {
        let (mut attempts, mut flaws) = (BTreeMap::new(), Vec::new());
        for (writer, note) in notes {
            match note {
                Note::Tried(tried) => {
                    attempts.insert((writer, tried.number), (tried, None));
                }
                Note::Told { number, told } => {
                    let before = attempts.get_mut(&(writer, number)).map(|(_, t)| t.replace(told));
                    if before != Some(None) {
                        flaws.push(format!("answered before, or never tried: {writer} {number}"));
                    }
                }
                Note::Flaw(flaw) => flaws.push(flaw),
            }
        }
        let mut streams: HashMap<u32, Vec<i64>> = HashMap::new();
        for fact in facts {
            streams.entry(world.number(fact.stream)).or_default().push(fact.position.0);
        }
        let ids = facts.iter().map(|fact| (fact.event_id, fact.position.0)).collect();
        (Self { world, attempts, facts, streams, ids, places: HashMap::new() }, flaws)
    }

    /// Finds the place of every attempt that is there: whole, in a row, and as it was tried.
    fn place(&mut self) -> Vec<String> {
        let mut flaws = Vec::new();
        for fact in self.facts {
            let parsed = serde_json::from_slice(&fact.data).ok();
            let Some([writer, number, at, _]): Option<[u32; 4]> = parsed else {
                flaws.push(format!("nobody wrote {fact:?}"));
                continue;
            };
            let (name, at) = ((writer, number), at as usize);
            let place = self.places.entry(name).or_insert((fact.position.0, 0));
            let next = *place == (fact.position.0 - at as i64, at);
            place.1 += 1;
            let tried = self.attempts.get(&name).map(|(tried, _)| tried);
            let same = tried.filter(|tried| at < tried.facts.len()).is_some_and(|tried| {
                let wanted = self.world.fact(writer, tried, at);
                (wanted.stream, wanted.event_id) == (fact.stream, fact.event_id)
                    && (&*wanted.feature, &*wanted.fact_type) == (&fact.feature, &fact.fact_type)
                    && (&wanted.data, &wanted.meta) == (&fact.data, &fact.meta)
            });
            if !next || !same {
                flaws.push(format!("{fact:?} does not stand where or as it was tried: {tried:?}"));
            }
        }
        for (name, (_, count)) in &self.places {
            let tried = self.attempts.get(name).map_or(0, |(tried, _)| tried.facts.len());
            if *count != tried {
                flaws.push(format!("{count} of {tried} facts of {name:?} are there"));
            }
        }
        flaws
    }

    /// The version of a stream behind a position.
    fn version(&self, stream: u32, position: i64) -> i64 {
        let positions = self.streams.get(&stream).map_or(&[][..], Vec::as_slice);
        positions.partition_point(|at| *at <= position) as i64
    }

    fn is_there(&self, name: Name) -> bool {
        self.places.contains_key(&name)
    }

    fn taken(&self, key: u32, position: i64) -> bool {
        self.ids.get(&self.world.key(key)).is_some_and(|at| *at <= position)
    }

    /// What is wrong with an attempt that is in the log, or holds without facts.
    fn unfit(&self, name: Name, tried: &Tried, told: Option<&Told>) -> Vec<String> {
        let appended = match told {
            Some(Told::Appended { first, .. }) => Some(*first),
            _ => None,
        };
        let place = self.places.get(&name).map(|(first, _)| *first);
        let mut flaws = Vec::new();
        if place.is_some() && appended.is_none() && told.is_some() {
            flaws.push("it was refused, and is there".to_owned());
        }
        if appended.is_some() && place != appended && !tried.facts.is_empty() {
            flaws.push(format!("it was acknowledged, and is at {place:?}"));
        }
        let Some(first) = place.or(appended) else { return flaws };
        if first <= tried.head {
            flaws.push("it stands before what was there already".to_owned());
        }
        for &(stream, expected) in tried.expected.iter().filter(|(_, version)| *version >= 0) {
            let actual = self.version(stream, first - 1);
            if actual != expected {
                flaws.push(format!("stream {stream} was at {actual}"));
            }
        }
        if let Some(key) = tried.keys.iter().find(|key| self.taken(**key, first - 1)) {
            let taken = self.ids[&self.world.key(*key)];
            flaws.push(format!("its key was taken at {taken}"));
        }
        if let Some(on) = tried.rests_on.iter().find(|on| !self.is_there((name.0, **on))) {
            let on = self.attempts.get(&(name.0, *on));
            flaws.push(format!("what it rests on is not there ({on:?})"));
        }
        flaws
    }

    /// Whether somebody was told what is not true.
    fn untrue(&self, name: Name, tried: &Tried, told: &Told) -> Option<String> {
        let key_first = tried.keys.iter().any(|key| self.taken(*key, tried.head));
        match told {
            Told::Appended { at, .. } => {
                let (first, count) = self.places.get(&name).copied()?;
                let stored = &self.facts[first as usize - 1..][..count];
                let same = stored.iter().all(|fact| fact.recorded_at.timestamp_micros() == *at);
                (!same).then(|| "it was recorded at another time".to_owned())
            }
            Told::Conflict { .. } | Told::Unfounded if key_first => {
                Some("its key was taken already".to_owned())
            }
            Told::Conflict { stream, actual } => {
                let (least, most) =
                    (self.version(*stream, tried.head), self.version(*stream, i64::MAX));
                let unmet = |&(named, expected): &(u32, i64)| {
                    named == *stream && expected >= 0 && expected != *actual
                };
                let right = (least..=most).contains(actual) && tried.expected.iter().any(unmet);
                (!right).then(|| format!("the stream had versions {least} to {most} then"))
            }
            Told::Repeated { id, position, stream, version, at } => {
                let fact = self.facts.get(*position as usize - 1)?;
                let right = (fact.event_id, self.world.number(fact.stream)) == (*id, *stream)
                    && (fact.version, fact.recorded_at.timestamp_micros()) == (*version, *at)
                    && tried.keys.iter().any(|key| self.world.key(*key) == *id);
                (!right).then(|| format!("that is {fact:?}"))
            }
            Told::Unfounded => {
                let founded = tried.rests_on.iter().all(|on| self.is_there((name.0, *on)));
                founded.then(|| "everything that it rests on is there".to_owned())
            }
            Told::Unavailable(_) | Told::Refused(_) => None,
        }
    }
}

/// Whether somebody was refused without need.
fn unkind(tried: &Tried, told: &Told, calm: bool) -> Option<String> {
    // Nobody said that an id might be taken.
    let bare = tried.ids.iter().any(|id| !tried.keys.contains(id));
    match told {
        Told::Refused(_) if !tried.broken && !bare => Some("nothing is wrong with it".to_owned()),
        Told::Unavailable(_) if calm => Some("the database was there".to_owned()),
        Told::Appended { .. } => None,
        _ if calm && tried.locked => Some("it was decided under the lock".to_owned()),
        _ => None,
    }
}
