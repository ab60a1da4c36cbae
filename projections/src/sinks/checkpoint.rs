//! How far the held parts of a build have come, durably. Whoever writes them holds their rows from
//! reading them to committing, and proves by their epochs that they are still its own: who lost its
//! lease writes nothing.

use events::Recorded;
use events::words::Position;
use futures_util::join;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::sql::{Again, Batch, Held, Params, SinkError, Target};
use crate::parts::{part_of, stream_of};

/// The parts of a build that this process holds.
pub(super) struct Checkpoint {
    build: i64,
    parts: i32,
    held: Vec<Held>,
    numbers: Vec<i32>,
    /// By part: how far it has come; none: it is somebody else's.
    positions: Vec<Option<Position>>,
    lock: Statement,
    advance: Statement,
}

impl Checkpoint {
    pub(super) async fn open(client: &Client, target: &Target) -> Result<Self, SinkError> {
        let lock = "select part, position, epoch from projections.parts \
            where build = $1 and part = any($2) order by part for update";
        let advance = "update projections.parts \
            set position = greatest(position, $3), updated_at = clock_timestamp() \
            where build = $1 and part = any($2)";
        let (lock, advance) = (client.prepare(lock).await?, client.prepare(advance).await?);
        let mut held = target.held.clone();
        held.sort_unstable_by_key(|held| held.part);
        let numbers = held.iter().map(|held| held.part).collect();
        let (build, parts) = (target.build.id, target.build.parts);
        let mut opened = Self { build, parts, held, numbers, positions: Vec::new(), lock, advance };
        opened.begin(client).await?;
        client.batch_execute("commit").await?;
        Ok(opened)
    }

    /// Begins a transaction that holds the parts; whether somebody has moved them since.
    ///
    /// # Errors
    /// [`SinkError::Lost`] among others: they are not this process's any more.
    pub(super) async fn begin(&mut self, client: &Client) -> Result<bool, SinkError> {
        let params: Params<'_> = vec![&self.build, &self.numbers];
        let (begun, rows) = join!(client.batch_execute("begin"), client.query(&self.lock, &params));
        begun?;
        let rows = rows?;
        let own = rows.len() == self.held.len()
            && rows.iter().zip(&self.held).all(|(row, held)| row.get::<_, i64>(2) == held.epoch);
        if !own {
            client.batch_execute("rollback").await?;
            return Err(SinkError::Lost { build: self.build });
        }
        let parts = usize::try_from(self.parts).unwrap_or_default();
        let mut positions = vec![None; parts];
        for row in &rows {
            let part: i32 = row.get(0);
            if let Some(slot) = usize::try_from(part).ok().and_then(|at| positions.get_mut(at)) {
                *slot = Some(Position(row.get(1)));
            }
        }
        let moved = positions != self.positions;
        self.positions = positions;
        Ok(moved)
    }

    /// Moves the parts, and commits.
    pub(super) async fn commit(
        &self,
        client: &Client,
        to: Position,
    ) -> Result<(), tokio_postgres::Error> {
        let params: Params<'_> = vec![&self.build, &self.numbers, &to.0];
        let advance = client.execute(&self.advance, &params);
        let (advanced, committed) = join!(advance, client.batch_execute("commit"));
        advanced?;
        committed
    }

    /// What was committed.
    pub(super) fn moved(&mut self, to: Position) {
        self.positions.iter_mut().flatten().for_each(|position| *position = to.max(*position));
    }

    /// The build whose parts they are.
    pub(super) fn build(&self) -> &i64 {
        &self.build
    }

    /// What all parts hold.
    pub(super) fn position(&self) -> Position {
        self.positions.iter().flatten().copied().min().unwrap_or_default()
    }

    /// Whether something at a position in a stream belongs to a held part, and is not in it yet.
    pub(super) fn lacks(&self, organization: Uuid, stream: Uuid, at: Position) -> bool {
        self.reached(organization, stream).is_some_and(|reached| at > reached)
    }

    /// How far the part of a stream has come; none: it is somebody else's.
    pub(super) fn reached(&self, organization: Uuid, stream: Uuid) -> Option<Position> {
        let part = usize::try_from(part_of(organization, stream, self.parts)).ok()?;
        self.positions.get(part).copied().flatten()
    }

    /// The streams of held parts that are to be tried again, and were not yet.
    pub(super) fn again<'a>(&self, batch: &Batch<'a>) -> Vec<&'a Again> {
        let due =
            |again: &&Again| self.lacks(again.organization, again.stream_id, again.decided_at);
        batch.again.iter().filter(due).collect()
    }

    /// The facts of held parts.
    pub(super) fn held<'a>(&self, facts: &'a [&'a Recorded]) -> impl Iterator<Item = &'a Recorded> {
        let holds = |fact: &&Recorded| self.reached(fact.organization.0, stream_of(fact)).is_some();
        facts.iter().copied().filter(holds)
    }

    /// The facts that are not in the rows yet.
    pub(super) fn missing<'a>(
        &self,
        facts: &'a [&'a Recorded],
    ) -> impl Iterator<Item = &'a Recorded> {
        let lacks =
            |fact: &&Recorded| self.lacks(fact.organization.0, stream_of(fact), fact.position);
        facts.iter().copied().filter(lacks)
    }
}
