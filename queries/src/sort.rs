//! In which order records come: by several fields, and by their ids among equals. What holds
//! nothing comes behind everything else, or, the other way round, before it.

use std::cmp::Ordering;

use projections::table::{Cell, RecordTable};

use crate::QueryError;
use crate::fields::{Field, List};
use crate::filter::Value;
use crate::filter::sql::{Sql, column};

/// How many fields a list may be sorted by.
const SORTS_MAX: usize = 5;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the least to the greatest.
    Ascending,
    /// From the greatest to the least.
    Descending,
}

impl Direction {
    fn word(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }

    fn turned(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// The order of a list: fields, the last of them the id.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort(Vec<(&'static Field, Direction)>);

impl Sort {
    /// By these fields; by the list's own, if there are none.
    ///
    /// # Errors
    /// If they are too many, or one is named twice.
    pub fn by(
        list: &'static List,
        given: &[(&'static Field, Direction)],
    ) -> Result<Self, QueryError> {
        let refused = |message| Err(QueryError::Invalid { field: "sort", message });
        if given.len() > SORTS_MAX {
            let count = given.len();
            return refused(format!("{count} fields to sort by; at most {SORTS_MAX}"));
        }
        let named = |fields: &[(&'static Field, Direction)], column: &str| {
            fields.iter().any(|(field, _)| field.column == column)
        };
        for (index, (field, _)) in given.iter().enumerate() {
            if named(&given[..index], field.column) {
                return refused(format!("{} is named twice", field.column));
            }
        }
        let own = list.sorted.iter();
        let own = own.filter_map(|(column, direction)| Some((list.field(column)?, *direction)));
        let mut fields = if given.is_empty() { own.collect() } else { given.to_vec() };
        if !named(&fields, list.id().column) {
            let direction = fields.last().map_or(Direction::Ascending, |(_, direction)| *direction);
            fields.push((list.id(), direction));
        }
        Ok(Self(fields))
    }

    /// The fields and which way.
    #[must_use]
    pub fn fields(&self) -> &[(&'static Field, Direction)] {
        &self.0
    }

    /// Says which order it is: no other one says the same.
    pub(crate) fn name(&self) -> String {
        let field = |(field, direction): &(&Field, Direction)| {
            format!("{} {}", field.column, direction.word())
        };
        self.0.iter().map(field).collect::<Vec<_>>().join(", ")
    }

    /// The other way round.
    pub(crate) fn turned(&self) -> Self {
        Self(self.0.iter().map(|(field, direction)| (*field, direction.turned())).collect())
    }

    /// Where a record stands.
    pub(crate) fn place<R: RecordTable>(&self, row: &R) -> Vec<Option<Value>> {
        let cell = |field: &Field| row.cell(field.column).unwrap_or(Cell::Null);
        self.0.iter().map(|(field, _)| Value::of(cell(field))).collect()
    }

    /// Which of two records comes first.
    pub fn compare<R: RecordTable>(&self, one: &R, other: &R) -> Ordering {
        let by_field = |(field, direction): &(&Field, Direction)| {
            let [one, other] = [one, other].map(|row| row.cell(field.column).unwrap_or(Cell::Null));
            let ordering = match (Value::of(one), Value::of(other)) {
                (Some(_), Some(other)) => {
                    other.compared(one, field.folded).unwrap_or(Ordering::Equal)
                }
                (one, other) => one.is_none().cmp(&other.is_none()),
            };
            if *direction == Direction::Descending { ordering.reverse() } else { ordering }
        };
        self.0.iter().map(by_field).find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// `order by …`.
    pub(crate) fn order_by(&self) -> String {
        let field = |(field, direction): &(&Field, Direction)| {
            format!("{} {}", column(field), direction.word())
        };
        format!("order by {}", self.0.iter().map(field).collect::<Vec<_>>().join(", "))
    }

    /// Adds that a record stands behind a place.
    pub(crate) fn behind(&self, sql: &mut Sql, place: &[Option<Value>]) {
        let fields: Vec<_> = self.0.iter().zip(place).collect();
        let one_way = self.0.windows(2).all(|pair| pair[0].1 == pair[1].1);
        if one_way && self.0.iter().all(|(field, _)| !field.nullable) {
            // As one comparison of rows an index finds the place at once.
            let columns: Vec<String> = self.0.iter().map(|(field, _)| column(field)).collect();
            let values = fields
                .iter()
                .filter_map(|((field, _), value)| Some(sql.value(field, value.as_ref()?)));
            let values: Vec<String> = values.collect();
            let sign = if self.0[0].1 == Direction::Ascending { ">" } else { "<" };
            return sql.push(&format!(
                " and ({}) {sign} ({})",
                columns.join(", "),
                values.join(", ")
            ));
        }
        let mut ways = Vec::with_capacity(fields.len());
        for last in 0..fields.len() {
            let (equal, ((field, direction), value)) = (&fields[..last], &fields[last]);
            let Some(beyond) = beyond(sql, field, *direction, value.as_ref()) else { continue };
            let mut way: Vec<String> = Vec::with_capacity(last + 1);
            for ((field, _), value) in equal {
                way.push(match value {
                    Some(value) => format!("{} = {}", column(field), sql.value(field, value)),
                    None => format!("{} is null", column(field)),
                });
            }
            way.push(beyond);
            ways.push(format!("({})", way.join(" and ")));
        }
        // Implied by the ways, and what an index finds.
        let (first, direction) = self.0[0];
        if let (Some(value), Some(sign)) = (&place[0], sign(first, direction)) {
            let value = sql.value(first, value);
            sql.push(&format!(" and {} {sign}= {value}", column(first)));
        }
        let ways = if ways.is_empty() { "false".to_owned() } else { ways.join(" or ") };
        sql.push(&format!(" and ({ways})"));
    }
}

/// How a field that never holds nothing, or nothing before everything else, is behind a value.
fn sign(field: &Field, direction: Direction) -> Option<&'static str> {
    match direction {
        Direction::Ascending => (!field.nullable).then_some(">"),
        Direction::Descending => Some("<"),
    }
}

/// That a field holds what comes behind a value; none, if nothing does.
fn beyond(
    sql: &mut Sql,
    field: &Field,
    direction: Direction,
    value: Option<&Value>,
) -> Option<String> {
    let column = column(field);
    match (direction, value) {
        (Direction::Ascending, None) => None,
        (Direction::Descending, None) => Some(format!("{column} is not null")),
        (Direction::Ascending, Some(value)) => {
            let value = sql.value(field, value);
            Some(match field.nullable {
                true => format!("({column} > {value} or {column} is null)"),
                false => format!("{column} > {value}"),
            })
        }
        (Direction::Descending, Some(value)) => {
            let value = sql.value(field, value);
            Some(format!("{column} < {value}"))
        }
    }
}
