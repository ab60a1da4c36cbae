//! Record projections in PostgreSQL: the records that a page concerns are read, folded in memory,
//! and written back where they changed.

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;

use events::facts::Facts;
use events::words::Position;
use events::{Event, Recorded};
use futures_util::future::BoxFuture;
use futures_util::join;
use lru::LruCache;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::checkpoint::Checkpoint;
use super::sql::{self, Params, Projection, Sink, SinkError, Version, View};
use super::statements;
use crate::table::{RecordTable, Table};
use crate::{At, Kept, Record, evolve};

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

    fn create<'a>(&'a self, client: &'a mut Client) -> BoxFuture<'a, Result<(), SinkError>> {
        let version = Version { name: R::NAME, number: R::VERSION, tables: R::TABLES };
        let mut views = vec![View::of::<R::Row>(), View::of::<R::Child>()];
        views.retain(|view| !view.table.is_empty());
        Box::pin(async move { version.create(client, &views).await })
    }

    fn open(
        &self,
        client: Client,
        hot_max: usize,
    ) -> BoxFuture<'_, Result<Box<dyn Sink>, SinkError>> {
        Box::pin(async move {
            let sink: Box<dyn Sink> = Box::new(RecordSink::<R>::open(client, hot_max).await?);
            Ok(sink)
        })
    }
}

/// The prepared statements of one table.
struct Statements {
    select: Statement,
    insert: Statement,
    update: Statement,
    delete: Statement,
}

impl Statements {
    async fn prepare<T: RecordTable>(client: &Client, schema: &str) -> Result<Self, SinkError> {
        Ok(Self {
            select: client.prepare(&statements::select::<T>(schema)).await?,
            insert: client.prepare(&statements::insert::<T>(schema)).await?,
            update: client.prepare(&statements::update::<T>(schema)).await?,
            delete: client.prepare(&statements::delete::<T>(schema)).await?,
        })
    }
}

type Key = (Uuid, Uuid);
type KeptOf<R> = Kept<<R as Record>::Row, <R as Record>::Child>;
type Kepts<R> = HashMap<Key, Option<KeptOf<R>>>;

struct RecordSink<R: Record> {
    client: Client,
    checkpoint: Checkpoint,
    rows: Statements,
    children: Option<Statements>,
    /// Records as they stand at the checkpoint, least recently changed first out: those that have
    /// been changed before are likely to be changed again.
    hot: LruCache<Key, KeptOf<R>>,
    hot_max: usize,
}

