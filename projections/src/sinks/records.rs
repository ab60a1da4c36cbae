//! Record projections in PostgreSQL: the records that a batch concerns are read, folded in memory,
//! and written back where they changed. How, `writing` says.

mod singly;
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
use super::sql::{self, Again, Batch, Poison, Projection, Sink, SinkError, Target};
use super::view::View;
use crate::fold::{Fold, KeptOf};
use crate::table::Table;
use crate::watermarks::changes::{Change as Changing, Changed};
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
    parked_max: usize,
    /// Somebody else has written in between: any row may have changed.
    is_surprised: bool,
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
        Ok(Self {
            client,
            checkpoint,
            parking,
            rows,
            children,
            hot,
            hot_max,
            stopped,
            skips,
            parked_max: target.parked_max,
            is_surprised: false,
        })
    }

    async fn write(&mut self, batch: &Batch<'_>) -> Result<Changed, SinkError> {
        let before = self.begin(batch).await?;
        let changed = self.concerned(batch);
        let outcome = self.fold(before, batch).map_err(SinkError::Fold)?;
        self.finish(&outcome, batch.to).await?;
        self.settle(outcome, batch.to);
        Ok(changed)
    }

    /// The records that the batch may change, each with the last fact that it would take in. A part
    /// that is ahead has some of the facts; who had it may not have told of them.
    fn concerned(&mut self, batch: &Batch<'_>) -> Changed {
        if std::mem::take(&mut self.is_surprised) {
            return Changed::Untold;
        }
        let mut last: HashMap<Key, Position> = HashMap::new();
        for fact in self.checkpoint.held(batch.facts) {
            last.insert(key(fact), fact.position);
        }
        for again in self.checkpoint.again(batch) {
            last.insert(of(again), batch.to);
        }
        let change = |((organization, id), position)| Changing { organization, id, position };
        Changed::of(last.into_iter().map(change).collect())
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
        self.is_surprised = true;
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
        parking::may_park(self.parked_max, self.stopped.len(), &outcome.parked)?;
        let change = Change::<R>::of(&outcome.before, &outcome.after);
        let (client, build) = (&self.client, self.checkpoint.build());
        let rows = write_rows(client, &self.rows, self.children.as_ref(), &change);
        let rest = async {
            join!(
                self.parking.forget_streams(client, build, &outcome.resumed),
                self.parking.park(client, build, &outcome.parked),
                self.checkpoint.commit(client, to),
            )
        };
        // A COPY is sent once the server has answered to its beginning: a commit that is sent along
        // would be there before it, and what was copied not part of what it commits.
        let (written, (resumed, parked, committed)) = match self.copies(&change) {
            false => join!(rows, rest),
            true => {
                if let Err(error) = rows.await {
                    client.batch_execute("rollback").await?;
                    return Err(error.into());
                }
                (Ok(()), rest.await)
            }
        };
        for result in [written, resumed, parked, committed] {
            result?;
        }
        Ok(())
    }

    /// Whether rows or child rows go by COPY.
    fn copies(&self, change: &Change<'_, R>) -> bool {
        let lines = self.children.as_ref();
        self.rows.inserts().copies(change.begun.len())
            || lines.is_some_and(|lines| lines.inserts().copies(change.children.len()))
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
    let (facts, end) = again.until_stopped(skips);
    for fact in facts {
        match R::take(kept.clone(), fact) {
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
