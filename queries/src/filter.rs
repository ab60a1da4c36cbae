//! Which records: one typed tree, whatever door it came in by, with two meanings that are the same:
//! SQL (`sql.rs`) for lists, and here, in memory, for records that change while somebody watches.
//! Every test is true or false, also of what holds nothing: that differs from any value.

pub(crate) mod sql;

use std::cmp::Ordering;

use chrono::{DateTime, Datelike, NaiveDate, SubsecRound, Utc};
use projections::table::{Cell, RecordTable};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::fields::{Field, Kind};
use crate::{QueryError, ReaderLimits};

/// Which records.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Those that all of these let through.
    All(Vec<Filter>),
    /// Those that any of these lets through.
    Any(Vec<Filter>),
    /// Those that this does not let through.
    Not(Box<Filter>),
    /// Those of whose field this is true.
    Field(&'static Field, Test),
}

/// What is to be true of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// It holds this.
    Eq(Value),
    /// It does not hold this.
    Ne(Value),
    /// It holds one of these.
    In(Vec<Value>),
    /// It holds less.
    Lt(Value),
    /// It holds this or less.
    Lte(Value),
    /// It holds more.
    Gt(Value),
    /// It holds this or more.
    Gte(Value),
    /// This stands in its text, in these letters.
    Contains(String),
    /// Its text begins with this.
    StartsWith(String),
    /// It holds nothing; or, if this is false, something.
    IsNull(bool),
}

/// A value to compare with, of the kind of its field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An id.
    Id(Uuid),
    /// A text or a word. Texts are ordered by their code points.
    Text(String),
    /// True or false.
    Truth(bool),
    /// A whole number.
    Whole(i64),
    /// A number with decimals.
    Number(Decimal),
    /// A day.
    Day(NaiveDate),
    /// A moment.
    Time(DateTime<Utc>),
}

impl Filter {
    /// Everything.
    #[must_use]
    pub const fn all() -> Self {
        Self::All(Vec::new())
    }

    /// What both let through.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::All(mut all) => {
                all.push(other);
                Self::All(all)
            }
            one => Self::All(vec![one, other]),
        }
    }

    /// Whether a record is among them.
    pub fn fits<R: RecordTable>(&self, row: &R) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.fits(row)),
            Self::Any(any) => any.iter().any(|one| one.fits(row)),
            Self::Not(one) => !one.fits(row),
            Self::Field(field, test) => {
                let cell = row.cell(field.column).unwrap_or(Cell::Null);
                test.is_true_of(cell, field.folded)
            }
        }
    }

    /// Refuses what is too much, and what PostgreSQL and this program would not compare alike.
    ///
    /// # Errors
    /// [`QueryError::Invalid`].
    pub fn check(&self, limits: &ReaderLimits) -> Result<(), QueryError> {
        let max = limits.filter_conditions_max;
        if self.size() > max {
            let message = format!("the filter has more than {max} conditions");
            return Err(QueryError::Invalid { field: "filter", message });
        }
        self.check_values(limits.filter_values_max)
    }

    fn size(&self) -> usize {
        match self {
            Self::All(all) | Self::Any(all) => 1 + all.iter().map(Self::size).sum::<usize>(),
            Self::Not(one) => 1 + one.size(),
            Self::Field(..) => 1,
        }
    }

    fn check_values(&self, values_max: usize) -> Result<(), QueryError> {
        match self {
            Self::All(all) | Self::Any(all) => {
                all.iter().try_for_each(|one| one.check_values(values_max))
            }
            Self::Not(one) => one.check_values(values_max),
            Self::Field(field, test) => test.check(field, values_max),
        }
    }
}

impl Test {
    fn values(&self) -> &[Value] {
        match self {
            Self::Eq(value)
            | Self::Ne(value)
            | Self::Lt(value)
            | Self::Lte(value)
            | Self::Gt(value)
            | Self::Gte(value) => std::slice::from_ref(value),
            Self::In(values) => values,
            Self::Contains(_) | Self::StartsWith(_) | Self::IsNull(_) => &[],
        }
    }

