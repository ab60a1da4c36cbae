//! The history of a record: its facts, a page at a time, who did what by which command, and what
//! each changed. That is found by folding them as the read models do, up to the page's end.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use events::log::{RawFact, StreamKey};
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
    /// Where it stands in the history.
    pub place: Place,
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

/// A place in a record's history. Its text is of use for the same record only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The record.
    pub record: Uuid,
    /// The fact's place in the record's stream, from 1.
    pub version: i64,
}

impl Place {
    /// The opaque text of the place.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = self.record.as_bytes().to_vec();
        bytes.extend_from_slice(&self.version.to_be_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place in a text.
    ///
    /// # Errors
    /// If no place made the text.
    pub fn decode(field: &'static str, text: &str) -> Result<Self, QueryError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let parts = bytes.as_deref().and_then(|bytes| bytes.split_last_chunk::<8>());
        let place = parts.and_then(|(record, version)| {
            let version = Some(i64::from_be_bytes(*version)).filter(|version| *version >= 1)?;
            Some(Self { record: Uuid::from_slice(record).ok()?, version })
        });
        place.ok_or_else(|| QueryError::Invalid {
            field,
            message: format!("`{text}` is no cursor; use one that this history gave you"),
        })
    }

    fn of(self, record: Uuid, field: &'static str) -> Result<i64, QueryError> {
        if self.record == record {
            return Ok(self.version);
        }
        let message = "the cursor is of another record's history; use one that this one gave you";
        Err(QueryError::Invalid { field, message: message.to_owned() })
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
    fn span(&self, limits: &ReaderLimits, record: Uuid, facts: i64) -> Result<Span, QueryError> {
        let (size, backward) = self.size(limits)?;
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let version = |field, text: &Option<String>| {
            let place = text.as_deref().map(|text| Place::decode(field, text)?.of(record, field));
            place.transpose()
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
        let span = |(record, page): &(Seen<T>, PageArgs)| {
            let (access, (_, id)) = (record.access(), record.record());
            may_read(&access, T::FEATURE)?;
            let span = page.span(self.limits(), id, record.version())?;
            Ok((StreamKey { organization: access.organization.0, id }, span))
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
                entries[taking.course].push(entry::<T::Record>(taking.raw, before, after));
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
    raw: &RawFact,
    before: Option<&KeptOf<R>>,
    taken: Option<&Option<KeptOf<R>>>,
) -> Entry {
    let meta = Meta::try_from(raw).ok();
    let causation = meta.as_ref().and_then(|meta| meta.causation);
    let changed = |after: &Option<KeptOf<R>>| changes::between::<R>(before, after.as_ref());
    Entry {
        place: Place { record: raw.stream.id, version: raw.version },
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

    fn span(facts: i64, page: &PageArgs) -> (i64, i64) {
        let span = page.span(&ReaderLimits::default(), Uuid::nil(), facts).unwrap();
        (span.after, span.until)
    }

    fn at(version: i64) -> Option<String> {
        Some(Place { record: Uuid::nil(), version }.encode())
    }

    #[test]
    fn a_page_begins_behind_its_cursor_and_ends_before_the_other() {
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
    fn what_is_no_place_is_refused() {
        let zero = Place { record: Uuid::nil(), version: 0 }.encode();
        for text in ["", "x", "AAAA", "not base64!", &"A".repeat(100), &zero] {
            assert!(Place::decode("after", text).is_err(), "{text}");
        }
        let other = Place { record: Uuid::from_u128(7), version: 1 };
        let page = PageArgs { before: Some(other.encode()), ..PageArgs::default() };
        assert!(page.span(&ReaderLimits::default(), Uuid::nil(), 10).is_err());
        assert_eq!(Place::decode("before", &other.encode()).unwrap(), other);
    }
}
