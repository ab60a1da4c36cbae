//! How much happened in histories: one in which nothing is tried proves nothing.

use harness::writer::Told;

/// What happened in a history, or in several.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) histories: usize,
    pub(super) appended: usize,
    pub(super) refused: usize,
    pub(super) repeated: usize,
    pub(super) unfounded: usize,
    pub(super) unavailable: usize,
    pub(super) unanswered: usize,
    pub(super) faults: usize,
}

impl Tally {
    /// Counts what somebody was told.
    pub(super) fn note(&mut self, told: Option<&Told>) {
        match told {
            Some(Told::Appended { .. }) => self.appended += 1,
            Some(Told::Conflict { .. }) => self.refused += 1,
            Some(Told::Repeated { .. }) => self.repeated += 1,
            Some(Told::Unfounded) => self.unfounded += 1,
            Some(Told::Unavailable(_)) => self.unavailable += 1,
            Some(Told::Refused(_)) => {}
            None => self.unanswered += 1,
        }
    }
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            histories: self.histories + other.histories,
            appended: self.appended + other.appended,
            refused: self.refused + other.refused,
            repeated: self.repeated + other.repeated,
            unfounded: self.unfounded + other.unfounded,
            unavailable: self.unavailable + other.unavailable,
            unanswered: self.unanswered + other.unanswered,
            faults: self.faults + other.faults,
        }
    }
}
