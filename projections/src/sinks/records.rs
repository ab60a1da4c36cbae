//! Record projections in PostgreSQL: the records that a batch concerns are read, folded in memory,
//! and written back where they changed. How, `writing` says.

mod writing;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::marker::PhantomData;

use events::facts::Facts;
use events::words::Position;
use events::{Event, Recorded};
use futures_util::future::BoxFuture;
use futures_util::join;
use lru::LruCache;
use tokio_postgres::Client;
use uuid::Uuid;

use super::checkpoint::Checkpoint;
use super::parking::{self, Parking};
use super::sql::{self, Again, Batch, Kind, Poison, Projection, Sink, SinkError, Target};
use super::view::View;
use crate::fold::KeptOf;
use crate::table::Table;
use crate::{At, Record, evolve};
use writing::{Change, Statements, write_rows};

/// A record projection in SQL.
pub struct Records<R>(PhantomData<fn() -> R>);

impl<R> Records<R> {
    /// The projection of these records.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is only ever named in the registry")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: Record> Projection for Records<R>
where
    for<'a> &'a R::Fact: TryFrom<&'a Event>,
{
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn version(&self) -> i32 {
        R::VERSION
    }

    fn features(&self) -> &'static [&'static str] {
        const { &[R::Fact::FEATURE] }
    }

    fn kind(&self) -> Kind {
        Kind::Record
    }

    fn tables(&self) -> &'static str {
        R::TABLES
    }

    fn views(&self) -> Vec<View> {
        let mut views = vec![View::of::<R::Row>(), View::of::<R::Child>()];
        views.retain(|view| !view.table.is_empty());
        views
    }

    fn open(
        &self,
        client: Client,
        target: Target,
    ) -> BoxFuture<'_, Result<Box<dyn Sink>, SinkError>> {
        Box::pin(async move {
            let sink: Box<dyn Sink> = Box::new(RecordSink::<R>::open(client, target).await?);
            Ok(sink)
        })
    }
}

type Key = (Uuid, Uuid);
type Kepts<R> = HashMap<Key, Option<KeptOf<R>>>;

struct RecordSink<R: Record> {
    client: Client,
    checkpoint: Checkpoint,
    parking: Parking,
    rows: Statements,
    children: Option<Statements>,
    /// Records as they stand at the checkpoint, least recently changed first out: those that have
    /// been changed before are likely to be changed again.
    hot: LruCache<Key, KeptOf<R>>,
    hot_max: usize,
    /// Records that stopped at a fact that is parked.
    stopped: HashSet<Key>,
    /// Facts that are gone on without.
    skips: HashSet<Uuid>,
}

/// What a batch comes to.
struct Outcome<R: Record> {
    before: Kepts<R>,
    after: Kepts<R>,
    parked: Vec<Poison>,
    /// Records that go on.
    resumed: Vec<Key>,
}

