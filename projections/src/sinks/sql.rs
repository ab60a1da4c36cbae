//! Read models in PostgreSQL: rows and checkpoint commit together, so every fact counts exactly
//! once. What every sort of projection shares is here; the sorts are beside it. Which facts come
//! when is the workers' business.

use events::Recorded;
use events::words::Position;
use futures_util::future::BoxFuture;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement, Transaction};

use super::statements;
use crate::table::{NamedType, Table};

/// A projection whose types are not known.
pub trait Projection: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// The version of its fold and tables.
    fn version(&self) -> i32;
    /// The features whose facts it folds.
    fn features(&self) -> &'static [&'static str];
    /// Creates its tables, its checkpoint and its views, unless they are there.
    fn create<'a>(&'a self, client: &'a mut Client) -> BoxFuture<'a, Result<(), SinkError>>;
    /// Opens it for writing, on a connection of its own; of a record projection so many records at
    /// most are kept in memory.
    fn open(
        &self,
        client: Client,
        hot_max: usize,
    ) -> BoxFuture<'_, Result<Box<dyn Sink>, SinkError>>;
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

pub(super) type Params<'a> = Vec<&'a (dyn ToSql + Sync)>;

/// A commit need not wait for the disk: what a crash takes back is folded again from the log.
/// Rows are found by their keys, by plans made anew for each page: one made while the tables were
/// empty would read all of them, or go by any index, until the next ANALYZE.
const SETTINGS: &str = "set synchronous_commit = off; set jit = off; \
    set plan_cache_mode = force_custom_plan; \
    set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; \
    set application_name = 'millrace projection'";

/// Makes a connection one that read models are written on.
pub(super) async fn set_up(client: &Client) -> Result<(), SinkError> {
    Ok(client.batch_execute(SETTINGS).await?)
}

/// A version of a projection, to be created.
pub(super) struct Version {
    /// The projection.
    pub(super) name: &'static str,
    /// The version of its fold and tables.
    pub(super) number: i32,
    /// The statements that create its tables, in the schema of this version.
    pub(super) tables: &'static str,
}

impl Version {
    /// Creates the schema, the checkpoint and the views. Several processes may start at once: one
    /// creates, the others find it done.
    pub(super) async fn create(
        &self,
        client: &mut Client,
        views: &[View],
    ) -> Result<(), SinkError> {
        const LOCK: i64 = 0x6d69_6c6c_7072_6f6a;
        let Self { name, number, tables } = self;
        let schema = statements::schema(name, *number);
        let transaction = client.transaction().await?;
        transaction.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
        let found = "select 1 from projections.checkpoints where name = $1 and version = $2";
        if transaction.query_opt(found, &[name, number]).await?.is_none() {
            let statements =
                format!("create schema {schema}; set local search_path = {schema}; {tables}");
            transaction.batch_execute(&statements).await?;
            let checkpoint =
                "insert into projections.checkpoints (name, version, position) values ($1, $2, 0)";
            transaction.execute(checkpoint, &[name, number]).await?;
            for view in views {
                view.show(&transaction, &schema).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// A table that is to be seen under `read`.
pub(super) struct View {
    /// The table's name, and the view's.
    pub(super) table: &'static str,
    /// Its columns with their PostgreSQL types.
    pub(super) columns: &'static [NamedType],
}

impl View {
    pub(super) const fn of<T: Table>() -> Self {
        Self { table: T::NAME, columns: T::COLUMNS }
    }

    /// Makes it visible, with its comments. A view that is there keeps its columns in their
    /// places, so that whatever stands on it stays: new ones come behind them.
    async fn show(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), SinkError> {
        let shown = "select array(select attname::text from pg_attribute \
            where attrelid = to_regclass('read.' || $1) and attnum > 0 and not attisdropped \
            order by attnum)";
        let shown: Vec<String> = transaction.query_one(shown, &[&self.table]).await?.get(0);
        transaction.batch_execute(&statements::view(self, schema, &shown)).await?;
        let comments = include_str!("comments.sql").replace("{schema}", schema);
        transaction.batch_execute(&comments.replace("{table}", self.table)).await?;
        Ok(())
    }
}

/// Writes rows by a statement that takes an array for each column; without one there are none.
pub(super) async fn write<T: Table>(
    client: &Client,
    statement: Option<&Statement>,
    rows: &[&T],
) -> Result<(), tokio_postgres::Error> {
    let Some(statement) = statement.filter(|_| !rows.is_empty()) else {
        return Ok(());
    };
    let columns = T::columns(rows);
    let params: Params<'_> = columns.iter().map(|column| column.as_ref() as _).collect();
    client.execute(statement, &params).await.map(drop)
}
