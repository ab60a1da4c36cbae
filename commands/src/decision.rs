//! What a command decided: facts for one or several streams, appended together or not at all.

use events::Event;
use uuid::Uuid;

/// Facts, each with the record that it happens to; the first is the command's own record's.
#[derive(Debug, Default, PartialEq)]
pub struct Decision {
    pub(crate) facts: Vec<(Uuid, Event)>,
    /// Persons whose keys are taken away with these facts.
    pub(crate) erased: Vec<Uuid>,
}

impl Decision {
    /// A decision of one fact.
    #[must_use]
    pub fn of(id: impl Into<Uuid>, fact: impl Into<Event>) -> Self {
        Self::default().and(id, fact)
    }

    /// One more fact.
    #[must_use]
    pub fn and(mut self, id: impl Into<Uuid>, fact: impl Into<Event>) -> Self {
        self.push(id, fact);
        self
    }

    /// The facts of another decision, behind these.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.facts.append(&mut other.facts);
        self.erased.append(&mut other.erased);
    }

    /// Erases persons: nobody reads any more what belongs to them, wherever it stands.
    #[must_use]
    pub fn erasing(mut self, persons: impl IntoIterator<Item = Uuid>) -> Self {
        self.erased.extend(persons);
        self
    }

    /// One more fact.
    pub fn push(&mut self, id: impl Into<Uuid>, fact: impl Into<Event>) {
        self.facts.push((id.into(), fact.into()));
    }
}
