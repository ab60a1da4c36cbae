//! What records add up to: how many there are, and of each number the sum, the least and the
//! greatest; by day, week or month, and by what tells them apart. Amounts of different currencies
//! and quantities of different units are never added: the measure always tells groups apart.

use chrono::NaiveDate;
use events::access::Access;
use rust_decimal::Decimal;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::fields::{Field, Kind, List};
use crate::filter::sql::Sql;
use crate::filter::{Filter, Value};
use crate::{QueryError, Reader};

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// A day.
    Day,
    /// A week, from Monday (ISO 8601).
    Week,
    /// A calendar month.
    Month,
}

impl Every {
    fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// Periods of a field with days or moments; moments count by the organization's clock.
#[derive(Debug, Clone, Copy)]
pub struct Periods {
    /// Of which field.
    pub field: &'static Field,
    /// How long.
    pub every: Every,
}

/// What is to be added up.
#[derive(Debug, Clone)]
pub struct Aggregation {
    /// Which records.
    pub filter: Filter,
    /// By which periods, if by any.
    pub periods: Option<Periods>,
    /// By which of the list's groups, besides its measure.
    pub groups: Vec<&'static Field>,
}

/// A group of records, and what they add up to.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The first day of its period.
    pub period: Option<NaiveDate>,
    /// What its records have in common.
    pub keys: Vec<(&'static str, Option<Value>)>,
    /// How many records.
    pub count: i64,
    /// Of each of the list's sums, in their order.
    pub sums: Vec<Sums>,
}

/// What a number of a group's records comes to; nothing, where no record has one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sums {
    /// All of them together.
    pub sum: Option<Decimal>,
    /// The least.
    pub min: Option<Decimal>,
    /// The greatest.
    pub max: Option<Decimal>,
}

impl Reader {
    /// What records add up to, in order of periods and then of what they have in common.
    ///
    /// # Errors
    /// [`QueryError`]; also if there are more groups than `queries.groups_max`.
    pub async fn aggregate(
        &self,
        access: &Access,
        list: &'static List,
        asked: &Aggregation,
    ) -> Result<Vec<Group>, QueryError> {
        asked.filter.check(self.limits())?;
        let zone = match asked.periods {
            Some(Periods { field, .. }) if field.kind == Kind::Time => {
                let organization = self.organization(access).await?;
                organization.map_or_else(|| "UTC".to_owned(), |found| found.time_zone.clone())
            }
            _ => "UTC".to_owned(),
        };
        let keys = asked.keys(list)?;
        let mut sql = Self::within(access, list, &asked.filter)?;
        let columns = asked.columns(list, &keys, &mut sql, zone);
        let places: Vec<String> = (1..=usize::from(asked.periods.is_some()) + keys.len())
            .map(|n| n.to_string())
            .collect();
        let max = self.limits().groups_max;
        let limit = sql.param(i64::try_from(max + 1).unwrap_or(i64::MAX), Type::INT8);
        if !places.is_empty() {
            let places = places.join(", ");
            sql.push(&format!(" group by {places} order by {places} limit {limit}"));
        } else {
            sql.push(&format!(" having count(*) > 0 limit {limit}"));
        }
        let rows = self.asked(list, &columns, &sql).await?;
        if rows.len() > max {
            let message = format!(
                "there are more than {max} groups (`queries.groups_max`): ask for fewer records, \
                 longer periods or less that tells them apart"
            );
            return Err(QueryError::Invalid { field: "filter", message });
        }
        rows.iter().map(|row| asked.group(list, &keys, row)).collect()
    }
}

impl Aggregation {
    /// What tells groups apart: the list's measure first.
    fn keys(&self, list: &'static List) -> Result<Vec<&'static Field>, QueryError> {
        let mut keys: Vec<&'static Field> = list.measure().into_iter().collect();
        for field in &self.groups {
            if !list.groups.contains(field) {
                let message = format!("nothing is told apart by {}", field.column);
                return Err(QueryError::Invalid { field: "groupBy", message });
            }
            if !keys.contains(field) {
                keys.push(field);
            }
        }
        Ok(keys)
    }

    fn columns(&self, list: &List, keys: &[&Field], sql: &mut Sql, zone: String) -> String {
        let mut columns = Vec::new();
        if let Some(Periods { field, every }) = self.periods {
            let column = field.column;
            let local = match field.kind {
                Kind::Time => format!("{column} at time zone {}", sql.param(zone, Type::TEXT)),
                _ => format!("{column}::timestamp"),
            };
            columns.push(format!("date_trunc('{}', {local})::date", every.word()));
        }
        columns.extend(keys.iter().map(|field| crate::filter::sql::column(field)));
        columns.push("count(*)".to_owned());
        for Field { column, .. } in list.sums {
            for how in ["sum", "min", "max"] {
                columns.push(format!("{how}({column})::numeric"));
            }
        }
        columns.join(", ")
    }

    fn group(&self, list: &List, keys: &[&'static Field], row: &Row) -> Result<Group, QueryError> {
        let mut column = 0..;
        let mut next = || column.next().unwrap_or_default();
        let period = self.periods.map(|_| row.try_get(next())).transpose()?;
        let key = |field: &&'static Field| Ok((field.column, key(row, next(), field.kind)?));
        let keys = keys.iter().map(key).collect::<Result<_, QueryError>>()?;
        let count = row.try_get(next())?;
        let sums = list.sums.iter().map(|_| {
            let [sum, min, max] = [next(), next(), next()];
            let [sum, min, max] = [row.try_get(sum), row.try_get(min), row.try_get(max)];
            Ok(Sums { sum: sum?, min: min?, max: max? })
        });
        let sums = sums.collect::<Result<_, QueryError>>()?;
        Ok(Group { period, keys, count, sums })
    }
}

fn key(row: &Row, column: usize, kind: Kind) -> Result<Option<Value>, QueryError> {
    Ok(match kind {
        Kind::Id => row.try_get::<_, Option<Uuid>>(column)?.map(Value::Id),
        _ => row.try_get::<_, Option<String>>(column)?.map(Value::Text),
    })
}
