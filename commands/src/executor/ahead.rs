//! What the rounds in flight will leave in the streams that they write, should they commit. Not
//! whether they do: the log says so.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use events::log::StreamKey;

use super::round::Component;
use crate::state::Entry;

/// States that were decided and are not committed yet.
#[derive(Default)]
pub(super) struct Ahead {
    states: HashMap<StreamKey, Entry>,
    /// What each component in flight rests on, by ticket: in the order of deciding.
    rests_on: BTreeMap<u64, Vec<u64>>,
}

impl Ahead {
    /// The state that the last round to write the stream will leave.
    pub(super) fn get(&self, key: &StreamKey) -> Option<&Entry> {
        self.states.get(key)
    }

    /// A component sets out: later rounds are decided on what it leaves.
    pub(super) fn push(&mut self, component: &mut Component, ticket: u64) {
        component.ticket = ticket;
        component.append.ticket = ticket;
        self.rests_on.insert(ticket, component.append.rests_on.clone());
        for key in &component.written {
            if let Some(entry) = component.states.get_mut(key) {
                entry.ticket = ticket;
                self.states.insert(*key, entry.clone());
            }
        }
    }

    /// A component came back accepted: what it left is committed, and so in the cache.
    pub(super) fn accept(&mut self, component: &Component) {
        self.rests_on.remove(&component.ticket);
        for key in &component.written {
            if self.states.get(key).is_some_and(|entry| entry.ticket == component.ticket) {
                self.states.remove(key);
            }
        }
    }

    /// Components came back refused: nothing is decided any more on what they would have left, nor
    /// on what rests on that and is going to be refused too.
    pub(super) fn refuse(&mut self, mut refused: BTreeSet<u64>) {
        for ticket in &refused {
            self.rests_on.remove(ticket);
        }
        for (ticket, rests_on) in &self.rests_on {
            if rests_on.iter().any(|ticket| refused.contains(ticket)) {
                refused.insert(*ticket);
            }
        }
        if !refused.is_empty() {
            self.states.retain(|_, entry| !refused.contains(&entry.ticket));
        }
    }
}
