//! How far a projection has come, durably. Whoever writes it holds the checkpoint's lock from
//! reading it to committing, so two processes take turns and every fact counts once.

use events::Recorded;
use events::words::Position;
use futures_util::join;
use tokio_postgres::{Client, Statement};

use super::sql::{Params, SinkError};

/// The checkpoint of one version of a projection.
pub(super) struct Checkpoint {
    name: &'static str,
    version: i32,
    lock: Statement,
    advance: Statement,
    /// What it was when it was locked or advanced last.
    pub(super) position: Position,
}

impl Checkpoint {
    pub(super) async fn open(
        client: &Client,
        name: &'static str,
        version: i32,
    ) -> Result<Self, SinkError> {
        let lock = "select position from projections.checkpoints \
            where name = $1 and version = $2 for update";
        let advance = "update projections.checkpoints set position = $3, updated_at = now() \
            where name = $1 and version = $2";
        let lock = client.prepare(lock).await?;
        let position = Position(client.query_one(&lock, &[&name, &version]).await?.get(0));
        let advance = client.prepare(advance).await?;
        Ok(Self { name, version, lock, advance, position })
    }

    /// Begins a transaction that holds the checkpoint; what it is.
    pub(super) async fn begin(&self, client: &Client) -> Result<Position, tokio_postgres::Error> {
        let name: Params<'_> = vec![&self.name, &self.version];
        let lock = client.query_one(&self.lock, &name);
        let (begun, row) = join!(client.batch_execute("begin"), lock);
        begun?;
        Ok(Position(row?.get(0)))
    }

    /// Moves the checkpoint, and commits.
    pub(super) async fn commit(
        &self,
        client: &Client,
        to: Position,
    ) -> Result<(), tokio_postgres::Error> {
        let params: Params<'_> = vec![&self.name, &self.version, &to.0];
        let advance = client.execute(&self.advance, &params);
        let (advanced, committed) = join!(advance, client.batch_execute("commit"));
        advanced?;
        committed
    }

    /// The facts that are not in the rows yet.
    pub(super) fn missing<'a>(
        &self,
        facts: &'a [&'a Recorded],
    ) -> impl Iterator<Item = &'a Recorded> {
        let position = self.position;
        facts.iter().copied().filter(move |fact| fact.position > position)
    }
}
