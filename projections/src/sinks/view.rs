//! The views of the schema `read`: the only names that queries and BI tools use.

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
    /// The columns of its primary key.
    pub key: &'static [&'static str],
}

impl View {
    pub(super) const fn of<T: Table>() -> Self {
        Self { table: T::NAME, columns: T::COLUMNS, key: T::KEY }
    }

    /// Makes it visible, with its comments. A view that is there keeps its columns in their
    /// places, so that whatever stands on it stays: new ones come behind them.
    pub(super) async fn show(
        &self,
        transaction: &Transaction<'_>,
        schema: &str,
    ) -> Result<(), SinkError> {
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
