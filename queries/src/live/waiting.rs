//! What waits to be told to one subscriber: of each record what became of it since he was last told
//! of it, in order of position, and not without bounds.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use events::words::Position;
use uuid::Uuid;

use super::queue::Taken;
use super::{Kind, TooSlow};

/// What became of a record in a list.
struct Waiting<T> {
    /// Whether the subscriber has it in his list, or may have.
    was: bool,
    /// The record, if it is in the list now.
    now: Option<Arc<T>>,
}

/// What may wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Records; with one more, the list is to be read again.
    pub(super) records_max: usize,
    /// Changes that may go by while that waits to be told; with one more, it is over.
    pub(super) missed_max: usize,
}

/// What waits to be told.
pub(super) struct Line<T> {
    bounds: Bounds,
    /// By position; what comes to wait again goes to the end.
    order: BTreeMap<(Position, Uuid), Waiting<T>>,
    places: HashMap<Uuid, Position>,
    /// Records of which nobody knows whether the subscriber has them.
    unsure: HashSet<Uuid>,
    /// Nobody knows of any.
    pub(super) is_unsure: bool,
    /// Everything up to here was put in.
    until: Position,
    /// The list is to be read again, and so many changes went by since that is to be told.
    reload: Option<usize>,
    is_over: bool,
}

impl<T> Line<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            order: BTreeMap::new(),
            places: HashMap::new(),
            unsure: HashSet::new(),
            is_unsure: true,
            until: Position(0),
            reload: None,
            is_over: false,
        }
    }

    /// A record has changed: whether it was in the list, and what it is there now.
    pub(super) fn put(&mut self, id: Uuid, was: bool, now: Option<Arc<T>>, position: Position) {
        if let Some(missed) = &mut self.reload {
            *missed += 1;
            return;
        }
        let was = self.unsure.remove(&id) || self.is_unsure || was;
        let waits = self.places.remove(&id).and_then(|place| self.order.remove(&(place, id)));
        let was = waits.map_or(was, |waits| waits.was);
        if !was && now.is_none() {
            return;
        }
        self.places.insert(id, position);
        self.order.insert((position, id), Waiting { was, now });
        if self.order.len() > self.bounds.records_max {
            self.reload();
        }
    }

    /// Everything up to here was put in.
    pub(super) fn comes_to(&mut self, until: Position) {
        self.until = until.max(self.until);
    }

    /// Nobody knows whether the subscriber has this record.
    pub(super) fn is_unsure_of(&mut self, id: Uuid) {
        self.unsure.insert(id);
    }

    /// The list is to be read again: what waits need not be told.
    pub(super) fn reload(&mut self) {
        self.reload.get_or_insert(0);
        (self.order, self.places, self.unsure) = Default::default();
    }

    /// Whether there is something to tell.
    pub(super) fn has_news(&self) -> bool {
        self.reload.is_some() || !self.order.is_empty() || self.is_over
    }

    /// What is to be told next.
    pub(super) fn take(&mut self) -> Taken<T> {
        if self.is_over {
            return Taken::End;
        }
        match self.reload {
            Some(missed) if missed > self.bounds.missed_max => {
                self.is_over = true;
                return Taken::TooSlow(TooSlow { missed });
            }
            Some(_) => {
                self.reload = None;
                return Taken::Reload(self.until);
            }
            None => {}
        }
        let Some(((position, id), Waiting { was, now: row })) = self.order.pop_first() else {
            return Taken::Nothing;
        };
        self.places.remove(&id);
        if self.places.is_empty() {
            self.places = HashMap::new();
        }
        let kind = match (was, &row) {
            (_, None) => Kind::Left,
            (false, Some(_)) => Kind::Entered,
            (true, Some(_)) => Kind::Changed,
        };
        Taken::Change { id, kind, row, position }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line<&'static str> {
        let mut line = Line::new(Bounds { records_max: 3, missed_max: 2 });
        line.is_unsure = false;
        line
    }

    fn put(line: &mut Line<&'static str>, id: u128, was: bool, now: Option<&'static str>, at: i64) {
        line.put(Uuid::from_u128(id), was, now.map(Arc::new), Position(at));
        line.comes_to(Position(at));
    }

    /// What is told, in short: `+1=a@5`.
    fn told(line: &mut Line<&'static str>) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            all.push(match line.take() {
                Taken::Nothing => return all,
                Taken::End => {
                    all.push("end".to_owned());
                    return all;
                }
                Taken::TooSlow(slow) => slow.to_string(),
                Taken::Reload(position) => format!("reload@{}", position.0),
                Taken::Change { id, kind, row, position } => {
                    let sign = match kind {
                        Kind::Entered => "+",
                        Kind::Changed => "=",
                        Kind::Left => "-",
                        Kind::Reload => "!",
                    };
                    let row = row.map_or("", |row| *row);
                    format!("{sign}{}{row}@{}", id.as_u128(), position.0)
                }
            });
        }
    }

    #[test]
    fn it_is_told_in_order_of_position_what_entered_changed_and_left() {
        let mut line = line();
        put(&mut line, 1, false, Some("a"), 1);
        put(&mut line, 2, true, Some("b"), 2);
        put(&mut line, 3, true, None, 3);
        put(&mut line, 4, false, None, 4);
        assert_eq!(told(&mut line), ["+1a@1", "=2b@2", "-3@3"]);
    }

    #[test]
    fn changes_of_one_record_are_told_as_one_behind_what_came_before() {
        let mut line = line();
        put(&mut line, 1, false, Some("a"), 1);
        put(&mut line, 2, false, Some("b"), 2);
        put(&mut line, 1, true, Some("c"), 3);
        assert_eq!(told(&mut line), ["+2b@2", "+1c@3"]);
        // What came and went is not told.
        put(&mut line, 5, false, Some("a"), 4);
        put(&mut line, 5, true, None, 5);
        // What went and came back has changed.
        put(&mut line, 1, true, None, 6);
        put(&mut line, 1, false, Some("d"), 7);
        assert_eq!(told(&mut line), ["=1d@7"]);
    }

    #[test]
    fn past_a_bound_the_list_is_to_be_read_again_and_past_another_it_is_over() {
        let mut line = line();
        for at in 1..=4 {
            put(&mut line, u128::try_from(at).unwrap(), false, Some("a"), at);
        }
        put(&mut line, 9, false, Some("a"), 5);
        assert_eq!(told(&mut line), ["reload@5"]);
        put(&mut line, 9, true, Some("b"), 6);
        assert_eq!(told(&mut line), ["=9b@6"], "and goes on");
        line.reload();
        for at in 7..=9 {
            put(&mut line, 9, true, Some("c"), at);
        }
        assert_eq!(told(&mut line), ["too slow: 3 changes went by untaken", "end"]);
    }

    #[test]
    fn what_nobody_knows_of_may_have_been_there() {
        let mut line = line();
        line.is_unsure_of(Uuid::from_u128(1));
        put(&mut line, 1, false, None, 1);
        put(&mut line, 1, false, None, 2);
        assert_eq!(told(&mut line), ["-1@2"]);
        line.is_unsure = true;
        put(&mut line, 2, false, None, 3);
        put(&mut line, 3, false, Some("a"), 4);
        assert_eq!(told(&mut line), ["-2@3", "=3a@4"]);
    }
}
