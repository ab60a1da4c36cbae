//! Pages by key: a cursor names the last record seen, so nothing is skipped or shown twice however
//! much is added meanwhile.

use events::access::Access;
use events::personal::Key;

use crate::cache::CountKey;
use crate::cursor;
use crate::fields::{Field, List, Listed};
use crate::filter::sql::Sql;
use crate::filter::{Filter, Value};
use crate::sort::Sort;
use crate::{QueryError, Reader, ReaderLimits, Seen};

/// Which page: the first `first` after a cursor, or the last `last` before one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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

/// Which records of a list, in which order.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Which.
    pub filter: Filter,
    /// In which order.
    pub sort: Sort,
}

impl Reader {
    /// A page of the records that a filter lets through, each with its cursor.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn page<T: Listed>(
        &self,
        access: &Access,
        selection: &Selection,
        page: &PageArgs,
    ) -> Result<Page<(String, Seen<T>)>, QueryError> {
        let Selection { filter, sort } = selection;
        filter.check(self.limits())?;
        let (size, backward) = page.size(self.limits())?;
        let key = self.cursor_key().await?;
        let of = Self::cursors_of::<T>(access, sort);
        let place = |field, text: &Option<String>| {
            text.as_deref().map(|text| place(key, &of, sort, field, text)).transpose()
        };
        let (after, before) = (place("after", &page.after)?, place("before", &page.before)?);
        let mut sql = Self::within(access, T::LIST, filter)?;
        if let Some(after) = &after {
            sort.behind(&mut sql, after);
        }
        if let Some(before) = &before {
            sort.turned().behind(&mut sql, before);
        }
        let order = if backward { sort.turned().order_by() } else { sort.order_by() };
        let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
        let mut items: Vec<Seen<T>> = self.selected(access, sql, &order, limit).await?;
        let more = items.len() > size;
        items.truncate(size);
        let (has_next, has_previous) = match backward {
            true => (before.is_some(), more),
            false => (more, after.is_some()),
        };
        if backward {
            items.reverse();
        }
        let with_cursor = |item: Seen<T>| {
            let place = sort.place::<T>(&item);
            (cursor::seal(key, &of, &cursor::encode(&place)), item)
        };
        let items = items.into_iter().map(with_cursor).collect();
        Ok(Page { items, has_next, has_previous })
    }

    /// The first `limit` rows that a condition lets through, in an order.
    pub(crate) async fn selected<T: Listed>(
        &self,
        access: &Access,
        mut sql: Sql,
        order: &str,
        limit: i64,
    ) -> Result<Vec<Seen<T>>, QueryError> {
        let limit = sql.param(limit, tokio_postgres::types::Type::INT8);
        sql.push(&format!(" {order} limit {limit}"));
        let columns = T::COLUMNS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let rows = self.asked(T::LIST, &columns, &sql).await?;
        self.saw::<T>(T::NAME, &rows)?;
        let seen = |row| T::read(row).map(|row| Seen::by(access, row));
        Ok(rows.iter().map(seen).collect::<Result<_, _>>()?)
    }

    /// How many records a filter lets through.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn count(
        &self,
        access: &Access,
        list: &'static List,
        filter: &Filter,
    ) -> Result<i64, QueryError> {
        filter.check(self.limits())?;
        let sql = Self::within(access, list, filter)?;
        let (access, read_model) = (*access, list.table);
        let key = CountKey { access, read_model, filter: format!("{filter:?}").into_bytes() };
        if let Some(count) = self.cache().count(&key, &[read_model]) {
            return Ok(count);
        }
        let ticket = self.cache().ticket(&[read_model]);
        let rows = self.asked(list, "count(*)", &sql).await?;
        let count = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        self.cache().keep_count(&key, &[read_model], ticket, count);
        Ok(count)
    }

    /// What cursors are signed with: the same for every program at the log.
    pub(crate) async fn cursor_key(&self) -> Result<&Key, QueryError> {
        let read = async || {
            let statement = "select secret from queries.secrets where name = 'cursors'";
            let row = self.client().await?.query_one(statement, &[]).await?;
            let secret: &[u8] = row.try_get(0)?;
            let secret = secret.try_into();
            let wrong = |_| QueryError::Database("the secret of cursors is not whole".to_owned());
            Ok(Key::new(secret.map_err(wrong)?))
        };
        self.cursor_key.get_or_try_init(read).await
    }

    /// What the cursors of a list belong to.
    fn cursors_of<T: Listed>(access: &Access, sort: &Sort) -> String {
        format!("{} of {} by {}", T::NAME, access.organization.0, sort.name())
    }
}

fn place(
    key: &Key,
    of: &str,
    sort: &Sort,
    field: &'static str,
    text: &str,
) -> Result<Vec<Option<Value>>, QueryError> {
    let bytes = cursor::open(key, of, field, text)?;
    let fields: Vec<&Field> = sort.fields().iter().map(|(field, _)| *field).collect();
    cursor::decode(&bytes, &fields).ok_or_else(|| QueryError::Invalid {
        field,
        message: format!("`{text}` is a cursor of an older program; begin the list again"),
    })
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_size_within_the_limit() {
        let limits = ReaderLimits::default();
        for first in [-1, 0, 101] {
            let page = PageArgs { first: Some(first), ..PageArgs::default() };
            assert!(page.size(&limits).is_err(), "{first}");
        }
        assert_eq!(PageArgs::default().size(&limits).unwrap().0, 20);
    }
}
