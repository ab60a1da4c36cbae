//! Lists and records that somebody watches: what enters, changes in and leaves what a filter lets
//! through, up to the watermark, in order of position; and what did so since somebody last looked.
//! Woken by what is announced of the read models, never by the log.

mod hub;
mod missed;
mod queue;
mod waiting;

use std::any::Any;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use events::access::Access;
use events::words::Position;
use futures_util::Stream;
use projections::watermarks::changes::Listener;
use uuid::Uuid;

use self::hub::Hub;
use self::queue::{Taken, Watched};
use crate::boundary::boundary;
use crate::fields::Listed;
use crate::filter::Filter;
use crate::{QueryError, Reader, Seen};

/// What became of a record, as far as a list is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It is in the list now, and was not before.
    Entered,
    /// It is in the list still, and another than before; or nobody knows whether it was there.
    Changed,
    /// It is not in the list any more; or nobody knows whether it was there.
    Left,
    /// Too much has changed to be told: the list is to be read again.
    Reload,
}

/// What became of a record.
#[derive(Debug, Clone)]
pub struct Update<T> {
    /// What.
    pub kind: Kind,
    /// Which record; none: the whole list is to be read again.
    pub id: Option<Uuid>,
    /// As it is now; none, if it is not in the list, or the list is to be read again.
    pub record: Option<Seen<T>>,
    /// Whoever has been told of this has been told of everything up to here.
    pub position: Position,
}

/// More changes than may be missed have gone by a subscriber who did not take them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too slow: {missed} changes went by untaken")]
pub struct TooSlow {
    /// How many.
    pub missed: usize,
}

/// What is watched, by read model.
#[derive(Default)]
pub(crate) struct Live {
    hubs: Mutex<HashMap<&'static str, Arc<dyn Any + Send + Sync>>>,
}

impl Live {
    /// The one that watches a read model, for everybody.
    fn hub<T: Listed>(&self, reader: &Reader) -> Option<Arc<Hub<T>>> {
        let mut hubs = self.hubs.lock().unwrap_or_else(PoisonError::into_inner);
        let hub = hubs.entry(T::NAME).or_insert_with(|| {
            let hub = Arc::new(Hub::<T>::new(reader.limits().clone()));
            let listener: Weak<dyn Listener> = Arc::downgrade(&(hub.clone() as Arc<dyn Listener>));
            reader.watermarks().listen(listener);
            hub
        });
        hub.clone().downcast().ok()
    }
}

impl Reader {
    /// What happens to the records that a filter lets through, from now on or, with a position,
    /// behind that: then every record that has changed since is told first, as it is now if it is
    /// in the list, else as [`Kind::Left`]; if they are too many, [`Kind::Reload`] alone is.
    /// Nobody is told of what cannot be read yet in these read models.
    ///
    /// # Errors
    /// If the access may not read the records, the filter is none, or the position is not readable
    /// in time.
    pub async fn watch<T: Listed>(
        &self,
        access: &Access,
        reads: &'static [&'static str],
        filter: Filter,
        after: Option<Position>,
    ) -> Result<Watch<T>, QueryError> {
        filter.check(self.limits())?;
        let filter = boundary(access, T::LIST.feature)?.and(filter);
        self.at_least(reads, after).await?;
        let hub = self.live.hub::<T>(self).ok_or(QueryError::Building)?;
        let (watched, from) = hub.enter(self, *access, reads, filter);
        // From here on it leaves with the watch.
        let watch = Watch { hub, watched };
        if let (Some(after), Some(from)) = (after, from) {
            self.catch_up::<T>(&watch.watched, (after, from)).await?;
        }
        watch.watched.caught_up();
        Ok(watch)
    }
}

/// A list that somebody watches, until it is dropped. Ends after [`TooSlow`].
pub struct Watch<T: Listed> {
    hub: Arc<Hub<T>>,
    watched: Arc<Watched<T>>,
}

impl<T: Listed> Stream for Watch<T> {
    type Item = Result<Update<T>, TooSlow>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let access = self.watched.access;
        match self.watched.take(context) {
            Taken::Nothing => Poll::Pending,
            Taken::End => Poll::Ready(None),
            Taken::TooSlow(slow) => Poll::Ready(Some(Err(slow))),
            Taken::Reload(position) => {
                let update = Update { kind: Kind::Reload, id: None, record: None, position };
                Poll::Ready(Some(Ok(update)))
            }
            Taken::Change { id, kind, row, position } => {
                let record = row.map(|row| Seen::by(&access, row));
                Poll::Ready(Some(Ok(Update { kind, id: Some(id), record, position })))
            }
        }
    }
}

impl<T: Listed> Drop for Watch<T> {
    fn drop(&mut self) {
        self.hub.leave(&self.watched);
    }
}
