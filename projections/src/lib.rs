//! What does it look like now? Pure folds of facts into rows, and the sinks that store them.
//! When they run is the workers' business; who sees the rows is the queries'.

pub mod contacts;
pub mod credit;
pub mod credit_notes;
pub mod customers;
pub mod fold;
pub mod orders;
pub mod organizations;
pub mod parts;
pub mod products;
pub mod sales;
pub mod search;
pub mod sinks;
pub mod skips;
pub mod stock;
pub mod table;
pub mod warehouses;
pub mod watermarks;

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, Utc};
use events::facts::Facts;
use events::words::{OrganizationId, Position};
use events::{Event, Recorded};
use serde::Serialize;
use uuid::Uuid;

use crate::sinks::records::Records;
use crate::sinks::rollups::Rollups;
use crate::sinks::sql::Projection;
use crate::table::{RecordTable, SumTable, Sums};

/// Every projection of this program: a new read model is a file and a line here.
#[must_use]
pub fn all() -> Vec<Box<dyn Projection>> {
    vec![
        Box::new(Records::<organizations::Organizations>::new()),
        Box::new(Records::<customers::Customers>::new()),
        Box::new(Records::<contacts::Contacts>::new()),
        Box::new(Records::<credit::Credits>::new()),
        Box::new(Records::<products::Products>::new()),
        Box::new(Records::<warehouses::Warehouses>::new()),
        Box::new(Records::<stock::StockItems>::new()),
        Box::new(Records::<orders::Orders>::new()),
        Box::new(Records::<credit_notes::CreditNotes>::new()),
        Box::new(Rollups::<sales::SalesByMonth>::new()),
        Box::new(Rollups::<sales::SalesByCustomer>::new()),
        Box::new(Rollups::<sales::SalesByProduct>::new()),
    ]
}

/// A record projection: the row, with its child rows, is the fold of one stream.
pub trait Record: Send + Sync + 'static {
    /// Its name: also that of its main table and of its view in the schema `read`.
    const NAME: &'static str;
    /// Raised with every change of the fold or of the tables.
    const VERSION: i32;
    /// The statements that create its tables, in the schema of this version.
    const TABLES: &'static str;

    /// The facts that it folds.
    type Fact: Facts;
    /// Its row.
    type Row: RecordTable;
    /// Its child rows; [`table::NoChild`] if there are none.
    type Child: RecordTable;

    /// Takes one more fact in. None: there is no such record (any more).
    fn evolve(
        record: Option<Kept<Self::Row, Self::Child>>,
        fact: &Self::Fact,
        at: &At,
    ) -> Option<Kept<Self::Row, Self::Child>>;
}

/// A rollup projection: sums over the facts of many streams. Facts only ever add to them, so the
/// sums are the same in whatever order facts come, and wherever their pages are cut.
pub trait Rollup: Send + Sync + 'static {
    /// Its name: also that of its table and of its view in the schema `read`.
    const NAME: &'static str;
    /// Raised with every change of the deltas or of the table.
    const VERSION: i32;
    /// The statements that create its table, in the schema of this version.
    const TABLES: &'static str;
    /// The features whose facts add something.
    const FEATURES: &'static [&'static str];

    /// Its row.
    type Row: SumTable;

    /// What a fact adds, and to which rows of its organization.
    fn deltas(event: &Event) -> Vec<Delta<Self::Row>>;
}

/// The key of a row, and what is added to it.
pub type Delta<R> = (<R as SumTable>::Key, <R as SumTable>::Sums);

/// A row with its child rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept<R, C> {
    /// The row.
    pub row: R,
    /// Its child rows, in order.
    pub children: Vec<C>,
}

impl<R> From<R> for Kept<R, table::NoChild> {
    fn from(row: R) -> Self {
        Self { row, children: Vec::new() }
    }
}

/// Where and when a fact stands: what a fold knows beside the fact itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The tenant.
    pub organization: OrganizationId,
    /// The record.
    pub stream_id: Uuid,
    /// The fact's place in the record's stream.
    pub version: i64,
    /// The fact's place in the log.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

impl From<&Recorded> for At {
    fn from(fact: &Recorded) -> Self {
        Self {
            organization: fact.organization,
            stream_id: fact.stream_id,
            version: fact.version,
            position: fact.position,
            recorded_at: fact.recorded_at,
        }
    }
}

/// The word that a value has in JSON: `on_hold` for a status, say.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

/// A time as its column holds it: PostgreSQL counts microseconds. So a row that was read and one
/// that was just folded are the same.
pub(crate) fn micros(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(6)
}

/// Applies an event to a record, if it is one of its facts.
pub(crate) fn evolve<R: Record>(
    record: Option<Kept<R::Row, R::Child>>,
    event: &Event,
    at: &At,
) -> Option<Kept<R::Row, R::Child>>
where
    for<'a> &'a R::Fact: TryFrom<&'a Event>,
{
    let Ok(fact) = <&R::Fact>::try_from(event) else {
        return record;
    };
    let mut evolved = R::evolve(record, fact, at)?;
    evolved.row.stamp(at);
    Some(evolved)
}

/// The rows that facts add: a row a key, in order of keys.
pub(crate) fn add_up<'a, R: Rollup>(facts: impl Iterator<Item = &'a Recorded>) -> Vec<R::Row> {
    let mut rows: BTreeMap<_, (<R::Row as SumTable>::Sums, i64)> = BTreeMap::new();
    for fact in facts {
        for (key, delta) in R::deltas(&fact.event) {
            let (sums, position) = rows.entry((fact.organization.0, key)).or_default();
            sums.add(&delta);
            *position = fact.position.0.max(*position);
        }
    }
    let row =
        |((organization, key), (sums, position))| R::Row::of(organization, key, sums, position);
    rows.into_iter().map(row).collect()
}
