//! Read models in PostgreSQL: rows and checkpoint commit together, so every fact counts exactly
//! once. Which facts come when is the workers' business.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::marker::PhantomData;

use events::words::Position;
use events::{Event, Recorded};
use futures_util::future::BoxFuture;
use futures_util::join;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};
use uuid::Uuid;

use super::statements;
use crate::table::Table;
use crate::{At, Kept, Record, evolve, feature};

/// A projection whose types are not known.
pub trait Projection: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// The version of its fold and tables.
    fn version(&self) -> i32;
    /// The feature whose facts it folds.
    fn feature(&self) -> &'static str;
    /// Creates its tables, its checkpoint and its views, unless they are there.
    fn create<'a>(&'a self, client: &'a mut Client) -> BoxFuture<'a, Result<(), SinkError>>;
    /// Opens it for writing, on a connection of its own.
    fn open(&self, client: Client) -> BoxFuture<'_, Result<Box<dyn Sink>, SinkError>>;
}

/// Writes one projection.
pub trait Sink: Send {
    /// Takes in facts, in order, and holds everything up to `to` then: exactly once, even if
    /// another process writes the same projection. Returns what it holds.
    fn apply<'a>(
        &'a mut self,
        facts: &'a [&'a Recorded],
        to: Position,
    ) -> BoxFuture<'a, Result<Position, SinkError>>;

    /// What it holds, as of the last call.
    fn position(&self) -> Position;
}

/// A read model could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.as_db_error().map_or_else(|| .0.to_string(), ToString::to_string))]
pub struct SinkError(#[from] tokio_postgres::Error);

impl SinkError {
    /// PostgreSQL refuses what is written, so trying again gives the same. Not: it is away, busy,
    /// or stopping.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        let passing = ["08", "25", "40", "53", "55", "57", "58"];
        let state = self.0.code().map(|state| state.code());
        state.is_some_and(|code| !passing.iter().any(|class| code.starts_with(class)))
    }
}

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

    fn feature(&self) -> &'static str {
        feature::<R>()
    }

    fn create<'a>(&'a self, client: &'a mut Client) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(create::<R>(client))
    }

    fn open(&self, client: Client) -> BoxFuture<'_, Result<Box<dyn Sink>, SinkError>> {
        Box::pin(async move {
            let sink: Box<dyn Sink> = Box::new(SqlSink::<R>::open(client).await?);
            Ok(sink)
        })
    }
}

