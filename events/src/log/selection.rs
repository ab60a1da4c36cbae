//! Reading a part of the log: filters, a range of positions, forward or backward, in pages whose
//! memory is bounded. What is read next is fetched while the reader works on a page.

use std::collections::VecDeque;

use futures_util::stream::{self, Stream, StreamExt};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::read::Facts;
use super::spans::Filter;
use super::{Log, LogError, RawFact, StreamKey};
use crate::words::Position;

/// What to read. The default is everything, forward.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only facts of this organization.
    pub organization: Option<Uuid>,
    /// Only facts of one of these features; empty: of any.
    pub features: Vec<String>,
    /// Only facts of one of these types; empty: of any.
    pub types: Vec<String>,
    /// Only facts of this stream.
    pub stream: Option<StreamKey>,
    /// Only facts with this tag; then the organization has to be stated.
    pub tag: Option<String>,
    /// Only facts behind this position.
    pub after: Position,
    /// Only facts up to this position: *as of* it. None: as of the beginning of the reading. As of
    /// a time: see [`Log::position_at`].
    pub until: Option<Position>,
    /// The last fact first.
    pub backward: bool,
}

/// Ranges of positions that are read ahead of the reader.
const AHEAD: usize = 1;

/// Positions from the first to the second, both included.
type Range = (i64, i64);

impl Log {
    /// What is selected, in pages of at most so many facts, and so many bytes as the limits say
    /// (one fact may exceed them). What is appended after the beginning is not read. Ends with the
    /// first error.
    pub fn read(
        &self,
        selection: Selection,
        page_facts: usize,
    ) -> impl Stream<Item = Result<Vec<RawFact>, LogError>> + Send + use<> {
        let log = self.clone();
        async_stream::try_stream! {
            let mut selection = selection;
            let head = log.head().await?;
            let until = selection.until.map_or(head, |until| until.min(head));
            selection.until = Some(until);
            let page = i64::try_from(page_facts).unwrap_or(i64::MAX).max(1);
            let mut pages = match (&selection.stream, &selection.tag) {
                (Some(stream), _) => log.of_stream(*stream, selection, until, page).boxed(),
                (None, Some(tag)) => log.of_tag(tag.clone(), selection, until, page).boxed(),
                (None, None) => log.of_ranges(selection, until, page).boxed(),
            };
            while let Some(facts) = pages.next().await {
                let facts = facts?;
                if !facts.is_empty() {
                    yield facts;
                }
            }
        }
    }

    fn of_stream(
        &self,
        key: StreamKey,
        selection: Selection,
        until: Position,
        page: i64,
    ) -> impl Stream<Item = Result<Vec<RawFact>, LogError>> + Send + use<> {
        let log = self.clone();
        async_stream::try_stream! {
            let filter = Filter::of(&selection);
            let mut from = if selection.backward { i64::MAX } else { 0 };
            loop {
                let mut facts = log.stream_page(key, from, until, page, selection.backward).await?;
                let Some(last) = facts.last() else { break };
                from = last.version;
                let passed = selection.backward && last.position <= selection.after;
                facts.retain(|fact| fact.position > selection.after && filter.takes(fact));
                yield facts;
                if passed {
                    break;
                }
            }
        }
    }

    fn of_tag(
        &self,
        tag: String,
        selection: Selection,
        until: Position,
        page: i64,
    ) -> impl Stream<Item = Result<Vec<RawFact>, LogError>> + Send + use<> {
        let log = self.clone();
        async_stream::try_stream! {
            let filter = Filter::of(&selection);
            let (mut after, mut until) = (selection.after.0, until.0);
            loop {
                let positions =
                    log.tagged(&filter, &tag, (after, until), page, selection.backward).await?;
                let Some(&last) = positions.last() else { break };
                if selection.backward { until = last - 1 } else { after = last }
                let mut positions = VecDeque::from(positions);
                while !positions.is_empty() {
                    let mut facts = log.at_positions(positions.make_contiguous()).await?;
                    positions.drain(..facts.len().max(1));
                    facts.retain(|fact| filter.takes(fact));
                    yield facts;
                }
            }
        }
    }