impl<R: Record> RecordSink<R>
where
    for<'a> &'a R::Fact: TryFrom<&'a Event>,
{
    async fn open(client: Client, hot_max: usize) -> Result<Self, SinkError> {
        sql::set_up(&client).await?;
        let checkpoint = Checkpoint::open(&client, R::NAME, R::VERSION).await?;
        let schema = statements::schema(R::NAME, R::VERSION);
        let children = match R::Child::NAME {
            "" => None,
            _ => Some(Statements::prepare::<R::Child>(&client, &schema).await?),
        };
        let rows = Statements::prepare::<R::Row>(&client, &schema).await?;
        Ok(Self { client, checkpoint, rows, children, hot: LruCache::unbounded(), hot_max })
    }

    async fn write(&mut self, facts: &[&Recorded], to: Position) -> Result<(), SinkError> {
        let before = self.begin(facts).await?;
        let mut after = before.clone();
        for fact in self.checkpoint.missing(facts) {
            let slot = after.entry(key(fact)).or_default();
            *slot = evolve::<R>(slot.take(), &fact.event, &At::from(fact));
        }
        let to = to.max(self.checkpoint.position);
        self.finish(&before, &after, to).await?;
        for (key, kept) in after {
            if let Some(kept) = kept.filter(|_| before.get(&key).is_some_and(Option::is_some)) {
                self.hot.put(key, kept);
            }
        }
        while self.hot.len() > self.hot_max {
            self.hot.pop_lru();
        }
        Ok(())
    }

    /// Locks the checkpoint; the records that facts concern, as they stand there. Most are known
    /// without being read: those that begin with a fact, and the hot ones.
    async fn begin(&mut self, facts: &[&Recorded]) -> Result<Kepts<R>, SinkError> {
        let mut firsts = BTreeMap::new();
        for fact in self.checkpoint.missing(facts) {
            firsts.entry(key(fact)).or_insert(fact.version);
        }
        let mut kept: Kepts<R> = HashMap::with_capacity(firsts.len());
        let mut unknown = Vec::new();
        for (key, version) in &firsts {
            match self.hot.pop(key) {
                Some(hot) => drop(kept.insert(*key, Some(hot))),
                None if *version > 1 => unknown.push(*key),
                None => {}
            }
        }
        let (position, read) =
            join!(self.checkpoint.begin(&self.client), self.read(unknown.iter().copied()));
        let position = position?;
        if position == self.checkpoint.position {
            kept.extend(read?);
            return Ok(kept);
        }
        // Somebody else has written: nothing is known any more.
        self.checkpoint.position = position;
        self.hot.clear();
        self.read(firsts.into_keys()).await
    }

    /// Reads the records with these keys.
    async fn read(&self, keys: impl Iterator<Item = Key>) -> Result<Kepts<R>, SinkError> {
        let (organizations, ids): (Vec<Uuid>, Vec<Uuid>) = keys.unzip();
        if ids.is_empty() {
            return Ok(Kepts::<R>::new());
        }
        let keys: Params<'_> = vec![&organizations, &ids];
        let children = async {
            match &self.children {
                Some(statements) => self.client.query(&statements.select, &keys).await,
                None => Ok(Vec::new()),
            }
        };
        let (rows, children) = join!(self.client.query(&self.rows.select, &keys), children);
        let mut kept: Kepts<R> = HashMap::new();
        for row in rows? {
            let row = R::Row::read(&row)?;
            kept.insert(row.key(), Some(Kept { row, children: Vec::new() }));
        }
        for row in children? {
            let child = R::Child::read(&row)?;
            if let Some(Some(parent)) = kept.get_mut(&child.key()) {
                parent.children.push(child);
            }
        }
        Ok(kept)
    }

    /// Writes what changed and the checkpoint, and commits, in one round trip.
    async fn finish(
        &mut self,
        before: &Kepts<R>,
        after: &Kepts<R>,
        to: Position,
    ) -> Result<(), SinkError> {
        let old = |key: &Key| before.get(key).and_then(Option::as_ref);
        // In order of key, so that rows are locked and pages touched in one order.
        let after: BTreeMap<&Key, _> =
            after.iter().filter(|(key, new)| old(key) != new.as_ref()).collect();
        let gone: Vec<&Key> =
            after.iter().filter(|(_, new)| new.is_none()).map(|(k, _)| *k).collect();
        let new_lines =
            |key: &Key| after.get(key).and_then(|new| new.as_ref()).map(|new| &new.children);
        let stale: Vec<&Key> = after
            .keys()
            .copied()
            .filter(|key| {
                old(key).is_some_and(|old| {
                    !old.children.is_empty() && new_lines(key) != Some(&old.children)
                })
            })
            .collect();
        let kept = after.iter().filter_map(|(key, new)| Some((key, new.as_ref()?)));
        let rows = |is_there: bool| -> Vec<&R::Row> {
            let kept = kept.clone().filter(|(key, _)| old(key).is_some() == is_there);
            kept.map(|(_, kept)| &kept.row).collect()
        };
        let (changed, begun) = (rows(true), rows(false));
        let children: Vec<&R::Child> = kept
            .filter(|(key, kept)| old(key).map(|old| &old.children) != Some(&kept.children))
            .flat_map(|(_, kept)| &kept.children)
            .collect();
        let (client, lines) = (&self.client, self.children.as_ref());
        let (deleted, lines_deleted, written, begun, lines_written, committed) = join!(
            delete(client, Some(&self.rows), &gone),
            delete(client, lines, &stale),
            sql::write::<R::Row>(client, Some(&self.rows.update), &changed),
            sql::write::<R::Row>(client, Some(&self.rows.insert), &begun),
            sql::write::<R::Child>(client, lines.map(|lines| &lines.insert), &children),
            self.checkpoint.commit(client, to),
        );
        for result in [deleted, lines_deleted, written, begun, lines_written, committed] {
            result?;
        }
        self.checkpoint.position = to;
        Ok(())
    }
}

/// The record that a fact concerns.
fn key(fact: &Recorded) -> Key {
    (fact.organization.0, fact.stream_id)
}

async fn delete(
    client: &Client,
    statements: Option<&Statements>,
    keys: &[&Key],
) -> Result<(), tokio_postgres::Error> {
    let Some(statements) = statements.filter(|_| !keys.is_empty()) else {
        return Ok(());
    };
    let (organizations, ids): (Vec<Uuid>, Vec<Uuid>) = keys.iter().map(|key| **key).unzip();
    client.execute(&statements.delete, &[&organizations, &ids]).await.map(drop)
}

impl<R: Record> Sink for RecordSink<R>
where
    for<'a> &'a R::Fact: TryFrom<&'a Event>,
{
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
