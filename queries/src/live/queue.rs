//! One subscriber of a list as the hub knows him: what he may see, what waits to be told to him,
//! and how he is woken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use events::access::Access;
use events::words::Position;
use uuid::Uuid;

use super::waiting::{Bounds, Line};
use super::{Kind, TooSlow};
use crate::fields::Listed;
use crate::filter::Filter;

/// What a subscriber is told.
pub(super) enum Taken<T> {
    /// Nothing for now.
    Nothing,
    /// A record has changed.
    Change { id: Uuid, kind: Kind, row: Option<Arc<T>>, position: Position },
    /// The list is to be read again, as of this position or later.
    Reload(Position),
    /// It is over, for this reason.
    TooSlow(TooSlow),
    /// It is over.
    End,
}

/// What a record was before it changed.
pub(super) enum Before<T> {
    /// This; none: it was not there.
    Known(Option<Arc<T>>),
    /// It may have been anything.
    Unknown,
}

/// A record that has changed.
pub(super) struct Changed<T> {
    pub(super) id: Uuid,
    pub(super) position: Position,
    pub(super) before: Before<T>,
    pub(super) after: Option<Arc<T>>,
}

/// A subscriber of a list.
pub(super) struct Watched<T> {
    /// What tells him from others.
    pub(super) number: u64,
    /// By which access he watches.
    pub(super) access: Access,
    /// What he watches, within the boundary of his access.
    filter: Filter,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    line: Line<T>,
    waker: Option<Waker>,
}

impl<T: Listed> Watched<T> {
    pub(super) fn new(number: u64, access: Access, filter: Filter, bounds: Bounds) -> Self {
        let inner = Mutex::new(Inner { line: Line::new(bounds), waker: None });
        Self { number, access, filter, inner }
    }

    fn inner(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records have changed; everything up to a position is among them.
    pub(super) fn hear(&self, changes: &[Changed<T>], until: Position) {
        self.tell(|line| {
            for Changed { id, position, before, after } in changes {
                let fits = |row: &Option<Arc<T>>| {
                    row.as_ref().filter(|row| self.filter.fits(&***row)).cloned()
                };
                let was = match before {
                    Before::Known(row) => fits(row).is_some(),
                    Before::Unknown => true,
                };
                line.put(*id, was, fits(after), *position);
            }
            line.comes_to(until);
        });
    }

    /// A record, as it is now if it is in the list, else as one that left: nobody knows what the
    /// subscriber has of it.
    pub(super) fn hear_again(&self, id: Uuid, row: Option<Arc<T>>, position: Position) {
        let row = row.filter(|row| self.filter.fits(&**row));
        self.tell(|line| line.put(id, true, row, position));
    }

    /// Nobody knows what the subscriber has of this record: it is told him with its next change.
    pub(super) fn is_unsure_of(&self, id: Uuid) {
        self.inner().line.is_unsure_of(id);
    }

    /// The list is to be read again.
    pub(super) fn reload(&self, until: Position) {
        self.tell(|line| {
            line.reload();
            line.comes_to(until);
        });
    }

    /// From here on it is known what the subscriber has.
    pub(super) fn caught_up(&self) {
        self.inner().line.is_unsure = false;
    }

    fn tell(&self, what: impl FnOnce(&mut Line<T>)) {
        let mut inner = self.inner();
        what(&mut inner.line);
        let waker = if inner.line.has_news() { inner.waker.take() } else { None };
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What is to be told next; if there is nothing, whoever asks is woken once there is.
    pub(super) fn take(&self, context: &Context<'_>) -> Taken<T> {
        let mut inner = self.inner();
        let taken = inner.line.take();
        if matches!(taken, Taken::Nothing) {
            inner.waker = Some(context.waker().clone());
        }
        taken
    }
}
