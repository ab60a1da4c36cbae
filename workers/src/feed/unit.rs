//! A build, the parts of it that this process holds, and who writes them.

use std::time::Instant;

use events::Recorded;
use events::log::StreamKey;
use events::words::Position;
use projections::parts::part_of;
use projections::sinks::builds::{Build, State};
use projections::sinks::parking;
use projections::sinks::sql::{Batch, Held, Poison, Projection, Sink, SinkError, Target};
use projections::watermarks::changes::{Changed, Step};
use projections::watermarks::telling::Told;
use tokio_postgres::{Client, Config};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::page::{self, Page};
use super::{Shared, UNSTORED_WAIT_MAX};
use crate::projector::ProjectorError;

/// Parked facts of a build that are tried again when it is opened: this program may know more than
/// the one that parked them.
const TRIED_AGAIN_MAX: i64 = 1_000;

/// A build that is open for writing.
pub(crate) struct Unit {
    pub(crate) build: Build,
    pub(crate) held: Vec<Held>,
    pub(crate) features: &'static [&'static str],
    name: &'static str,
    sink: Box<dyn Sink>,
    /// The held parts have everything up to here, stored or not.
    reached: Position,
    /// What changed up to here was told.
    told: Position,
    /// When the checkpoint was stored.
    stored_at: Instant,
}

/// A build could not be opened or written.
#[derive(Debug)]
pub(crate) enum UnitError {
    Sink(SinkError),
    Log(events::log::LogError),
    /// This process cannot read what it would have to.
    Blocked(String),
}

impl UnitError {
    /// The error with whose it is.
    pub(crate) fn of(self, build: &Build) -> ProjectorError {
        let (projection, build) = (build.name.clone(), build.id);
        match self {
            Self::Sink(error) => ProjectorError::Sink { projection, build, error },
            Self::Log(error) => ProjectorError::Log(error),
            Self::Blocked(reason) => ProjectorError::Blocked { projection, build, reason },
        }
    }
}

impl From<SinkError> for UnitError {
    fn from(error: SinkError) -> Self {
        Self::Sink(error)
    }
}

impl From<events::log::LogError> for UnitError {
    fn from(error: events::log::LogError) -> Self {
        Self::Log(error)
    }
}

impl Unit {
    /// Opens parts of a build.
    pub(crate) async fn open(
        projection: &dyn Projection,
        build: &Build,
        held: Vec<Held>,
        shared: &Shared,
        (config, lost): (&Config, &CancellationToken),
    ) -> Result<Self, ProjectorError> {
        let client = line(config, lost).await?;
        let parked = parking::of_build(&client, build.id, TRIED_AGAIN_MAX).await;
        let parked = parked.map_err(|error| UnitError::from(SinkError::from(error)).of(build))?;
        let limits = &shared.limits;
        let target = Target {
            build: build.clone(),
            held: held.clone(),
            hot_max: limits.hot_records_max,
            copy_rows_min: limits.copy_rows_min,
            skips: shared.skips.clone(),
            parked_max: limits.parked_max,
        };
        let sink = projection.open(client, target).await;
        let sink = sink.map_err(|error| UnitError::from(error).of(build))?;
        let mut unit = Self {
            build: build.clone(),
            held,
            features: projection.features(),
            name: projection.name(),
            reached: sink.position(),
            told: sink.position(),
            sink,
            stored_at: Instant::now(),
        };
        let tried = unit.try_again(parked, shared).await.map_err(|error| error.of(build))?;
        if unit.build.state == State::Live {
            shared.watermarks.changed(unit.name, &tried);
        }
        // Whoever had the parts before may have written what nobody here was told.
        let (from, to) = (unit.reached, unit.reached);
        unit.announce(&Step { from, to, changed: Changed::Untold }, shared);
        Ok(unit)
    }

    /// Tries parked facts again, each up to where its part stands; what that may have changed.
    async fn try_again(
        &mut self,
        parked: Vec<(Uuid, Uuid, Uuid)>,
        shared: &Shared,
    ) -> Result<Changed, UnitError> {
        let mut changed = Changed::NOTHING;
        for (organization, id, event_id) in parked {
            let Some(until) = self.sink.reached(organization, id) else {
                continue;
            };
            let stream = StreamKey { organization, id };
            let again = page::again(stream, event_id, until, &shared.vault).await?;
            // What cannot be read still need not be noted again.
            if again.unreadable.iter().any(|poison| poison.event_id == event_id) {
                continue;
            }
            let batch = Batch { facts: &[], unreadable: &[], again: &[again], to: self.reached };
            changed.join(&self.sink.isolate(&batch).await?);
        }
        Ok(changed)
    }

    /// What the held parts have, stored or not.
    pub(crate) fn reached(&self) -> Position {
        self.reached
    }

