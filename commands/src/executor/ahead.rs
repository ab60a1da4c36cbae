//! What the rounds in flight will leave in the streams that they write, should they commit. Not
//! whether they do: the log says so.

use std::collections::{BTreeMap, BTreeSet};

use events::log::{StreamKey, StreamMap};

use super::round::Component;
use crate::state::Entry;

/// States that were decided and are not committed yet.
#[derive(Default)]
pub(super) struct Ahead {
    states: StreamMap<Entry>,
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
        for (key, _) in &component.written {
            if let Some(entry) = component.states.get_mut(key) {
                entry.ticket = ticket;
                self.states.insert(*key, entry.clone());
            }
        }
    }

    /// A component came back accepted: what it left is committed, and so in the cache.
    pub(super) fn accept(&mut self, component: &Component) {
        self.rests_on.remove(&component.ticket);
        for (key, _) in &component.written {
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

#[cfg(test)]
mod tests {
    use events::log::Append;
    use uuid::Uuid;

    use super::*;
    use crate::scenario::organization;
    use crate::state::Needs;
    use crate::stock::StockItem;

    fn stream(id: u128) -> StreamKey {
        StreamKey { organization: organization().0, id: Uuid::from_u128(id) }
    }

    /// A component that writes these streams, on what others in flight left.
    fn component(written: &[u128], rests_on: &[u64]) -> Component {
        let mut needs = Needs::new(organization());
        written.iter().for_each(|id| needs.name::<StockItem>(Uuid::from_u128(*id)));
        Component {
            decided: Vec::new(),
            append: Append { rests_on: rests_on.to_vec(), ..Append::default() },
            ticket: 0,
            states: needs.list.iter().map(|need| (need.key, need.fresh())).collect(),
            written: written.iter().map(|id| (stream(*id), 0)).collect(),
        }
    }

    fn pushed(ahead: &mut Ahead, ticket: u64, written: &[u128], rests_on: &[u64]) -> Component {
        let mut component = component(written, rests_on);
        ahead.push(&mut component, ticket);
        component
    }

    /// The tickets of the states that are ahead, of the streams 1 to 4.
    fn tickets(ahead: &Ahead) -> [u64; 4] {
        [1, 2, 3, 4].map(|id| ahead.get(&stream(id)).map_or(0, |entry| entry.ticket))
    }

    #[test]
    fn the_last_to_write_a_stream_is_ahead_until_it_is_accepted() {
        let mut ahead = Ahead::default();
        let first = pushed(&mut ahead, 1, &[1, 2], &[]);
        let second = pushed(&mut ahead, 2, &[2, 3], &[1]);
        assert_eq!((first.append.ticket, second.append.ticket), (1, 2));
        assert_eq!(tickets(&ahead), [1, 2, 2, 0]);
        ahead.accept(&first);
        assert_eq!(tickets(&ahead), [0, 2, 2, 0]);
        ahead.accept(&second);
        assert_eq!(tickets(&ahead), [0; 4]);
    }

    #[test]
    fn what_rests_on_a_refused_component_goes_with_it_and_nothing_else() {
        let mut ahead = Ahead::default();
        let first = pushed(&mut ahead, 1, &[1], &[]);
        pushed(&mut ahead, 2, &[2], &[1]);
        pushed(&mut ahead, 3, &[3], &[2]);
        pushed(&mut ahead, 4, &[4], &[]);
        ahead.refuse(BTreeSet::from([first.ticket]));
        assert_eq!(tickets(&ahead), [0, 0, 0, 4]);
    }

    /// The refused one's own refusal, later, is no reason against what was decided meanwhile.
    #[test]
    fn what_was_decided_anew_stays_when_the_old_ones_come_back() {
        let mut ahead = Ahead::default();
        pushed(&mut ahead, 1, &[1], &[]);
        pushed(&mut ahead, 2, &[1, 2], &[1]);
        ahead.refuse(BTreeSet::from([1]));
        pushed(&mut ahead, 3, &[1], &[]);
        ahead.refuse(BTreeSet::from([2]));
        assert_eq!(tickets(&ahead), [3, 0, 0, 0]);
        ahead.refuse(BTreeSet::from([3]));
        assert!(ahead.states.is_empty() && ahead.rests_on.is_empty(), "nothing stays behind");
    }
}
