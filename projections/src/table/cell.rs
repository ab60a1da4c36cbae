//! The types that columns can have: their names in PostgreSQL, and what stands in them, as people
//! read it and as it is compared.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value as Json;
use uuid::Uuid;

/// What stands in a column of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// An id.
    Id(Uuid),
    /// A text.
    Text(&'a str),
    /// True or false.
    Truth(bool),
    /// A whole number.
    Whole(i64),
    /// A number with decimals.
    Number(Decimal),
    /// A day.
    Day(NaiveDate),
    /// A moment, exact to the microsecond.
    Time(DateTime<Utc>),
    /// Anything else: it is neither filtered nor sorted by.
    Json(&'a Json),
}

/// A Rust type that a column can have.
pub trait ColumnType {
    /// The type's name in PostgreSQL.
    const NAME: &'static str;

    /// The value as people read it: a number with its decimals and a time are texts, as in GraphQL.
    fn told(&self) -> Json;

    /// The value as it is compared.
    fn cell(&self) -> Cell<'_>;
}

macro_rules! column_types {
    ($($rust:ty => $sql:literal by $told:expr, $cell:expr;)+) => {$(
        impl ColumnType for $rust {
            const NAME: &'static str = $sql;

            fn told(&self) -> Json {
                let told: fn(&Self) -> Json = $told;
                told(self)
            }

            fn cell(&self) -> Cell<'_> {
                let cell: fn(&Self) -> Cell<'_> = $cell;
                cell(self)
            }
        }
    )+};
}

column_types! {
    Uuid => "uuid" by |id| id.to_string().into(), |id| Cell::Id(*id);
    String => "text" by |text| text.as_str().into(), |text| Cell::Text(text);
    bool => "boolean" by |truth| (*truth).into(), |truth| Cell::Truth(*truth);
    i16 => "smallint" by |number| (*number).into(), |number| Cell::Whole((*number).into());
    i32 => "integer" by |number| (*number).into(), |number| Cell::Whole((*number).into());
    i64 => "bigint" by |number| (*number).into(), |number| Cell::Whole(*number);
    // A zero that was stored has no decimals any more, one that was just computed may have.
    Decimal => "numeric" by |number| match number.is_zero() {
        true => "0".into(),
        false => number.to_string().into(),
    }, |number| Cell::Number(*number);
    NaiveDate => "date" by |day| day.to_string().into(), |day| Cell::Day(*day);
    DateTime<Utc> => "timestamptz" by |time| time.to_rfc3339().into(), |time| Cell::Time(*time);
    Json => "jsonb" by Clone::clone, |json| Cell::Json(json);
}

impl<T: ColumnType> ColumnType for Option<T> {
    const NAME: &'static str = T::NAME;

    fn told(&self) -> Json {
        self.as_ref().map_or(Json::Null, T::told)
    }

    fn cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Null, T::cell)
    }
}
