//! The views of the schema `read`, the only names that queries and BI tools use; and those of the
//! schema `search`, which also show what rows are found by, and which only queries use.

use tokio_postgres::Transaction;

use super::sql::SinkError;
use super::statements;
use crate::table::{NamedType, Table};

/// A table that is to be seen under `read`.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// The table's name, and the view's.
    pub table: &'static str,
    /// Its columns with their PostgreSQL types.
    pub columns: &'static [NamedType],
    /// The columns that its rows are found by.
    pub found_by: &'static [NamedType],
    /// The columns of its primary key.
    pub key: &'static [&'static str],
}

impl View {
    pub(super) const fn of<T: Table>() -> Self {
        Self { table: T::NAME, columns: T::COLUMNS, found_by: T::FOUND_BY, key: T::KEY }
    }

    /// Makes it visible, with its comments.
    pub(super) async fn show(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
    ) -> Result<(), SinkError> {
        create(transaction, ("read", self.table), self.columns, schema).await?;
        if self.found_by.is_empty() {
            return Ok(());
        }
        let columns = [self.columns, self.found_by].concat();
        create(transaction, ("search", self.table), &columns, schema).await?;
        let table = format!("{}_words", self.table);
        let words = format!(
            "create or replace view search.{table} with (security_invoker = true) as \
             select * from {schema}.{table}"
        );
        transaction.batch_execute(&words).await?;
        comment(transaction, ("search", &table), schema).await
    }
}

/// Gives a view the comments of its table.
async fn comment(
    transaction: &Transaction<'_>,
    (place, table): (&str, &str),
    schema: &str,
) -> Result<(), SinkError> {
    let comments = include_str!("comments.sql").replace("{schema}", schema);
    let comments = comments.replace("{place}", place).replace("{table}", table);
    Ok(transaction.batch_execute(&comments).await?)
}

/// Makes a view, with its comments. One that is there keeps its columns in their places, so that
/// whatever stands on it stays: new ones come behind them.
async fn create(
    transaction: &Transaction<'_>,
    (place, table): (&str, &str),
    columns: &[NamedType],
    schema: &str,
) -> Result<(), SinkError> {
    let shown = "select array(select attname::text from pg_attribute \
        where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum)";
    let shown = transaction.query_one(shown, &[&format!("{place}.{table}")]).await?;
    let shown: Vec<String> = shown.get(0);
    let statement = statements::view((place, table), columns, schema, &shown);
    transaction.batch_execute(&statement).await?;
    comment(transaction, (place, table), schema).await
}
