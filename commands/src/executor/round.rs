//! One round: commands decided one after another, each seeing what the ones before it decided,
//! grouped into components that commit or are refused whole. Pure: no log, no clock.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use events::log::{Append, Expected, NewFact, NewKey, PersonKey, StreamKey, StreamMap};
use uuid::Uuid;

use super::{ExecutorLimits, Job};
use crate::Decision;
use crate::rejection::{Kind, Rejection};
use crate::state::{Entry, States};

/// What a command came to, should its component commit.
pub(super) enum Verdict {
    /// So many facts.
    Accepted { facts: u32 },
    /// A rule forbids it.
    Rejected(Rejection),
    /// The record is at another version than the caller knows.
    Stale { expected: i64, actual: i64 },
}

/// A command that was decided in this round.
pub(super) struct Decided {
    pub(super) job: Job,
    /// The record that the command is about.
    pub(super) record: StreamKey,
    pub(super) verdict: Verdict,
    facts: Vec<NewFact>,
    new_keys: Vec<NewKey>,
    erased: Vec<PersonKey>,
    key: Option<Uuid>,
}

/// Commands that share streams, directly or through others: they commit or are refused whole.
pub(super) struct Component {
    pub(super) decided: Vec<Decided>,
    /// What the log is asked to do for all of them together.
    pub(super) append: Append,
    /// The append's ticket.
    pub(super) ticket: u64,
    /// The streams that they read or write, with the states that they left.
    pub(super) states: StreamMap<Entry>,
    /// Those that they write, and the version that each had before.
    pub(super) written: Vec<(StreamKey, i64)>,
}

/// How one stream was touched in this round.
struct Touched {
    /// The version that the round began with.
    base: i64,
    /// The state after everything decided so far.
    entry: Entry,
    written: bool,
    /// Those who read or wrote it. Once written, one of each component.
    by: Vec<usize>,
}

/// The round so far.
#[derive(Default)]
pub(super) struct Round {
    decided: Vec<Decided>,
    /// Union-find over `decided`: the parent of each.
    parents: Vec<usize>,
    streams: StreamMap<Touched>,
    keys: HashSet<Uuid>,
    facts: usize,
    bytes: usize,
    /// Whether it was decided for one command that is to be alone.
    alone: bool,
}

impl Round {
    /// The state of a stream that this round has touched.
    pub(super) fn state(&self, key: &StreamKey) -> Option<&Entry> {
        self.streams.get(key).map(|touched| &touched.entry)
    }

    /// Whether a command of this round has this idempotency key.
    pub(super) fn has_key(&self, key: Uuid) -> bool {
        self.keys.contains(&key)
    }

    /// How many commands were decided.
    pub(super) fn len(&self) -> usize {
        self.decided.len()
    }

    /// Whether one more command may be decided in it: the first always may.
    pub(super) fn has_room_for(&self, job: &Job, limits: &ExecutorLimits) -> bool {
        let small = self.len() < limits.round_commands_max
            && self.facts < limits.round_facts_max
            && self.streams.len() < limits.round_streams_max
            && self.bytes < limits.round_bytes_max;
        self.len() == 0 || (small && !self.alone && !job.alone)
    }

    /// How many facts were decided.
    pub(super) fn facts(&self) -> usize {
        self.facts
    }

    /// Decides one more command on the states that it named.
    pub(super) fn decide(&mut self, job: Job, states: States) {
        let record = job.work.record(&states);
        let version = states.entries.get(&record).map_or(0, |entry| entry.version);
        let (verdict, decision) = match job.work.expected_version() {
            Some(expected) if expected != version => {
                (Verdict::Stale { expected, actual: version }, Decision::default())
            }
            _ => match job.work.decide(&states).and_then(|decided| named(decided, &job, &states)) {
                Ok(decision) => {
                    let facts = u32::try_from(decision.facts.len()).unwrap_or(u32::MAX);
                    (Verdict::Accepted { facts }, decision)
                }
                Err(rejection) => (Verdict::Rejected(rejection), Decision::default()),
            },
        };
        let index = self.decided.len();
        self.parents.push(index);
        for (key, entry) in states.entries {
            self.read(index, key, entry);
        }
        let facts = if decision.facts.is_empty() { Vec::new() } else { job.work.encode(&decision) };
        for ((_, event), fact) in decision.facts.iter().zip(&facts) {
            self.write(index, fact.stream);
            if let Some(touched) = self.streams.get_mut(&fact.stream) {
                touched.entry.apply(event, fact.event_id);
            }
        }
        let new_keys = if facts.is_empty() { Vec::new() } else { job.work.new_keys() };
        let organization = job.work.organization().0;
        let erased = decision.erased.into_iter().map(|id| PersonKey { organization, id });
        let erased = erased.collect();
        let key = job.work.key();
        self.keys.extend(key);
        self.facts += facts.len();
        self.bytes += facts.iter().map(|fact| fact.data.len() + fact.meta.len()).sum::<usize>();
        self.alone |= job.alone;
        self.decided.push(Decided { job, record, verdict, facts, new_keys, erased, key });
    }

