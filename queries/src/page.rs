//! Pages by key: a cursor names the last record seen, so nothing is skipped or shown twice however
//! much is added meanwhile.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Utc};
use events::access::Access;
use projections::table::Table;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Param, QueryError, Reader, ReaderLimits, Seen};

/// Records that are listed, the latest first.
pub trait Listed: Table {
    /// Whose permission to read it takes.
    const FEATURE: &'static str;
    /// The column of the time that they are listed by.
    const TIME: &'static str;

    /// Where a record stands in the list.
    fn cursor(&self) -> Cursor;
}

/// Conditions of a query, with their parameters: $1 is the boundary, theirs follow.
#[derive(Clone)]
pub(crate) struct Conditions<'a> {
    text: String,
    params: Vec<Param<'a>>,
}

impl<'a> Conditions<'a> {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { text: "true".to_owned(), params: Vec::new() }
    }

    /// A parameter to be named in a condition.
    pub(crate) fn param(&mut self, param: Param<'a>) -> String {
        self.params.push(param);
        format!("${}", self.params.len() + 1)
    }

    /// All of them.
    pub(crate) fn text(&self) -> String {
        self.text.clone()
    }

    /// Their parameters behind that of the boundary.
    pub(crate) fn with<'b>(&'b self, boundary: Param<'b>) -> Vec<Param<'b>> {
        std::iter::once(boundary).chain(self.params.iter().copied()).collect()
    }

    /// What has to hold too.
    pub(crate) fn and(&mut self, condition: &str) {
        self.text.push_str(" and ");
        self.text.push_str(condition);
    }

    /// A column has to have this value, if there is one.
    pub(crate) fn equal<T: ToSql + Sync>(&mut self, column: &str, value: &'a Option<T>) {
        if let Some(value) = value {
            let param = self.param(value);
            self.and(&format!("{column} = {param}"));
        }
    }

    /// As [`Self::equal`], of a text that somebody typed. PostgreSQL has none with a NUL in it, so
    /// nothing fits that.
    pub(crate) fn equal_text(&mut self, column: &str, value: &'a Option<String>) {
        match value {
            Some(text) if text.contains('\0') => self.and("false"),
            _ => self.equal(column, value),
        }
    }
}

impl Reader {
    /// A page of the records that fulfil the conditions.
    pub(crate) async fn page<T: Listed>(
        &self,
        access: &Access,
        mut conditions: Conditions<'_>,
        page: &PageArgs,
    ) -> Result<Page<Seen<T>>, QueryError> {
        let wanted = page.check(self.limits())?;
        let limit = i64::try_from(wanted.size + 1).unwrap_or(i64::MAX);
        let (time, id) = (T::TIME, T::KEY[1]);
        for (cursor, sign) in [(&wanted.after, '<'), (&wanted.before, '>')] {
            let Some(cursor) = cursor else { continue };
            let (at, after) = (conditions.param(&cursor.at), conditions.param(&cursor.id));
            conditions.and(&format!("({time}, {id}) {sign} ({at}, {after})"));
        }
        let direction = if wanted.backward { "asc" } else { "desc" };
        let order = format!("order by {time} {direction}, {id} {direction}");
        let rows = self.rows_where(access, T::FEATURE, conditions, &order, &limit).await?;
        Ok(wanted.page(rows))
    }

    /// The first `limit` rows that fulfil the conditions, in this order.
    pub(crate) async fn rows_where<'a, T: Table>(
        &self,
        access: &Access,
        feature: &'static str,
        mut conditions: Conditions<'a>,
        order: &str,
        limit: &'a i64,
    ) -> Result<Vec<Seen<T>>, QueryError> {
        let limit = conditions.param(limit);
        let condition = format!("{} {order} limit {limit}", conditions.text);
        self.rows(access, feature, &condition, &conditions.params).await
    }
}

/// Which page: the first `first` after a cursor, or the last `last` before one.
#[derive(Debug, Clone, Default)]
pub struct PageArgs {
    /// How many from the start.
    pub first: Option<i32>,
    /// After which record.
    pub after: Option<String>,
    /// How many from the end.
    pub last: Option<i32>,
    /// Before which record.
    pub before: Option<String>,
}