impl<R: Record> RecordSink<R>
where
    for<'a> &'a R::Fact: TryFrom<&'a Event>,
{
    async fn open(client: Client, target: Target) -> Result<Self, SinkError> {
        sql::set_up(&client).await?;
        let checkpoint = Checkpoint::open(&client, &target).await?;
        let children = match R::Child::NAME {
            "" => None,
            _ => Some(Statements::prepare::<R::Child>(&client, &target).await?),
        };
        let rows = Statements::prepare::<R::Row>(&client, &target).await?;
        let parking = Parking::prepare(&client).await?;
        let stopped = parking::stopped(&client, target.build.id).await?;
        let skips = target.skips.of(R::NAME, R::VERSION);
        let (hot, hot_max) = (LruCache::unbounded(), target.hot_max);
        Ok(Self { client, checkpoint, parking, rows, children, hot, hot_max, stopped, skips })
    }

    async fn write(&mut self, batch: &Batch<'_>) -> Result<(), SinkError> {
        let before = self.begin(batch).await?;
        let outcome = self.fold(before, batch).map_err(SinkError::Fold)?;
        self.finish(&outcome, batch.to).await?;
        self.settle(outcome, batch.to);
        Ok(())
    }

    /// Locks the parts; the records that the batch concerns, as they stand there. Most are known
    /// without being read: those that begin with a fact, and the hot ones.
    async fn begin(&mut self, batch: &Batch<'_>) -> Result<Kepts<R>, SinkError> {
        let mut firsts = BTreeMap::new();
        for fact in self.checkpoint.missing(batch.facts) {
            firsts.entry(key(fact)).or_insert(fact.version);
        }
        // Whether a record that is folded again is there is only known by looking.
        let again = self.checkpoint.again(batch);
        firsts.extend(again.into_iter().map(|again| (of(again), i64::MAX)));
        let mut kept: Kepts<R> = HashMap::with_capacity(firsts.len());
        let mut unknown = Vec::new();
        for (key, version) in &firsts {
            match self.hot.pop(key) {
                Some(hot) => drop(kept.insert(*key, Some(hot))),
                None if *version > 1 => unknown.push(*key),
                None => {}
            }
        }
        let (moved, read) = {
            let (rows, children) = (&self.rows, self.children.as_ref());
            let read = writing::read::<R>(&self.client, rows, children, &unknown);
            join!(self.checkpoint.begin(&self.client), read)
        };
        if !moved? {
            kept.extend(read?);
            return Ok(kept);
        }
        // Somebody else has written: nothing is known any more.
        self.hot.clear();
        self.stopped = parking::stopped(&self.client, *self.checkpoint.build()).await?;
        let keys: Vec<Key> = firsts.into_keys().collect();
        writing::read::<R>(&self.client, &self.rows, self.children.as_ref(), &keys).await
    }

    /// What the batch comes to; or why a fact cannot be folded.
    fn fold(&mut self, before: Kepts<R>, batch: &Batch<'_>) -> Result<Outcome<R>, String> {
        let mut after = before.clone();
        let (mut parked, ends) = self.unreadable(batch);
        let again: HashMap<Key, &Again> =
            self.checkpoint.again(batch).into_iter().map(|again| (of(again), again)).collect();
        let facts: Vec<&Recorded> = self.checkpoint.missing(batch.facts).collect();
        let goes_on = |fact: &&Recorded| {
            let key = key(fact);
            ends.get(&key).is_none_or(|end| fact.position < *end)
                && !again.contains_key(&key)
                && !self.stopped.contains(&key)
        };
        super::unwound(|| {
            for fact in facts.into_iter().filter(goes_on) {
                let slot = after.entry(key(fact)).or_default();
                *slot = evolve::<R>(slot.take(), &fact.event, &At::from(fact));
            }
        })?;
        let skipped = batch.again.iter().filter(|again| again.skipped);
        self.skips.extend(skipped.map(|again| again.event_id));
        for (key, again) in &again {
            let (kept, stopped) = refold::<R>(again, &self.skips);
            after.insert(*key, kept);
            parked.extend(stopped);
        }
        Ok(Outcome { before, after, parked, resumed: again.into_keys().collect() })
    }

    /// The facts of a batch that records stop at, and the record of each.
    fn unreadable(&self, batch: &Batch<'_>) -> (Vec<Poison>, HashMap<Key, Position>) {
        let (mut parked, mut ends) = (Vec::new(), HashMap::new());
        for poison in batch.unreadable {
            let key = (poison.organization, poison.stream_id);
            let new = self.checkpoint.lacks(key.0, key.1, poison.position)
                && !self.stopped.contains(&key)
                && !self.skips.contains(&poison.event_id)
                && !batch.again.iter().any(|again| of(again) == key);
            if new && !ends.contains_key(&key) {
                ends.insert(key, poison.position);
                parked.push(poison.clone());
            }
        }
        (parked, ends)
    }

    /// Writes what changed and the checkpoint, and commits, in one round trip.
    async fn finish(&mut self, outcome: &Outcome<R>, to: Position) -> Result<(), SinkError> {
        let change = Change::<R>::of(&outcome.before, &outcome.after);
        let (client, build) = (&self.client, self.checkpoint.build());
        let (written, resumed, parked, committed) = join!(
            write_rows(client, &self.rows, self.children.as_ref(), &change),
            self.parking.forget_streams(client, build, &outcome.resumed),
            self.parking.park(client, build, &outcome.parked),
            self.checkpoint.commit(client, to),
        );
        for result in [written, resumed, parked, committed] {
            result?;
        }
        Ok(())
    }

    /// What is known once a batch has committed.
    fn settle(&mut self, outcome: Outcome<R>, to: Position) {
        let Outcome { before, after, parked, resumed } = outcome;
        self.checkpoint.moved(to);
        for key in resumed {
            self.stopped.remove(&key);
        }
        self.stopped.extend(parked.iter().map(|poison| (poison.organization, poison.stream_id)));
        for (key, kept) in after {
            if let Some(kept) = kept.filter(|_| before.get(&key).is_some_and(Option::is_some)) {
                self.hot.put(key, kept);
            }
        }
        while self.hot.len() > self.hot_max {
            self.hot.pop_lru();
        }
    }

    /// As [`Self::write`], a fact at a time: one that cannot be folded, or that PostgreSQL refuses,
    /// is parked.
    async fn write_singly(&mut self, batch: &Batch<'_>) -> Result<(), SinkError> {
        // What was tried in one go before may be open still.
        self.client.batch_execute("rollback").await?;
        self.hot.clear();
        let mut now = self.begin(batch).await?;
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
        Ok(())
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
        let end = again.unreadable.iter().find(|poison| !self.skips.contains(&poison.event_id));
        let before_end = |fact: &&Recorded| end.is_none_or(|end| fact.position < end.position);
        for fact in again.facts.iter().filter(before_end) {
            let fold = || evolve::<R>(now.clone(), &fact.event, &At::from(fact));
            let tried = match super::unwound(fold) {
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

/// The record that a fact concerns.
fn key(fact: &Recorded) -> Key {
    (fact.organization.0, fact.stream_id)
}

fn of(again: &Again) -> Key {
    (again.organization, again.stream_id)
}

/// A record folded from its first fact, and where it stops, if it does.
fn refold<R: Record>(again: &Again, skips: &HashSet<Uuid>) -> (Option<KeptOf<R>>, Option<Poison>)
where
    for<'a> &'a R::Fact: TryFrom<&'a Event>,
{
    let mut kept = None;
    let end = again.unreadable.iter().find(|poison| !skips.contains(&poison.event_id));
    let before_end = |fact: &&Recorded| end.is_none_or(|end| fact.position < end.position);
    for fact in again.facts.iter().filter(before_end) {
        let fold = || evolve::<R>(kept.clone(), &fact.event, &At::from(fact));
        match super::unwound(fold) {
            Ok(evolved) => kept = evolved,
            Err(_) if skips.contains(&fact.event_id) => {}
            Err(error) => return (kept, Some(Poison::of(fact, error))),
        }
    }
    (kept, end.cloned())
}

impl<R: Record> Sink for RecordSink<R>
where
    for<'a> &'a R::Fact: TryFrom<&'a Event>,
{
    fn apply<'a>(&'a mut self, batch: &'a Batch<'a>) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(self.write(batch))
    }

    fn isolate<'a>(&'a mut self, batch: &'a Batch<'a>) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(self.write_singly(batch))
    }

    fn position(&self) -> Position {
        self.checkpoint.position()
    }

    fn reached(&self, organization: Uuid, stream: Uuid) -> Option<Position> {
        self.checkpoint.reached(organization, stream)
    }
}