    /// Takes in what is its own of a page.
    pub(crate) async fn apply(&mut self, page: &Page, shared: &Shared) -> Result<(), UnitError> {
        let reached = self.reached;
        let (facts, unreadable) = self.own(page, |_, _, at| at > reached)?;
        let again = page::decided(page, &self.build, &shared.vault).await?;
        let due = self.build.state == State::Building
            || self.stored_at.elapsed() > UNSTORED_WAIT_MAX
            || !(facts.is_empty() && unreadable.is_empty() && again.is_empty());
        let to = page.last.max(self.reached);
        let changed = if due {
            let batch = Batch { facts: &facts, unreadable: &unreadable, again: &again, to };
            self.write(&batch, shared).await?
        } else {
            Changed::NOTHING
        };
        self.reached = to;
        self.announce(&Step { from: reached, to, changed }, shared);
        if let Some(last) = facts.last().filter(|_| self.build.state == State::Live) {
            metrics::gauge!("millrace_projection_lag_seconds", "projection" => self.name)
                .set(since(last));
            metrics::counter!("millrace_projection_facts_total", "projection" => self.name)
                .increment(facts.len() as u64);
        }
        Ok(())
    }

    /// What of a page is its own, at places that are asked for: facts, and those that cannot be
    /// read.
    ///
    /// # Errors
    /// [`UnitError::Blocked`].
    fn own<'a>(
        &self,
        page: &'a Page,
        within: impl Fn(Uuid, Uuid, Position) -> bool,
    ) -> Result<(Vec<&'a Recorded>, Vec<Poison>), UnitError> {
        let blocked = self.features.iter().find_map(|feature| page.blocked.get(*feature));
        if let Some(reason) = blocked.filter(|_| page.last > self.reached) {
            return Err(UnitError::Blocked(reason.clone()));
        }
        let own = |feature: &str| self.features.contains(&feature);
        let facts = page.facts.iter().filter(|fact| own(fact.event.feature()));
        let facts = facts.filter(|fact| within(fact.organization.0, fact.stream_id, fact.position));
        let unreadable = page.unreadable.iter().filter(|(feature, _)| own(feature));
        let unreadable = unreadable.map(|(_, poison)| poison);
        let unreadable = unreadable
            .filter(|poison| within(poison.organization, poison.stream_id, poison.position));
        Ok((facts.collect(), unreadable.cloned().collect()))
    }

    /// As [`Self::apply`], up to where each part ends, and never a step further; what is refused is
    /// tried fact by fact.
    pub(crate) async fn apply_until(
        &mut self,
        page: &Page,
        until: &[Position],
    ) -> Result<(), ProjectorError> {
        let end = |organization, stream| {
            let part = part_of(organization, stream, self.build.parts);
            usize::try_from(part).ok().and_then(|part| until.get(part)).copied()
        };
        let within = |organization, stream, at: Position| {
            end(organization, stream).is_some_and(|end| at <= end)
        };
        let (facts, unreadable) = self.own(page, within).map_err(|error| error.of(&self.build))?;
        let batch = Batch { facts: &facts, unreadable: &unreadable, again: &[], to: page.last };
        let applied = match self.sink.apply(&batch).await {
            Err(error) if error.is_refusal() => self.sink.isolate(&batch).await,
            applied => applied,
        };
        applied.map(drop).map_err(|error| UnitError::from(error).of(&self.build))
    }

    async fn write(&mut self, batch: &Batch<'_>, shared: &Shared) -> Result<Changed, UnitError> {
        let span = tracing::debug_span!(
            "projection",
            projection = self.name,
            from = self.reached.0,
            to = batch.to.0,
            facts = batch.facts.len(),
        );
        let changed = if shared.is_to_isolate(self.build.id) {
            self.sink.isolate(batch).instrument(span).await?
        } else {
            self.sink.apply(batch).instrument(span).await?
        };
        self.stored_at = Instant::now();
        self.tell(batch.to, &changed, shared);
        Ok(changed)
    }

    /// Other processes hear of what is stored, if it is what everybody reads.
    fn tell(&mut self, to: Position, changed: &Changed, shared: &Shared) {
        if self.build.state == State::Live {
            shared.teller.tell(|| {
                let parts = self.held.iter().map(|held| held.part).collect();
                let step = Step { from: self.told, to, changed: changed.clone() };
                Told { build: self.build.id, parts, step }
            });
        }
        self.told = to;
    }

    /// Stores the checkpoint, if the parts are ahead of it.
    pub(crate) async fn store(&mut self, shared: &Shared) -> Result<(), UnitError> {
        if self.reached > self.sink.position() {
            let batch = Batch { facts: &[], unreadable: &[], again: &[], to: self.reached };
            let changed = self.sink.apply(&batch).await?;
            self.stored_at = Instant::now();
            self.tell(self.reached, &changed, shared);
        }
        Ok(())
    }

    /// Whoever of this process waits for the rows or keeps them in mind hears of what changed, if
    /// it is what everybody reads. How far the read model is as a whole is known only if all of it
    /// is here.
    fn announce(&self, step: &Step, shared: &Shared) {
        if self.build.state != State::Live {
            return;
        }
        if self.held.len() == usize::try_from(self.build.parts).unwrap_or(usize::MAX) {
            shared.watermarks.announce(shared.since, self.name, step);
        } else {
            shared.watermarks.changed(self.name, &step.changed);
        }
    }
}

/// A connection with whose end everything begins anew.
async fn line(config: &Config, lost: &CancellationToken) -> Result<Client, ProjectorError> {
    let lost = lost.clone();
    Ok(events::log::watched(config, move || lost.cancel()).await?)
}

/// Seconds since a fact was recorded.
#[expect(clippy::disallowed_methods, reason = "lag is measured by the clock, and decides nothing")]
fn since(fact: &Recorded) -> f64 {
    (chrono::Utc::now() - fact.recorded_at).as_seconds_f64()
}
