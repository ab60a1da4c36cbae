//! Records written a fact at a time, so that what cannot be taken in is parked alone. Slow: only
//! where a batch as a whole was refused.

use std::collections::HashMap;

use events::words::Position;
use events::{Event, Recorded};

use super::super::sql::{self, Again, Batch, Poison, SinkError};
use super::writing::{Change, write_rows};
use super::{Kepts, Key, RecordSink, key, of};
use crate::Record;
use crate::fold::{Fold, KeptOf};
use crate::watermarks::changes::Changed;

impl<R: Record> RecordSink<R>
where
    for<'a> &'a R::Fact: TryFrom<&'a Event>,
{
    /// As [`Self::write`], a fact at a time: one that cannot be folded, or that PostgreSQL refuses,
    /// is parked.
    pub(super) async fn write_singly(&mut self, batch: &Batch<'_>) -> Result<Changed, SinkError> {
        // What was tried in one go before may be open still.
        self.client.batch_execute("rollback").await?;
        self.hot.clear();
        let mut now = self.begin(batch).await?;
        let changed = self.concerned(batch);
        let rest = Batch { facts: &[], ..*batch };
        let mut rest = self.fold(now.clone(), &rest).map_err(SinkError::Fold)?;
        let facts: Vec<&Recorded> = self.checkpoint.missing(batch.facts).collect();
        let mut ended: HashMap<Key, Position> = HashMap::new();
        for poison in &rest.parked {
            ended.insert((poison.organization, poison.stream_id), poison.position);
        }
        for fact in facts {
            let key = key(fact);
            let over = ended.get(&key).is_some_and(|end| fact.position >= *end);
            if over || rest.resumed.contains(&key) {
                continue;
            }
            let one = Batch { facts: &[fact], unreadable: &[], again: &[], to: batch.to };
            let was = HashMap::from([(key, now.get(&key).cloned().flatten())]);
            let done = match self.fold(was, &one) {
                Ok(outcome) => {
                    let tried = self.try_rows(&outcome.before, &outcome.after).await?;
                    tried.map(|()| outcome.after)
                }
                Err(error) => Err(error),
            };
            match done {
                Ok(after) => now.extend(after),
                // It is gone on without, as somebody decided.
                Err(_) if self.skips.contains(&fact.event_id) => {}
                Err(error) => {
                    ended.insert(key, fact.position);
                    rest.parked.push(Poison::of(fact, error));
                }
            }
        }
        for again in self.checkpoint.again(batch) {
            rest.parked.retain(|poison| (poison.organization, poison.stream_id) != of(again));
            let before = rest.before.get(&of(again)).cloned().flatten();
            rest.parked.extend(self.write_again(again, before).await?);
        }
        // The rows are written.
        (rest.before, rest.after) = (HashMap::new(), HashMap::new());
        self.finish(&rest, batch.to).await?;
        self.settle(rest, batch.to);
        Ok(changed)
    }

    /// Folds a record from its first fact and writes it after each: where it stops, if it does.
    async fn write_again(
        &self,
        again: &Again,
        before: Option<KeptOf<R>>,
    ) -> Result<Option<Poison>, SinkError> {
        let key = of(again);
        let one = |kept: Option<KeptOf<R>>| HashMap::from([(key, kept)]);
        let mut now = before;
        // Nothing that was there before is of the new fold.
        let emptied = self.try_rows(&one(now.take()), &one(None)).await?;
        if let (Err(error), Some(first)) = (emptied, again.facts.first()) {
            return Ok(Some(Poison::of(first, error)));
        }
        let (facts, end) = again.until_stopped(&self.skips);
        for fact in facts {
            let tried = match R::take(now.clone(), fact) {
                Ok(next) => {
                    let tried = self.try_rows(&one(now.clone()), &one(next.clone())).await?;
                    tried.map(|()| next)
                }
                Err(error) => Err(error),
            };
            match tried {
                Ok(next) => now = next,
                Err(_) if self.skips.contains(&fact.event_id) => {}
                Err(error) => return Ok(Some(Poison::of(fact, error))),
            }
        }
        Ok(end.cloned())
    }

    /// Writes rows, or leaves them as they are and says why PostgreSQL refuses.
    async fn try_rows(
        &self,
        before: &Kepts<R>,
        after: &Kepts<R>,
    ) -> Result<Result<(), String>, SinkError> {
        let change = Change::<R>::of(before, after);
        let rows = write_rows(&self.client, &self.rows, self.children.as_ref(), &change);
        sql::attempt(&self.client, rows).await
    }
}