    /// By ranges: those that hold nothing of what is selected are skipped, as far as is known.
    fn of_ranges(
        &self,
        selection: Selection,
        until: Position,
        page: i64,
    ) -> impl Stream<Item = Result<Vec<RawFact>, LogError>> + Send + use<> {
        let (log, filter) = (self.clone(), Filter::of(&selection));
        let backward = selection.backward;
        let ranges = log.ranges(filter.clone(), (selection.after.0 + 1, until.0), page, backward);
        let fetching = log.clone();
        let fetched = ranges.map(move |range| {
            let (log, filter) = (fetching.clone(), filter.clone());
            // A task of its own, so that it goes on while the reader works.
            let fetch = async move { log.range_page(&filter, range?, page, backward).await };
            Fetch(tokio::spawn(fetch))
        });
        let fetched = fetched.map(Fetch::done).buffered(1 + AHEAD);
        let filter = Filter::of(&selection);
        async_stream::try_stream! {
            let mut fetched = std::pin::pin!(fetched);
            while let Some(read) = fetched.next().await {
                let (facts, mut rest) = read?;
                yield facts;
                while let Some(range) = rest {
                    let (facts, left) = log.range_page(&filter, range, page, backward).await?;
                    yield facts;
                    rest = left;
                }
            }
        }
    }

    /// Facts of a range, and what of it was not read, for it was too much for a page.
    async fn range_page(
        &self,
        filter: &Filter,
        range: Range,
        page: i64,
        backward: bool,
    ) -> Result<(Vec<RawFact>, Option<Range>), LogError> {
        let client = self.reader().await?;
        let statement = match backward {
            false => include_str!("sql/read_range.sql"),
            true => include_str!("sql/read_range_back.sql"),
        };
        let statement = client.prepare_cached(statement).await?;
        let (features, types) = (filter.features(), filter.types());
        let params: [&(dyn ToSql + Sync); 5] =
            [&range.0, &range.1, &filter.organization, &features, &types];
        let rows = client.query_raw(&statement, params).await?;
        let mut facts = Facts::new(usize::try_from(page).ok(), self.limits.page_bytes_max);
        let whole = facts.take(rows).await?;
        let facts = facts.into_inner();
        let rest = match facts.last() {
            Some(last) if !whole && backward => (range.0, last.position.0 - 1),
            Some(last) if !whole => (last.position.0 + 1, range.1),
            _ => return Ok((facts, None)),
        };
        Ok((facts, Some(rest)))
    }

    async fn tagged(
        &self,
        filter: &Filter,
        tag: &str,
        (after, until): Range,
        page: i64,
        backward: bool,
    ) -> Result<Vec<i64>, LogError> {
        let client = self.reader().await?;
        let statement = match backward {
            false => include_str!("sql/read_tag.sql"),
            true => include_str!("sql/read_tag_back.sql"),
        };
        let statement = client.prepare_cached(statement).await?;
        let (organization, types) = (filter.organization.unwrap_or_default(), filter.types());
        let params: [&(dyn ToSql + Sync); 6] = [&organization, &tag, &after, &until, &types, &page];
        Ok(client.query(&statement, &params).await?.iter().map(|row| row.get(0)).collect())
    }

    /// The facts at these positions, or the first of them, if they are too many bytes.
    async fn at_positions(&self, positions: &[i64]) -> Result<Vec<RawFact>, LogError> {
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/read_positions.sql")).await?;
        let params: [&(dyn ToSql + Sync); 1] = [&positions];
        let rows = client.query_raw(&statement, params).await?;
        let mut facts = Facts::new(None, self.limits.page_bytes_max);
        facts.take(rows).await?;
        Ok(facts.into_inner())
    }

    /// The ranges to read, in order: of a filter those that may hold something.
    fn ranges(
        &self,
        filter: Filter,
        whole: Range,
        page: i64,
        backward: bool,
    ) -> impl Stream<Item = Result<Range, LogError>> + Send + use<> {
        let log = self.clone();
        let begin = (whole, VecDeque::new());
        stream::try_unfold(begin, move |(mut left, mut planned)| {
            let (log, filter) = (log.clone(), filter.clone());
            async move {
                if planned.is_empty() {
                    (planned, left) = log.plan(&filter, left, page, backward).await?;
                }
                Ok(planned.pop_front().map(|range| (range, (left, planned))))
            }
        })
    }
}

/// A fetch under way; it ends with whoever wanted it.
struct Fetch<T>(JoinHandle<Result<T, LogError>>);

impl<T> Fetch<T> {
    async fn done(mut self) -> Result<T, LogError> {
        (&mut self.0).await.unwrap_or_else(|error| Err(LogError::Unavailable(error.to_string())))
    }
}

impl<T> Drop for Fetch<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
