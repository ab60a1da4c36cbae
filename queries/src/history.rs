//! The history of a record: its facts, a page at a time, who did what by which command, and what
//! each changed. That is found by folding them as the read models do, up to the page's end.

use chrono::{DateTime, Utc};
use events::log::{RawFact, StreamKey};
use events::personal::Key;
use events::words::{Meta, Position};
use projections::contacts::{ContactRow, Contacts};
use projections::credit::{CreditRow, Credits};
use projections::credit_notes::{CreditNoteRow, CreditNotes};
use projections::customers::{CustomerRow, Customers};
use projections::fold::{Fold, KeptOf, changes};
use projections::orders::{OrderRow, Orders};
use projections::organizations::{OrganizationRow, Organizations};
use projections::products::{ProductRow, Products};
use projections::stock::{StockItems, StockRow};
use projections::table::RecordTable;
use projections::warehouses::{WarehouseRow, Warehouses};
use uuid::Uuid;

pub use projections::fold::changes::Change;

use crate::boundary::may_read;
use crate::cursor;
use crate::folding::{Course, Taking};
use crate::page::{Page, PageArgs};
use crate::{QueryError, Reader, ReaderLimits, Seen};

/// The row of a record whose history can be read.
pub trait Historic: RecordTable {
    /// Makes the row of the record's facts.
    type Record: Fold<Row = Self>;
    /// Whose permission to read it takes.
    const FEATURE: &'static str;

    /// The record's facts that are in the row.
    fn version(&self) -> i64;
}

macro_rules! historic {
    ($( $row:ty: $record:ty => $feature:literal; )+) => {$(
        impl Historic for $row {
            type Record = $record;
            const FEATURE: &'static str = $feature;

            fn version(&self) -> i64 {
                self.version
            }
        }
    )+};
}

historic! {
    OrganizationRow: Organizations => "organizations";
    CustomerRow: Customers => "customers";
    ContactRow: Contacts => "contacts";
    CreditRow: Credits => "customers";
    ProductRow: Products => "products";
    WarehouseRow: Warehouses => "warehouses";
    StockRow: StockItems => "stock";
    OrderRow: Orders => "orders";
    CreditNoteRow: CreditNotes => "credit_notes";
}

/// A fact of a record's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where it stands in the history, as the world sees it.
    pub cursor: String,
    /// Its place in the record's stream, from 1.
    pub version: i64,
    /// Its place in the log.
    pub position: Position,
    /// Its own id.
    pub event_id: Uuid,
    /// What happened: `order.placed`.
    pub fact_type: String,
    /// The database's clock when it was written.
    pub recorded_at: DateTime<Utc>,
    /// Who, by which command, for which request. None: it is left out of the record, and this
    /// program cannot read that of it either.
    pub meta: Option<Meta>,
    /// The fact that caused it, if a reaction did.
    pub cause: Option<Cause>,
    /// Whether the record goes on without it, by somebody's decision: it could not be taken in.
    pub is_skipped: bool,
    /// What it changed.
    pub changes: Vec<Change>,
}

/// The fact that caused another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// Its id.
    pub event_id: Uuid,
    /// Its place in the log and the record that it belongs to, if it is of this organization.
    pub found: Option<(Position, Uuid)>,
}

/// What the cursors of a record's history are signed with, and which record they belong to.
#[derive(Clone, Copy)]
struct Book<'a> {
    key: &'a Key,
    record: StreamKey,
}

impl Book<'_> {
    fn of(&self) -> String {
        format!("history of {} of {}", self.record.id, self.record.organization)
    }

    fn cursor(&self, version: i64) -> String {
        cursor::seal(self.key, &self.of(), &version.to_be_bytes())
    }

    fn version(&self, field: &'static str, text: &str) -> Result<i64, QueryError> {
        let content = cursor::opened(self.key, &self.of(), text);
        let version = content.and_then(|bytes| Some(i64::from_be_bytes(bytes.try_into().ok()?)));
        version.filter(|version| *version >= 1).ok_or_else(|| QueryError::Invalid {
            field,
            message: format!(
                "`{text}` is no cursor of this history; use one that a page of the same record's \
                 history gave you"
            ),
        })
    }
}

/// The facts of a page: those of versions behind `after`, up to `until`.
#[derive(Debug, Clone, Copy)]
struct Span {
    after: i64,
    until: i64,
}

