//! Stored rows set against rows that were folded afresh, row by row in order of their keys. What
//! was folded, and up to where, is the caller's business.

use std::cmp::Ordering;
use std::collections::VecDeque;

use events::words::Position;
use serde_json::Value;
use tokio_postgres::{Client, IsolationLevel, Portal, Transaction};

use super::builds::{Build, State};
use super::sql::SinkError;
use super::view::View;

/// Rows that are fetched at once.
const ROWS: i32 = 1_000;

/// The read models as they stood at one moment.
pub struct Snapshot<'a> {
    transaction: Transaction<'a>,
}

/// Where stored rows and a fresh fold differ first.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The row's key: its columns' values, separated by slashes.
    pub key: String,
    /// The first column that differs; none: the row is there or not.
    pub column: Option<String>,
    /// What is stored; none: there is no such row.
    pub stored: Option<String>,
    /// What the fresh fold has.
    pub fresh: Option<String>,
}

impl<'a> Snapshot<'a> {
    /// Sees everything as it is now, for as long as it lives.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn begin(client: &'a mut Client) -> Result<Self, SinkError> {
        let transaction =
            client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
        let transaction = transaction.read_only(true).start().await?;
        transaction.query_one("select 1", &[]).await?;
        Ok(Self { transaction })
    }

    /// The live builds, and how far each of their parts has come.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn live(&self) -> Result<Vec<(Build, Vec<Position>)>, SinkError> {
        let query = format!(
            "select {}, array(select position from projections.parts as p \
             where p.build = b.build order by part) as positions \
             from projections.builds as b where b.state = 'live' order by b.name",
            Build::COLUMNS
        );
        let rows = self.transaction.query(&query, &[]).await?;
        let live = rows.iter().map(|row| {
            let positions: Vec<i64> = row.get("positions");
            (Build::read(row), positions.into_iter().map(Position).collect())
        });
        Ok(live.collect())
    }

    /// Compares a table of a build with that of a copy; how many rows are alike, and the first
    /// difference.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn compare(
        &self,
        fresh: &mut Client,
        view: &View,
        (stored, copy): (&Build, &Build),
    ) -> Result<(u64, Option<Difference>), SinkError> {
        debug_assert_eq!(copy.state, State::Copy);
        let fresh = fresh.transaction().await?;
        let mut left = Rows::open(&self.transaction, view, &stored.schema).await?;
        let mut right = Rows::open(&fresh, view, &copy.schema).await?;
        let mut alike = 0;
        loop {
            let (stored, fresh) = (left.peek().await?, right.peek().await?);
            let order = match (stored, fresh) {
                (None, None) => return Ok((alike, None)),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(stored), Some(fresh)) => stored.0.cmp(&fresh.0),
            };
            if order.is_eq() && stored == fresh {
                alike += 1;
                left.drop_first();
                right.drop_first();
                continue;
            }
            let stored = stored.filter(|_| order.is_le());
            let fresh = fresh.filter(|_| order.is_ge());
            return Ok((alike, Some(difference(view, stored, fresh))));
        }
    }
}

type Row = (String, String);

/// The rows of a table in order of their keys, some at a time.
struct Rows<'a> {
    transaction: &'a Transaction<'a>,
    portal: Portal,
    fetched: VecDeque<Row>,
    ended: bool,
}

impl<'a> Rows<'a> {
    async fn open(
        transaction: &'a Transaction<'a>,
        view: &View,
        schema: &str,
    ) -> Result<Self, SinkError> {
        let key: Vec<String> = view.key.iter().map(|column| format!("t.{column}::text")).collect();
        let key = format!("concat_ws('/', {}) collate \"C\"", key.join(", "));
        // 0 and 0.0 are one number: how many digits it has depends on what was added before.
        let columns = view.columns.iter().map(|(name, sql_type)| match *sql_type {
            "numeric" => format!("'{name}', trim_scale(t.{name})"),
            _ => format!("'{name}', t.{name}"),
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let query = format!(
            "select {key}, json_build_object({columns})::text from {schema}.{} as t order by 1",
            view.table
        );
        let portal = transaction.bind(&query, &[]).await?;
        Ok(Self { transaction, portal, fetched: VecDeque::new(), ended: false })
    }

    async fn peek(&mut self) -> Result<Option<&Row>, SinkError> {
        if self.fetched.is_empty() && !self.ended {
            let rows = self.transaction.query_portal(&self.portal, ROWS).await?;
            self.ended = rows.is_empty();
            self.fetched.extend(rows.iter().map(|row| (row.get(0), row.get(1))));
        }
        Ok(self.fetched.front())
    }

    fn drop_first(&mut self) {
        self.fetched.pop_front();
    }
}

fn difference(view: &View, stored: Option<&Row>, fresh: Option<&Row>) -> Difference {
    let key = stored.or(fresh).map(|row| row.0.clone()).unwrap_or_default();
    let table = view.table.to_owned();
    let parsed = |row: Option<&Row>| row.and_then(|row| serde_json::from_str(&row.1).ok());
    let (stored_row, fresh_row): (Option<Value>, Option<Value>) = (parsed(stored), parsed(fresh));
    let (Some(stored_row), Some(fresh_row)) = (stored_row, fresh_row) else {
        let whole = |row: Option<&Row>| row.map(|row| row.1.clone());
        return Difference { table, key, column: None, stored: whole(stored), fresh: whole(fresh) };
    };
    let differs = |(name, _): &&(&str, &str)| stored_row.get(*name) != fresh_row.get(*name);
    let column = view.columns.iter().find(differs).map(|(name, _)| *name);
    let of = |row: &Value| column.and_then(|column| row.get(column)).map(Value::to_string);
    Difference {
        table,
        key,
        column: column.map(str::to_owned),
        stored: of(&stored_row),
        fresh: of(&fresh_row),
    }
}