/// A page of records.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The records, in the list's order.
    pub items: Vec<T>,
    /// Whether the list goes on behind them.
    pub has_next: bool,
    /// Whether the list has some before them.
    pub has_previous: bool,
}

/// A place in a list: a time, and the record's id where times are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The time that the list is ordered by.
    pub at: DateTime<Utc>,
    /// The record.
    pub id: Uuid,
}

impl Cursor {
    /// The opaque text of the cursor.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = self.at.timestamp_micros().to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor in a text.
    ///
    /// # Errors
    /// If no cursor made the text.
    pub fn decode(field: &'static str, text: &str) -> Result<Self, QueryError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let parts = bytes.as_deref().and_then(|bytes| bytes.split_first_chunk::<8>());
        let cursor = parts.and_then(|(micros, id)| {
            let at = DateTime::from_timestamp_micros(i64::from_be_bytes(*micros))?;
            // PostgreSQL knows fewer years than chrono.
            let at = Some(at).filter(|at| (0..=9_999).contains(&at.year()))?;
            Some(Self { at, id: Uuid::from_slice(id).ok()? })
        });
        cursor.ok_or_else(|| QueryError::Invalid {
            field,
            message: format!("`{text}` is no cursor; use one that a page of this list gave you"),
        })
    }
}

/// A page, checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) size: usize,
    pub(crate) backward: bool,
    pub(crate) after: Option<Cursor>,
    pub(crate) before: Option<Cursor>,
}

impl PageArgs {
    /// How many records, at most, and whether from the end.
    pub(crate) fn size(&self, limits: &ReaderLimits) -> Result<(usize, bool), QueryError> {
        let refused = |field, message: String| Err(QueryError::Invalid { field, message });
        let (field, size) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return refused("last", "give `first` or `last`, not both".to_owned());
            }
            (Some(first), None) => ("first", first),
            (None, Some(last)) => ("last", last),
            (None, None) => ("first", i32::try_from(limits.page_default).unwrap_or(i32::MAX)),
        };
        match usize::try_from(size) {
            Ok(size) if (1..=limits.page_max).contains(&size) => Ok((size, self.last.is_some())),
            _ => {
                let max = limits.page_max;
                refused(field, format!("`{field}: {size}` is not between 1 and {max}"))
            }
        }
    }

    pub(crate) fn check(&self, limits: &ReaderLimits) -> Result<Wanted, QueryError> {
        let (size, backward) = self.size(limits)?;
        let cursor = |field, text: &Option<String>| {
            text.as_deref().map(|text| Cursor::decode(field, text)).transpose()
        };
        let after = cursor("after", &self.after)?;
        let before = cursor("before", &self.before)?;
        Ok(Wanted { size, backward, after, before })
    }
}

impl Wanted {
    /// The page in rows that were read in its direction, one more than its size.
    pub(crate) fn page<T>(&self, mut items: Vec<T>) -> Page<T> {
        let more = items.len() > self.size;
        items.truncate(self.size);
        if self.backward {
            items.reverse();
            return Page { items, has_next: self.before.is_some(), has_previous: more };
        }
        Page { items, has_next: more, has_previous: self.after.is_some() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text() {
        let at = DateTime::from_timestamp_micros(1_772_000_000_123_456).unwrap();
        let cursor = Cursor { at, id: Uuid::from_u128(7) };
        assert_eq!(Cursor::decode("after", &cursor.encode()).unwrap(), cursor);
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", "x", "AAAA", "not base64!", &"A".repeat(100)] {
            assert!(Cursor::decode("after", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_page_has_a_size_within_the_limit() {
        let limits = ReaderLimits::default();
        for first in [-1, 0, 101] {
            let page = PageArgs { first: Some(first), ..PageArgs::default() };
            assert!(page.check(&limits).is_err(), "{first}");
        }
        assert_eq!(PageArgs::default().check(&limits).unwrap().size, 20);
    }
}