impl PageArgs {
    /// The page in the history of a record with so many facts.
    fn span(&self, limits: &ReaderLimits, book: Book<'_>, facts: i64) -> Result<Span, QueryError> {
        let (size, backward) = self.size(limits)?;
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let version = |field, text: &Option<String>| {
            text.as_deref().map(|text| book.version(field, text)).transpose()
        };
        let after = version("after", &self.after)?.unwrap_or(0);
        let until = version("before", &self.before)?.map_or(facts, |at| facts.min(at - 1));
        let span = match backward {
            true => Span { after: after.max(until - size), until },
            false => Span { after, until: until.min(after.saturating_add(size)) },
        };
        if usize::try_from(span.until).unwrap_or(0) <= limits.as_of_facts_max {
            return Ok(span);
        }
        let message = format!(
            "the page ends with the record's fact {}, and what its facts changed is told of the \
             first {} (`queries.as_of_facts_max`); ask for earlier ones",
            span.until, limits.as_of_facts_max,
        );
        Err(QueryError::Invalid { field: if backward { "last" } else { "after" }, message })
    }
}

impl Reader {
    /// A page of the facts that made a record what it is in its row, in the order in which they
    /// happened. As of a moment, they are those up to then.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn history<T: Historic>(
        &self,
        record: &Seen<T>,
        page: &PageArgs,
    ) -> Result<Page<Entry>, QueryError> {
        match self.histories(&[(record.clone(), page.clone())]).await?.pop() {
            Some(history) => history,
            None => Err(QueryError::Database("one history was asked for, none came".to_owned())),
        }
    }

    /// As [`Self::history`], of several records of one organization, in their order: their facts
    /// are read together.
    ///
    /// # Errors
    /// [`QueryError`]. What keeps one record from having one stands in its place.
    pub async fn histories<T: Historic>(
        &self,
        wanted: &[(Seen<T>, PageArgs)],
    ) -> Result<Vec<Result<Page<Entry>, QueryError>>, QueryError> {
        let key = self.cursor_key().await?;
        let span = |(record, page): &(Seen<T>, PageArgs)| {
            let (access, (_, id)) = (record.access(), record.record());
            may_read(&access, T::FEATURE)?;
            let stream = StreamKey { organization: access.organization.0, id };
            let book = Book { key, record: stream };
            Ok((stream, page.span(self.limits(), book, record.version())?))
        };
        let spans: Vec<Result<(StreamKey, Span), QueryError>> = wanted.iter().map(span).collect();
        let found = spans.iter().flatten();
        let course = |(stream, span): &(StreamKey, Span)| {
            let is_empty = span.after >= span.until;
            Course::<T::Record>::new(*stream, if is_empty { 0 } else { span.until })
        };
        let mut courses: Vec<_> = found.clone().map(course).collect();
        let after: Vec<i64> = found.map(|(_, span)| span.after).collect();
        let mut entries: Vec<Vec<Entry>> = vec![Vec::new(); courses.len()];
        let told = |taking: Taking<'_, T::Record>| {
            if taking.raw.version > after[taking.course] {
                let (before, after) = (taking.before, taking.after);
                let cursor = Book { key, record: taking.raw.stream }.cursor(taking.raw.version);
                entries[taking.course].push(entry::<T::Record>(cursor, taking.raw, before, after));
            }
        };
        self.fold_all(&mut courses, Position(i64::MAX), told).await?;
        self.find_causes(wanted, &mut entries).await?;
        let mut folded = courses.into_iter().zip(entries);
        let page = |(span, (record, _)): (Result<_, _>, &(Seen<T>, _))| {
            let (stream, span): (StreamKey, Span) = span?;
            let (course, items) = folded.next().unzip();
            let (course, items) = (course, items.unwrap_or_default());
            let at = course.as_ref().map_or(0, Course::at);
            match course.and_then(|course| course.failed) {
                Some(error) => Err(error),
                None if span.after < span.until && at < span.until => {
                    let message = format!("the log lacks fact {} of {}", at + 1, stream.id);
                    Err(QueryError::Database(message))
                }
                None => {
                    let has_next = span.until < record.version();
                    Ok(Page { items, has_next, has_previous: span.after > 0 })
                }
            }
        };
        Ok(spans.into_iter().zip(wanted).map(page).collect())
    }

    /// Looks up where the facts stand that caused those of pages.
    async fn find_causes<T: Historic>(
        &self,
        wanted: &[(Seen<T>, PageArgs)],
        entries: &mut [Vec<Entry>],
    ) -> Result<(), QueryError> {
        let causes = entries.iter_mut().flatten().filter_map(|entry| entry.cause.as_mut());
        let causes: Vec<&mut Cause> = causes.collect();
        let Some((record, _)) = wanted.first().filter(|_| !causes.is_empty()) else {
            return Ok(());
        };
        let organization = record.access().organization.0;
        let ids: Vec<Uuid> = causes.iter().map(|cause| cause.event_id).collect();
        let found = self.vault.log().find(&ids).await?;
        for cause in causes {
            let own = found.get(&cause.event_id);
            let own = own.filter(|fact| fact.stream.organization == organization);
            cause.found = own.map(|fact| (fact.position, fact.stream.id));
        }
        Ok(())
    }
}