    fn check(&self, field: &Field, values_max: usize) -> Result<(), QueryError> {
        let refused = |message| Err(QueryError::Invalid { field: "filter", message });
        let column = field.column;
        let values = self.values();
        if values.len() > values_max {
            let count = values.len();
            return refused(format!("{column}: `in` has {count} values; at most {values_max}"));
        }
        if !values.iter().all(|value| value.is_of(field.kind)) {
            return refused(format!("{column}: a value is not of its kind"));
        }
        let in_time = values.iter().all(|value| match value {
            Value::Day(day) => (1..=9_999).contains(&day.year()),
            Value::Time(time) => (1..=9_999).contains(&time.year()),
            _ => true,
        });
        if !in_time {
            return refused(format!("{column}: the year is not one of 1 to 9999"));
        }
        let texts = matches!(field.kind, Kind::Text);
        if matches!(self, Self::Contains(_) | Self::StartsWith(_)) && !texts {
            return refused(format!("{column} is no text, so nothing stands in it"));
        }
        Ok(())
    }

    fn is_true_of(&self, cell: Cell<'_>, folded: bool) -> bool {
        let compared = |value: &Value| value.compared(cell, folded);
        let text = |wanted: &str, holds: fn(&str, &str) -> bool| match cell {
            Cell::Text(text) if folded => {
                holds(&text.to_ascii_lowercase(), &wanted.to_ascii_lowercase())
            }
            Cell::Text(text) => holds(text, wanted),
            _ => false,
        };
        match self {
            Self::Eq(value) => compared(value) == Some(Ordering::Equal),
            Self::Ne(value) => compared(value) != Some(Ordering::Equal),
            Self::In(values) => values.iter().any(|value| compared(value) == Some(Ordering::Equal)),
            Self::Lt(value) => compared(value).is_some_and(Ordering::is_lt),
            Self::Lte(value) => compared(value).is_some_and(Ordering::is_le),
            Self::Gt(value) => compared(value).is_some_and(Ordering::is_gt),
            Self::Gte(value) => compared(value).is_some_and(Ordering::is_ge),
            Self::Contains(part) => text(part, |text, part| text.contains(part)),
            Self::StartsWith(start) => text(start, |text, start| text.starts_with(start)),
            Self::IsNull(null) => matches!(cell, Cell::Null) == *null,
        }
    }
}

impl Value {
    /// A moment, as exact as it is kept.
    #[must_use]
    pub fn time(time: DateTime<Utc>) -> Self {
        Self::Time(time.trunc_subsecs(6))
    }

    /// What stands in a field; none, if that is nothing, or nothing to compare with.
    #[must_use]
    pub fn of(cell: Cell<'_>) -> Option<Self> {
        Some(match cell {
            Cell::Id(id) => Self::Id(id),
            Cell::Text(text) => Self::Text(text.to_owned()),
            Cell::Truth(truth) => Self::Truth(truth),
            Cell::Whole(number) => Self::Whole(number),
            Cell::Number(number) => Self::Number(number),
            Cell::Day(day) => Self::Day(day),
            Cell::Time(time) => Self::Time(time),
            Cell::Null | Cell::Json(_) => return None,
        })
    }

    /// Whether it may stand in a field of this kind.
    #[must_use]
    pub fn is_of(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Id(_), Kind::Id)
                | (Self::Text(_), Kind::Text | Kind::Word(_))
                | (Self::Truth(_), Kind::Truth)
                | (Self::Whole(_), Kind::Whole)
                | (Self::Number(_), Kind::Number)
                | (Self::Day(_), Kind::Day)
                | (Self::Time(_), Kind::Time)
        )
    }

    /// How what stands in a field compares with it; none, if nothing stands there.
    pub(crate) fn compared(&self, cell: Cell<'_>, folded: bool) -> Option<Ordering> {
        Some(match (cell, self) {
            (Cell::Id(held), Self::Id(id)) => held.cmp(id),
            (Cell::Text(held), Self::Text(text)) if folded => {
                held.to_ascii_lowercase().cmp(&text.to_ascii_lowercase())
            }
            (Cell::Text(held), Self::Text(text)) => held.cmp(text.as_str()),
            (Cell::Truth(held), Self::Truth(truth)) => held.cmp(truth),
            (Cell::Whole(held), Self::Whole(number)) => held.cmp(number),
            (Cell::Number(held), Self::Number(number)) => held.cmp(number),
            (Cell::Day(held), Self::Day(day)) => held.cmp(day),
            (Cell::Time(held), Self::Time(time)) => held.cmp(time),
            _ => return None,
        })
    }
}
