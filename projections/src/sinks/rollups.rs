//! Rollup projections in PostgreSQL: the facts of a batch are added up in memory, and the sums
//! added to those stored, in one statement. Stored sums are never read, so a batch costs what it
//! changes.

use std::collections::HashSet;
use std::marker::PhantomData;

use events::Recorded;
use events::words::Position;
use futures_util::future::BoxFuture;
use futures_util::join;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::checkpoint::Checkpoint;
use super::parking::{self, Parking};
use super::sql::{self, Batch, Poison, Projection, Sink, SinkError, Target};
use super::statements;
use super::view::View;
use crate::watermarks::changes::Changed;
use crate::{Rollup, add_up};

/// A rollup projection in SQL.
pub struct Rollups<R>(PhantomData<fn() -> R>);

impl<R> Rollups<R> {
    /// The projection of these sums.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is only ever named in the registry")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: Rollup> Projection for Rollups<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn version(&self) -> i32 {
        R::VERSION
    }

    fn features(&self) -> &'static [&'static str] {
        R::FEATURES
    }

    fn tables(&self) -> &'static str {
        R::TABLES
    }

    fn views(&self) -> Vec<View> {
        vec![View::of::<R::Row>()]
    }

    fn open(
        &self,
        client: Client,
        target: Target,
    ) -> BoxFuture<'_, Result<Box<dyn Sink>, SinkError>> {
        Box::pin(async move {
            let sink: Box<dyn Sink> = Box::new(RollupSink::<R>::open(client, target).await?);
            Ok(sink)
        })
    }
}

struct RollupSink<R> {
    client: Client,
    checkpoint: Checkpoint,
    parking: Parking,
    add: Statement,
    /// Facts that are gone on without.
    skips: HashSet<Uuid>,
    /// Facts that are parked of the build.
    parked: usize,
    parked_max: usize,
    rollup: PhantomData<fn() -> R>,
}

/// What a batch comes to, beside its sums.
#[derive(Default)]
struct Notes {
    parked: Vec<Poison>,
    /// Facts that were parked until somebody decided.
    decided: Vec<Uuid>,
}

impl<R: Rollup> RollupSink<R> {
    async fn open(client: Client, target: Target) -> Result<Self, SinkError> {
        sql::set_up(&client).await?;
        let checkpoint = Checkpoint::open(&client, &target).await?;
        let add = client.prepare(&statements::add::<R::Row>(&target.build.schema)).await?;
        let parking = Parking::prepare(&client).await?;
        let skips = target.skips.of(R::NAME, R::VERSION);
        let parked = parking::count(&client, target.build.id).await?;
        let parked_max = target.parked_max;
        Ok(Self {
            client,
            checkpoint,
            parking,
            add,
            skips,
            parked,
            parked_max,
            rollup: PhantomData,
        })
    }

    /// What the batch comes to: the facts that add something now, those of the batch and parked
    /// ones that are tried again; and what is to be noted of others.
    async fn sort<'a>(
        &mut self,
        batch: &Batch<'a>,
    ) -> Result<(Vec<&'a Recorded>, Notes), SinkError> {
        let mut facts: Vec<&Recorded> = self.checkpoint.missing(batch.facts).collect();
        let again = self.checkpoint.again(batch);
        let skipped = batch.again.iter().filter(|again| again.skipped);
        self.skips.extend(skipped.map(|again| again.event_id));
        let new = |poison: &&Poison| {
            self.checkpoint.lacks(poison.organization, poison.stream_id, poison.position)
                && !self.skips.contains(&poison.event_id)
        };
        let mut notes = Notes::default();
        notes.parked.extend(batch.unreadable.iter().filter(new).cloned());
        // What is not parked has been added before.
        let asked: Vec<Uuid> = again.iter().map(|again| again.event_id).collect();
        let (client, build) = (&self.client, self.checkpoint.build());
        notes.decided = self.parking.known(client, build, &asked).await?;
        for again in again.iter().filter(|again| notes.decided.contains(&again.event_id)) {
            facts.extend(again.facts.iter().filter(|fact| fact.event_id == again.event_id));
            let still = again.unreadable.iter().find(|poison| poison.event_id == again.event_id);
            notes.parked.extend(still.filter(|_| !again.skipped).cloned());
        }
        Ok((facts, notes))
    }

    async fn write(&mut self, batch: &Batch<'_>) -> Result<Changed, SinkError> {
        self.checkpoint.begin(&self.client).await?;
        let (facts, notes) = self.sort(batch).await?;
        let is_quiet = facts.is_empty() && notes.parked.is_empty() && notes.decided.is_empty();
        let rows = super::unwound(|| add_up::<R>(facts.into_iter())).map_err(SinkError::Fold)?;
        self.finish(&rows, &notes, batch.to).await?;
        // Sums are no records that could be named.
        Ok(if is_quiet { Changed::NOTHING } else { Changed::Untold })
    }

    async fn finish(
        &mut self,
        rows: &[R::Row],
        notes: &Notes,
        to: Position,
    ) -> Result<(), SinkError> {
        parking::may_park(self.parked_max, self.parked, &notes.parked)?;
        let rows: Vec<&R::Row> = rows.iter().collect();
        let (client, build) = (&self.client, self.checkpoint.build());
        let (written, decided, parked, committed) = join!(
            sql::write(client, Some(&self.add), &rows),
            self.parking.forget_facts(client, build, &notes.decided),
            self.parking.park(client, build, &notes.parked),
            self.checkpoint.commit(client, to),
        );
        for result in [written, decided, parked, committed] {
            result?;
        }
        self.checkpoint.moved(to);
        self.parked = (self.parked + notes.parked.len()).saturating_sub(notes.decided.len());
        Ok(())
    }

    /// As [`Self::write`], a fact at a time: one that cannot be added up, or whose sums PostgreSQL
    /// refuses, is parked.
    async fn write_singly(&mut self, batch: &Batch<'_>) -> Result<Changed, SinkError> {
        // What was tried in one go before may be open still.
        self.client.batch_execute("rollback").await?;
        self.checkpoint.begin(&self.client).await?;
        let (facts, mut notes) = self.sort(batch).await?;
        for fact in facts {
            let added = match super::unwound(|| add_up::<R>(std::iter::once(fact))) {
                Ok(rows) => self.try_rows(&rows).await?,
                Err(error) => Err(error),
            };
            let parked = added.err().filter(|_| !self.skips.contains(&fact.event_id));
            notes.parked.extend(parked.map(|error| Poison::of(fact, error)));
        }
        self.finish(&[], &notes, batch.to).await?;
        Ok(Changed::Untold)
    }

    /// Adds rows, or leaves the sums as they are and says why PostgreSQL refuses.
    async fn try_rows(&self, rows: &[R::Row]) -> Result<Result<(), String>, SinkError> {
        let rows: Vec<&R::Row> = rows.iter().collect();
        sql::attempt(&self.client, sql::write(&self.client, Some(&self.add), &rows)).await
    }
}

impl<R: Rollup> Sink for RollupSink<R> {
    fn apply<'a>(&'a mut self, batch: &'a Batch<'a>) -> BoxFuture<'a, Result<Changed, SinkError>> {
        Box::pin(self.write(batch))
    }

    fn isolate<'a>(
        &'a mut self,
        batch: &'a Batch<'a>,
    ) -> BoxFuture<'a, Result<Changed, SinkError>> {
        Box::pin(self.write_singly(batch))
    }

    fn position(&self) -> Position {
        self.checkpoint.position()
    }

    fn reached(&self, organization: Uuid, stream: Uuid) -> Option<Position> {
        self.checkpoint.reached(organization, stream)
    }
}