/// Several processes may start at once: one creates, the others find it done.
async fn create<R: Record>(client: &mut Client) -> Result<(), SinkError> {
    const LOCK: i64 = 0x6d69_6c6c_7072_6f6a;
    let schema = statements::schema(R::NAME, R::VERSION);
    let transaction = client.transaction().await?;
    transaction.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let found = "select 1 from projections.checkpoints where name = $1 and version = $2";
    if transaction.query_opt(found, &[&R::NAME, &R::VERSION]).await?.is_none() {
        let tables = R::TABLES;
        let statements =
            format!("create schema {schema}; set local search_path = {schema}; {tables}");
        transaction.batch_execute(&statements).await?;
        let checkpoint =
            "insert into projections.checkpoints (name, version, position) values ($1, $2, 0)";
        transaction.execute(checkpoint, &[&R::NAME, &R::VERSION]).await?;
        show::<R::Row>(&transaction, &schema).await?;
        if !R::Child::NAME.is_empty() {
            show::<R::Child>(&transaction, &schema).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// Makes a table visible under `read`, with its comments. A view that is there keeps its columns
/// in their places, so that whatever stands on it stays: new ones come behind them.
async fn show<T: Table>(transaction: &Transaction<'_>, schema: &str) -> Result<(), SinkError> {
    let shown = "select array(select attname::text from pg_attribute \
        where attrelid = to_regclass('read.' || $1) and attnum > 0 and not attisdropped \
        order by attnum)";
    let shown: Vec<String> = transaction.query_one(shown, &[&T::NAME]).await?.get(0);
    transaction.batch_execute(&statements::view::<T>(schema, &shown)).await?;
    let comments = include_str!("comments.sql").replace("{schema}", schema);
    transaction.batch_execute(&comments.replace("{table}", T::NAME)).await?;
    Ok(())
}

/// The prepared statements of one table.
struct Statements {
    select: Statement,
    upsert: Statement,
    delete: Statement,
}

impl Statements {
    async fn prepare<T: Table>(client: &Client, schema: &str) -> Result<Self, SinkError> {
        Ok(Self {
            select: client.prepare(&statements::select::<T>(schema)).await?,
            upsert: client.prepare(&statements::upsert::<T>(schema)).await?,
            delete: client.prepare(&statements::delete::<T>(schema)).await?,
        })
    }
}

struct SqlSink<R> {
    client: Client,
    position: Position,
    lock: Statement,
    advance: Statement,
    rows: Statements,
    children: Option<Statements>,
    record: PhantomData<fn() -> R>,
}

type Key = (Uuid, Uuid);
type Kepts<R> = HashMap<Key, Option<Kept<<R as Record>::Row, <R as Record>::Child>>>;
type Params<'a> = Vec<&'a (dyn ToSql + Sync)>;

/// A commit need not wait for the disk: what a crash takes back is folded again from the log.
const SETTINGS: &str = "set synchronous_commit = off; set jit = off; \
    set application_name = 'millrace projection'";

impl<R: Record> SqlSink<R>
where
    for<'a> &'a R::Fact: TryFrom<&'a Event>,
{
    async fn open(client: Client) -> Result<Self, SinkError> {
        client.batch_execute(SETTINGS).await?;
        let schema = statements::schema(R::NAME, R::VERSION);
        let lock = "select position from projections.checkpoints \
            where name = $1 and version = $2 for update";
        let advance = "update projections.checkpoints set position = $3, updated_at = now() \
            where name = $1 and version = $2";
        let lock = client.prepare(lock).await?;
        let position = client.query_one(&lock, &[&R::NAME, &R::VERSION]).await?.get(0);
        let children = match R::Child::NAME {
            "" => None,
            _ => Some(Statements::prepare::<R::Child>(&client, &schema).await?),
        };
        Ok(Self {
            position: Position(position),
            lock,
            advance: client.prepare(advance).await?,
            rows: Statements::prepare::<R::Row>(&client, &schema).await?,
            children,
            client,
            record: PhantomData,
        })
    }

    async fn write(&mut self, facts: &[&Recorded], to: Position) -> Result<(), SinkError> {
        let keys: BTreeSet<Key> =
            facts.iter().map(|fact| (fact.organization.0, fact.stream_id)).collect();
        let (organizations, ids): (Vec<Uuid>, Vec<Uuid>) = keys.iter().copied().unzip();
        let before = self.begin(&organizations, &ids).await?;
        let mut after = before.clone();
        for fact in facts.iter().filter(|fact| fact.position > self.position) {
            let slot = after.entry((fact.organization.0, fact.stream_id)).or_default();
            let at = At {
                organization: fact.organization,
                stream_id: fact.stream_id,
                version: fact.version,
                position: fact.position,
                recorded_at: fact.recorded_at,
            };
            *slot = evolve::<R>(slot.take(), &fact.event, &at);
        }
        self.finish(&before, &after, to.max(self.position)).await
    }

    /// Locks the checkpoint, so that two processes take turns, and reads the records, in one
    /// round trip.
    async fn begin(&mut self, organizations: &[Uuid], ids: &[Uuid]) -> Result<Kepts<R>, SinkError> {
        let name: Params<'_> = vec![&R::NAME, &R::VERSION];
        let keys: Params<'_> = vec![&organizations, &ids];
        let children = async {
            match &self.children {
                Some(statements) => self.client.query(&statements.select, &keys).await,
                None => Ok(Vec::new()),
            }
        };
        let (begin, position, rows, children) = join!(
            self.client.batch_execute("begin"),
            self.client.query_one(&self.lock, &name),
            self.client.query(&self.rows.select, &keys),
            children,
        );
        begin?;
        self.position = Position(position?.get(0));
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
        let rows: Vec<&R::Row> = kept.clone().map(|(_, kept)| &kept.row).collect();
        let children: Vec<&R::Child> = kept
            .filter(|(key, kept)| old(key).map(|old| &old.children) != Some(&kept.children))
            .flat_map(|(_, kept)| &kept.children)
            .collect();
        let advance: Params<'_> = vec![&R::NAME, &R::VERSION, &to.0];
        let (deleted, lines_deleted, written, lines_written, advanced, commit) = join!(
            delete(&self.client, Some(&self.rows), &gone),
            delete(&self.client, self.children.as_ref(), &stale),
            write::<R::Row>(&self.client, Some(&self.rows), &rows),
            write::<R::Child>(&self.client, self.children.as_ref(), &children),
            self.client.execute(&self.advance, &advance),
            self.client.batch_execute("commit"),
        );
        for result in [deleted, lines_deleted, written, lines_written, advanced.map(drop), commit] {
            result?;
        }
        self.position = to;
        Ok(())
    }
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

async fn write<T: Table>(
    client: &Client,
    statements: Option<&Statements>,
    rows: &[&T],
) -> Result<(), tokio_postgres::Error> {
    let Some(statements) = statements.filter(|_| !rows.is_empty()) else {
        return Ok(());
    };
    let columns = T::columns(rows);
    let params: Params<'_> = columns.iter().map(|column| column.as_ref() as _).collect();
    client.execute(&statements.upsert, &params).await.map(drop)
}

impl<R: Record> Sink for SqlSink<R>
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
            Ok(self.position)
        })
    }

    fn position(&self) -> Position {
        self.position
    }
}