    fn read(&mut self, index: usize, key: StreamKey, entry: Entry) {
        let base = entry.version;
        let touched = self.streams.entry(key).or_insert_with(|| Touched {
            base,
            entry: entry.clone(),
            written: false,
            by: Vec::new(),
        });
        // Nobody knows yet what a stream without facts is going to be.
        if touched.entry.version == 0 && !touched.entry.is_like(&entry) {
            touched.entry = entry.clone();
        }
        if touched.written {
            let writer = touched.by[0];
            union(&mut self.parents, writer, index);
        } else {
            touched.by.push(index);
        }
    }

    /// Whoever read the stream before is joined too: its append must not stand behind this one.
    fn write(&mut self, index: usize, key: StreamKey) {
        let Some(touched) = self.streams.get_mut(&key) else {
            return;
        };
        touched.written = true;
        for reader in std::mem::replace(&mut touched.by, vec![index]) {
            union(&mut self.parents, reader, index);
        }
    }

    /// The components, each in order of decision.
    pub(super) fn components(mut self) -> Vec<Component> {
        let roots: Vec<usize> =
            (0..self.decided.len()).map(|index| find(&mut self.parents, index)).collect();
        let mut components: BTreeMap<usize, Component> = BTreeMap::new();
        for (root, mut decided) in roots.iter().copied().zip(self.decided) {
            let component = components.entry(root).or_insert_with(|| Component {
                decided: Vec::new(),
                append: Append::default(),
                ticket: 0,
                states: StreamMap::default(),
                written: Vec::new(),
            });
            component.append.facts.append(&mut decided.facts);
            component.append.new_keys.append(&mut decided.new_keys);
            component.append.erased.append(&mut decided.erased);
            component.append.keys.extend(decided.key);
            component.decided.push(decided);
        }
        for (key, touched) in self.streams {
            let readers = touched.by.iter().map(|&index| roots[index]);
            for root in readers.collect::<BTreeSet<_>>() {
                let Some(component) = components.get_mut(&root) else {
                    continue;
                };
                component.append.expected.push((key, Expected::Exact(touched.base)));
                let ticket = touched.entry.ticket;
                if ticket != 0 && !component.append.rests_on.contains(&ticket) {
                    component.append.rests_on.push(ticket);
                }
                component.written.extend(touched.written.then_some((key, touched.base)));
                component.states.insert(key, touched.entry.clone());
            }
        }
        components.into_values().collect()
    }
}

/// The decision, if it writes only to streams that the command named, so that the log checks that
/// they are as the decision saw them; and not to another feature's.
fn named(decision: Decision, job: &Job, states: &States) -> Result<Decision, Rejection> {
    let organization = job.work.organization().0;
    for (id, event) in &decision.facts {
        let (key, feature) = (StreamKey { organization, id: *id }, event.feature());
        if states.is_absent(key, feature) {
            let message = format!("the id {id} belongs to a record that is not of {feature}");
            return Err(Rejection::new(Kind::Taken, message));
        }
        if !states.entries.contains_key(&key) {
            let message = format!("the command did not name {feature} {id}");
            return Err(Rejection::new(Kind::Unnamed, message));
        }
    }
    Ok(decision)
}

/// The representative of a component (path halving).
fn find(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}

/// Joins two components; the one decided first represents both.
fn union(parents: &mut [usize], a: usize, b: usize) {
    let (a, b) = (find(parents, a), find(parents, b));
    parents[a.max(b)] = a.min(b);
}

#[cfg(test)]
pub(super) mod tests;
