//! How rows of the read models are asked for, with the boundary of their access. Two ask elsewhere:
//! a search, within the same boundary (`search/candidates.rs`), and whoever looks for the
//! organizations themselves (`organizations.rs`). What is parked is no read model's.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use events::access::Access;
use projections::table::Table;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::boundary::boundary;
use crate::fields::List;
use crate::filter::Filter;
use crate::filter::sql::Sql;
use crate::{Param, QueryError, Reader, Seen};

/// How many shapes of lists are kept prepared, by each connection. People may ask for any number of
/// them; the others are planned each time.
const HOT_MAX: usize = 200;

/// The first shapes that were asked for.
#[derive(Default)]
pub(crate) struct Hot(Mutex<HashSet<String>>);

impl Hot {
    fn has(&self, statement: &str) -> bool {
        let mut hot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hot.contains(statement) || (hot.len() < HOT_MAX && hot.insert(statement.to_owned()))
    }
}

impl Reader {
    /// What a filter lets through within the boundary of an access.
    pub(crate) fn within(access: &Access, list: &List, filter: &Filter) -> Result<Sql, QueryError> {
        Ok(Sql::of(&boundary(access, list.feature)?.and(filter.clone()), 0))
    }

    /// Columns of a list's rows as they are now, under conditions from [`Self::within`].
    pub(crate) async fn asked(
        &self,
        list: &List,
        columns: &str,
        sql: &Sql,
    ) -> Result<Vec<Row>, QueryError> {
        let statement = format!("select {columns} from read.{} where {}", list.table, sql.text());
        let client = self.client().await?;
        let params: Vec<(Param<'_>, Type)> = sql.params().collect();
        if !self.hot.has(&statement) {
            return Ok(client.query_typed(&statement, &params).await?);
        }
        let statement = client.prepare_cached(&statement).await?;
        let params: Vec<Param<'_>> = params.into_iter().map(|(param, _)| param).collect();
        Ok(client.query(&statement, &params).await?)
    }

    /// Rows of a read model as it is now. The boundary is added here, so no query can do without;
    /// `condition` is one of those that this program has, and continues `where … and`.
    pub(crate) async fn rows<T: Table>(
        &self,
        access: &Access,
        feature: &'static str,
        condition: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<Seen<T>>, QueryError> {
        let boundary = boundary(access, feature)?;
        let rows = self.within_boundary::<T>((T::NAME, &boundary), condition, params).await?;
        let seen = |row| T::read(row).map(|row| Seen::by(access, row));
        Ok(rows.iter().map(seen).collect::<Result<_, _>>()?)
    }

    /// As [`Self::rows`], as they are stored, and within a boundary that somebody else gives.
    pub(crate) async fn within_boundary<T: Table>(
        &self,
        (read_model, boundary): (&str, &Filter),
        condition: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, QueryError> {
        let boundary = Sql::of(boundary, params.len());
        let columns: Vec<&str> = T::COLUMNS.iter().map(|(name, _)| *name).collect();
        let statement = format!(
            "select {} from read.{} where {} and {condition}",
            columns.join(", "),
            T::NAME,
            boundary.text(),
        );
        let client = self.client().await?;
        let statement = client.prepare_cached(&statement).await?;
        let all: Vec<Param<'_>> =
            params.iter().copied().chain(boundary.params().map(|(param, _)| param)).collect();
        let rows = client.query(&statement, &all).await?;
        self.saw::<T>(read_model, &rows)?;
        Ok(rows)
    }

    /// Notes how far rows of a read model have been seen.
    pub(crate) fn saw<T: Table>(&self, read_model: &str, rows: &[Row]) -> Result<(), QueryError> {
        if let Some(at) = T::COLUMNS.iter().position(|(name, _)| *name == "position") {
            let positions = rows.iter().map(|row| row.try_get::<_, i64>(at));
            let last = positions.collect::<Result<Vec<_>, _>>()?.into_iter().max();
            self.cache().saw(read_model, last.unwrap_or_default());
        }
        Ok(())
    }

    /// The row of a read model that fulfils a condition, if there is one; see [`Self::rows`].
    pub(crate) async fn row<T: Table>(
        &self,
        access: &Access,
        feature: &'static str,
        condition: &str,
        params: &[Param<'_>],
    ) -> Result<Option<Seen<T>>, QueryError> {
        Ok(self.rows(access, feature, condition, params).await?.pop())
    }
}
