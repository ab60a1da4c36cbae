//! How far each read model has come, as this process knows it: whoever waits for a position waits
//! here. The durable checkpoints are the sinks'.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use events::words::Position;
use tokio::sync::watch;

/// The watermark of every projection; clones share them.
#[derive(Clone)]
pub struct Watermarks {
    marks: Arc<HashMap<&'static str, watch::Sender<Mark>>>,
}

/// How a projection stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// It holds everything up to here; zero while that is not known.
    pub reached: Position,
    /// Whether it is known what it holds.
    pub known: bool,
    /// Why it goes no further, if it cannot.
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
        Self { marks: Arc::new(marks.collect()) }
    }

    /// The projection holds everything up to here; wakes whoever waits for it.
    pub fn advance(&self, projection: &str, to: Position) {
        if let Some(mark) = self.marks.get(projection) {
            mark.send_if_modified(|mark| {
                let news = to > mark.reached || !mark.known;
                mark.reached = to.max(mark.reached);
                mark.known = true;
                news
            });
        }
    }

    /// Nobody knows any more what the projections hold: whoever waits for a position waits until it
    /// is known again.
    pub fn forget(&self) {
        for mark in self.marks.values() {
            mark.send_modify(|mark| (mark.reached, mark.known) = (Position(0), false));
        }
    }

    /// The projection goes no further, until somebody mends it.
    pub fn stop(&self, projection: &str, reason: &str) {
        if let Some(mark) = self.marks.get(projection) {
            mark.send_modify(|mark| mark.stopped = Some(reason.to_owned()));
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