/// A fact, with what it made of a record; if nothing was made of it, it is skipped.
fn entry<R: Fold>(
    cursor: String,
    raw: &RawFact,
    before: Option<&KeptOf<R>>,
    taken: Option<&Option<KeptOf<R>>>,
) -> Entry {
    let meta = Meta::try_from(raw).ok();
    let causation = meta.as_ref().and_then(|meta| meta.causation);
    let changed = |after: &Option<KeptOf<R>>| changes::between::<R>(before, after.as_ref());
    Entry {
        cursor,
        version: raw.version,
        position: raw.position,
        event_id: raw.event_id,
        fact_type: raw.fact_type.clone(),
        recorded_at: raw.recorded_at,
        meta,
        cause: causation.map(|event_id| Cause { event_id, found: None }),
        is_skipped: taken.is_none(),
        changes: taken.map(changed).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: StreamKey =
        StreamKey { organization: Uuid::from_u128(1), id: Uuid::from_u128(2) };

    fn book(key: &Key) -> Book<'_> {
        Book { key, record: RECORD }
    }

    #[test]
    fn a_page_begins_behind_its_cursor_and_ends_before_the_other() {
        let key = Key::new([7; 32]);
        let span = |facts, page: &PageArgs| {
            let span = page.span(&ReaderLimits::default(), book(&key), facts).unwrap();
            (span.after, span.until)
        };
        let at = |version| Some(book(&key).cursor(version));
        let (first, last) = (Some(3), Some(3));
        let none = PageArgs::default();
        assert_eq!(span(10, &none), (0, 10));
        assert_eq!(span(50, &none), (0, 20));
        assert_eq!(span(10, &PageArgs { first, ..none.clone() }), (0, 3));
        assert_eq!(span(10, &PageArgs { first, after: at(8), ..none.clone() }), (8, 10));
        assert_eq!(span(10, &PageArgs { last, ..none.clone() }), (7, 10));
        assert_eq!(span(10, &PageArgs { last, before: at(2), ..none.clone() }), (0, 1));
        let between = PageArgs { after: at(2), before: at(9), ..none.clone() };
        assert_eq!(span(10, &PageArgs { last, ..between.clone() }), (5, 8));
        assert_eq!(span(10, &PageArgs { first, ..between }), (2, 5));
        assert_eq!(span(10, &PageArgs { after: at(i64::MAX), ..none }), (i64::MAX, 10));
    }

    #[test]
    fn a_cursor_is_taken_by_the_record_and_the_log_that_gave_it_alone() {
        let (key, other) = (Key::new([7; 32]), Key::new([8; 32]));
        let own = book(&key);
        assert_eq!(own.version("after", &own.cursor(3)).ok(), Some(3));
        let another = Book { record: StreamKey { id: Uuid::nil(), ..RECORD }, ..own };
        let elsewhere = Book { record: StreamKey { organization: Uuid::nil(), ..RECORD }, ..own };
        for book in [another, elsewhere, book(&other)] {
            assert!(book.version("after", &own.cursor(3)).is_err());
        }
        let short = cursor::seal(&key, &own.of(), &[0, 0, 1]);
        for text in ["", "x", "AAAA", "not base64!", &"A".repeat(100), &own.cursor(0), &short] {
            assert!(own.version("after", text).is_err(), "{text}");
        }
    }
}
