//! Rollup projections in PostgreSQL: the facts of a page are added up in memory, and the sums added
//! to those stored, in one statement. Stored sums are never read, so a page costs what it changes.

use std::marker::PhantomData;

use events::Recorded;
use events::words::Position;
use futures_util::future::BoxFuture;
use futures_util::join;
use tokio_postgres::{Client, Statement};

use super::checkpoint::Checkpoint;
use super::sql::{self, Projection, Sink, SinkError, Version, View};
use super::statements;
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

    fn create<'a>(&'a self, client: &'a mut Client) -> BoxFuture<'a, Result<(), SinkError>> {
        let version = Version { name: R::NAME, number: R::VERSION, tables: R::TABLES };
        Box::pin(async move { version.create(client, &[View::of::<R::Row>()]).await })
    }

    fn open(&self, client: Client, _: usize) -> BoxFuture<'_, Result<Box<dyn Sink>, SinkError>> {
        Box::pin(async move {
            let sink: Box<dyn Sink> = Box::new(RollupSink::<R>::open(client).await?);
            Ok(sink)
        })
    }
}

struct RollupSink<R> {
    client: Client,
    checkpoint: Checkpoint,
    add: Statement,
    rollup: PhantomData<fn() -> R>,
}

impl<R: Rollup> RollupSink<R> {
    async fn open(client: Client) -> Result<Self, SinkError> {
        sql::set_up(&client).await?;
        let checkpoint = Checkpoint::open(&client, R::NAME, R::VERSION).await?;
        let schema = statements::schema(R::NAME, R::VERSION);
        let add = client.prepare(&statements::add::<R::Row>(&schema)).await?;
        Ok(Self { client, checkpoint, add, rollup: PhantomData })
    }

    async fn write(&mut self, facts: &[&Recorded], to: Position) -> Result<(), SinkError> {
        self.checkpoint.position = self.checkpoint.begin(&self.client).await?;
        let to = to.max(self.checkpoint.position);
        let rows = add_up::<R>(self.checkpoint.missing(facts));
        let rows: Vec<&R::Row> = rows.iter().collect();
        let (written, committed) = join!(
            sql::write(&self.client, Some(&self.add), &rows),
            self.checkpoint.commit(&self.client, to),
        );
        written?;
        committed?;
        self.checkpoint.position = to;
        Ok(())
    }
}

impl<R: Rollup> Sink for RollupSink<R> {
    fn apply<'a>(
        &'a mut self,
        facts: &'a [&'a Recorded],
        to: Position,
    ) -> BoxFuture<'a, Result<Position, SinkError>> {
        Box::pin(async move {
            self.write(facts, to).await?;
            Ok(self.checkpoint.position)
        })
    }

    fn position(&self) -> Position {
        self.checkpoint.position
    }
}
