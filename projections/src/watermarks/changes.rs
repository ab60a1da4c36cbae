//! What the rows of a read model became others by, as whoever writes them announces it once they
//! are committed: caches drop what is in it, live lists look at it. How it comes to other
//! processes, `telling` says.

use events::words::Position;
use uuid::Uuid;

/// The most records that are named one by one; of more it is said that they are not.
pub const CHANGES_MAX: usize = 4_096;

/// A record whose row, or child rows, may be others than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The tenant.
    pub organization: Uuid,
    /// The record.
    pub id: Uuid,
    /// The last fact that it took in.
    pub position: Position,
}

/// What changed in a read model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// These records and no others, in order of position.
    Records(Vec<Change>),
    /// Records with facts on the way, whichever: they were too many, or somebody else wrote them.
    Untold,
    /// Any row may be another one, whatever the facts: a build took another's place.
    Everything,
}

impl Changed {
    /// Nothing did.
    pub const NOTHING: Self = Self::Records(Vec::new());

    /// These records, unless they are too many to be named.
    #[must_use]
    pub fn of(mut changes: Vec<Change>) -> Self {
        if changes.len() > CHANGES_MAX {
            return Self::Untold;
        }
        changes.sort_unstable_by_key(|change| change.position);
        Self::Records(changes)
    }

    /// What both say.
    pub fn join(&mut self, more: &Self) {
        *self = match (std::mem::replace(self, Self::Everything), more) {
            (Self::Records(mut all), Self::Records(more)) => {
                all.extend(more);
                Self::of(all)
            }
            (Self::Everything, _) | (_, Self::Everything) => Self::Everything,
            (Self::Untold, _) | (_, Self::Untold) => Self::Untold,
        };
    }
}

/// A part of a read model's way through the log, and all that it changed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// It held everything up to here before.
    pub from: Position,
    /// It holds everything up to here now.
    pub to: Position,
    /// What it changed in between.
    pub changed: Changed,
}

/// Hears what changes, before anybody is woken who waits for it. To be quick: whoever announces
/// waits.
pub trait Listener: Send + Sync {
    /// Rows of a read model are others than before. With a position: whatever changed up to there
    /// has been told.
    fn changed(&self, projection: &str, changed: &Changed, until: Option<Position>);

    /// Nobody knows any more what any row is.
    fn forgotten(&self);
}
