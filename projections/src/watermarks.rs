//! How far each read model has come, as this process knows it, and what changed in it on its way:
//! whoever waits for a position waits here. The durable checkpoints are the sinks'; what other
//! processes write is heard in `following`.

pub mod changes;
pub mod following;
pub mod telling;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use events::words::Position;
use tokio::sync::watch;

use self::changes::{Changed, Listener, Step};

/// The watermark of every projection; clones share them.
#[derive(Clone)]
pub struct Watermarks {
    marks: Arc<HashMap<&'static str, watch::Sender<Mark>>>,
    since: Arc<RwLock<Since>>,
    listeners: Arc<RwLock<Vec<Weak<dyn Listener>>>>,
}

/// Since when what is known of the read models has been known. What somebody learned before
/// everything was forgotten, he does not know any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Since(u64);

/// How a projection stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// It holds everything up to here; zero while that is not known.
    pub reached: Position,
    /// Whether it is known what it holds.
    pub known: bool,
    /// Why it goes no further for now, if it does not.
    pub stopped: Option<String>,
}

/// A read model does not hold a position yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("position {wanted} is not readable yet: `{projection}` is at {reached}")]
pub struct Pending {
    /// The read model.
    pub projection: &'static str,
    /// What was waited for.
    pub wanted: Position,
    /// What it holds.
    pub reached: Position,
}

impl Watermarks {
    /// Watermarks at zero for these projections.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = &'static str>) -> Self {
        let marks = names.into_iter().map(|name| (name, watch::Sender::new(Mark::default())));
        Self { marks: Arc::new(marks.collect()), since: Arc::default(), listeners: Arc::default() }
    }

    /// Since when what is known now has been known: to be asked before one begins to learn.
    #[must_use]
    pub fn since(&self) -> Since {
        *self.since.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whatever changes to somebody, as long as he lives.
    pub fn listen(&self, listener: Weak<dyn Listener>) {
        let mut listeners = self.listeners.write().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(listener);
    }

    /// The projection has made a step: whoever listens hears what changed, and then those are woken
    /// who wait for what it holds now. Where the step does not begin at what is known, something
    /// was missed: then it is not told which. What was learned before all was forgotten does not
    /// count.
    pub fn announce(&self, since: Since, projection: &str, step: &Step) {
        let now = self.since.read().unwrap_or_else(PoisonError::into_inner);
        let Some(mark) = self.marks.get(projection).filter(|_| *now == since) else {
            return;
        };
        let joins = |mark: &Mark| mark.known && step.from <= mark.reached;
        let changed = if joins(&mark.borrow()) { &step.changed } else { &Changed::Untold };
        self.tell(|listener| listener.changed(projection, changed, Some(step.to)));
        mark.send_if_modified(|mark| {
            let news = step.to > mark.reached || !mark.known;
            mark.reached = step.to.max(mark.reached);
            mark.known = true;
            news
        });
    }

    /// Rows of the projection are others than before, however far it has come as a whole.
    pub fn changed(&self, projection: &str, changed: &Changed) {
        self.tell(|listener| listener.changed(projection, changed, None));
    }

    /// What the projection holds, as far as it is known.
    #[must_use]
    pub fn reached(&self, projection: &str) -> Position {
        self.marks.get(projection).map(|mark| mark.borrow().reached).unwrap_or_default()
    }

    /// What all of these hold, as far as it is known.
    #[must_use]
    pub fn reached_by(&self, projections: &[&str]) -> Position {
        projections.iter().map(|name| self.reached(name)).min().unwrap_or_default()
    }

    fn tell(&self, what: impl Fn(&dyn Listener)) {
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner);
        listeners.iter().filter_map(Weak::upgrade).for_each(|listener| what(&*listener));
    }

    /// The projection goes on.
    pub fn resume(&self, projection: &str) {
        if let Some(mark) = self.marks.get(projection) {
            mark.send_modify(|mark| mark.stopped = None);
        }
    }

    /// The projection goes no further for now.
    pub fn stop(&self, projection: &str, reason: &str) {
        if let Some(mark) = self.marks.get(projection) {
            mark.send_modify(|mark| mark.stopped = Some(reason.to_owned()));
        }
    }

    /// Nobody knows any more what the projections hold: whoever waits for a position waits until it
    /// is known again.
    pub fn forget(&self) {
        let mut since = self.since.write().unwrap_or_else(PoisonError::into_inner);
        since.0 += 1;
        self.tell(|listener| listener.forgotten());
        for mark in self.marks.values() {
            mark.send_modify(|mark| (mark.reached, mark.known) = (Position(0), false));
        }
    }

    /// Every projection and how it stands.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, Mark)> + '_ {
        self.marks.iter().map(|(name, mark)| (*name, mark.borrow().clone()))
    }

    /// Sees every advance of a projection; none, if it does not exist.
    #[must_use]
    pub fn watch(&self, projection: &str) -> Option<watch::Receiver<Mark>> {
        self.marks.get(projection).map(watch::Sender::subscribe)
    }

    /// Waits, at most so long, until every one of these projections holds a position.
    ///
    /// # Errors
    /// [`Pending`], naming one that does not hold it in time.
    pub async fn wait(
        &self,
        projections: &[&'static str],
        at_least: Position,
        wait_max: Duration,
    ) -> Result<(), Pending> {
        let deadline = tokio::time::Instant::now() + wait_max;
        for &projection in projections {
            let Some(mut mark) = self.watch(projection) else {
                continue;
            };
            let holds = mark.wait_for(|mark| mark.reached >= at_least);
            let in_time = matches!(tokio::time::timeout_at(deadline, holds).await, Ok(Ok(_)));
            if !in_time {
                let reached = mark.borrow().reached;
                return Err(Pending { projection, wanted: at_least, reached });
            }
        }
        Ok(())
    }
}
