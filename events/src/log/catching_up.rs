//! A batch under the tail lock, where this process knows the log but for what others have appended
//! since: that is read, in order, which costs less than to look up every stream and key.

use futures_util::{TryFutureExt, join};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::batch::Connection;
use super::failure::{Failure, Reached};
use super::judge::Tickets;
use super::known::Known;
use super::{Answer, Append};

/// The most facts of others that are read; where there are more, the batch's streams are fewer.
const SINCE_MAX: i64 = 4_096;

/// What came of it.
pub(super) enum CaughtUp {
    /// The batch is judged and, unless all of it is refused, written.
    Done(Vec<Answer>),
    /// What is known is not enough; the tail lock is held.
    Held,
    /// What is known is not enough, or was not so; the tail lock is not held.
    Free,
}

impl Connection {
    /// Writes a batch, if what this process knows by then is enough to judge it.
    pub(super) async fn catch_up_and_write(
        &self,
        appends: &[Append],
        known: &mut Known,
        tickets: &mut Tickets,
    ) -> Result<CaughtUp, Failure> {
        let Some(known_to) = known.position() else { return Ok(CaughtUp::Free) };
        let looked = self.look_since(known_to.0).map_err(Failure::looking);
        let others = self.step(Reached::Look, looked).await?;
        if others.len() as i64 > SINCE_MAX {
            return Ok(CaughtUp::Held);
        }
        known.follow(&others);
        let Some(plan) = known.plan(appends, tickets) else { return Ok(CaughtUp::Held) };
        let judged: Vec<&Append> = appends.iter().collect();
        match self.finish(&judged, &plan.verdict, &plan.base).await {
            Ok(at) => Ok(CaughtUp::Done(plan.verdict.answers_at(at).collect())),
            // A stream that was taken to be new is not, or a key is taken: who and where, a look
            // will tell.
            Err(failure) if failure.is_refusal() => {
                known.forget();
                Ok(CaughtUp::Free)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Takes the tail lock, and reads what came after a position: one more than is wanted, at most.
    async fn look_since(&self, position: i64) -> Result<Vec<Row>, tokio_postgres::Error> {
        let client = &self.line.client;
        let (class, id) = self.lock_key();
        let lock: [&(dyn ToSql + Sync); 2] = [&class, &id];
        let since: [&(dyn ToSql + Sync); 2] = [&position, &(SINCE_MAX + 1)];
        let (begin, lock, others) = join!(
            client.batch_execute("begin"),
            client.execute(&self.lock, &lock),
            client.query(&self.since, &since),
        );
        begin.and(lock.map(drop)).and(others)
    }
}
