//! Which organizations, features and types occur in which range of positions: a coarse index that
//! costs an append nothing, for it is made in the background. Whoever reads a few of the facts
//! skips the ranges that have none; what was not noted yet is read.

use std::collections::VecDeque;
use std::sync::Weak;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper as Client, Pool};
use tokio::sync::watch;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::selection::Selection;
use super::{Log, LogError, RawFact};
use crate::words::Position;

/// Positions of a span.
pub(super) const SPAN: i64 = 4_096;
/// Spans that are made at a time, and looked up at once.
const SPANS_MAX: i64 = 64;

/// What facts are wanted, other than by their place.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub(super) organization: Option<Uuid>,
    features: Vec<String>,
    types: Vec<String>,
}

/// As a parameter: null stands for any.
fn any(names: &[String]) -> Option<&[String]> {
    Some(names).filter(|names| !names.is_empty())
}

impl Filter {
    pub(super) fn of(selection: &Selection) -> Self {
        let Selection { organization, features, types, .. } = selection.clone();
        Self { organization, features, types }
    }

    pub(super) fn features(&self) -> Option<&[String]> {
        any(&self.features)
    }

    pub(super) fn types(&self) -> Option<&[String]> {
        any(&self.types)
    }

    fn is_everything(&self) -> bool {
        self.organization.is_none() && self.features.is_empty() && self.types.is_empty()
    }

    /// Whether a fact is wanted.
    pub(super) fn takes(&self, fact: &RawFact) -> bool {
        self.organization.is_none_or(|organization| organization == fact.stream.organization)
            && self.features().is_none_or(|features| features.contains(&fact.feature))
            && self.types().is_none_or(|types| types.contains(&fact.fact_type))
    }
}

/// Cuts a range into parts of at most so many positions, in order.
fn cut((first, last): (i64, i64), size: i64, backward: bool) -> VecDeque<(i64, i64)> {
    let mut parts = VecDeque::new();
    let mut from = first;
    while from <= last {
        let to = last.min(from.saturating_add(size - 1));
        if backward {
            parts.push_front((from, to))
        } else {
            parts.push_back((from, to))
        }
        from = to + 1;
    }
    parts
}

impl Log {
    /// The next ranges to read of what is left, in order, and what is left then.
    pub(super) async fn plan(
        &self,
        filter: &Filter,
        left: (i64, i64),
        page: i64,
        backward: bool,
    ) -> Result<(VecDeque<(i64, i64)>, (i64, i64)), LogError> {
        let (first, last) = left;
        if first > last {
            return Ok((VecDeque::new(), left));
        }
        let size = page.saturating_mul(SPANS_MAX);
        let (near, rest) = match backward {
            false if last - first >= size => ((first, first + size - 1), (first + size, last)),
            true if last - first >= size => ((last - size + 1, last), (first, last - size)),
            _ => (left, (1, 0)),
        };
        if filter.is_everything() {
            return Ok((cut(near, page, backward), rest));
        }
        let noted = self.spans_end().await?;
        // Behind what is noted, everything is looked through.
        if !backward && first > noted {
            return Ok((cut(near, page, backward), rest));
        }
        if backward && last > noted {
            let from = first.max(noted + 1).max(last.saturating_sub(size - 1));
            return Ok((cut((from, last), page, backward), (first, from - 1)));
        }
        self.noted(filter, (first, last, noted), backward).await
    }

    /// The spans that hold something, as ranges; as far as they are looked up at once.
    async fn noted(
        &self,
        filter: &Filter,
        (first, last, noted): (i64, i64, i64),
        backward: bool,
    ) -> Result<(VecDeque<(i64, i64)>, (i64, i64)), LogError> {
        let client = self.reader().await?;
        let statement = match backward {
            false => include_str!("sql/spans.sql"),
            true => include_str!("sql/spans_back.sql"),
        };
        let statement = client.prepare_cached(statement).await?;
        let (to, features, types) = (last.min(noted), filter.features(), filter.types());
        let params: [&(dyn ToSql + Sync); 6] =
            [&first, &to, &filter.organization, &features, &types, &SPANS_MAX];
        let rows = client.query(&statement, &params).await?;
        let more = rows.len() as i64 == SPANS_MAX;
        let within = |row: &tokio_postgres::Row| {
            (row.get::<_, i64>(0).max(first), row.get::<_, i64>(1).min(to))
        };
        let ranges: VecDeque<(i64, i64)> = rows.iter().map(within).collect();
        let left = match (ranges.back(), backward) {
            (Some(&(_, end)), false) if more => (end + 1, last),
            (Some(&(begin, _)), true) if more => (first, begin - 1),
            (_, false) => (noted + 1, last),
            (_, true) => (1, 0),
        };
        // Nothing of what is noted: what comes behind it is left.
        if ranges.is_empty() && left.0 <= left.1 {
            return Box::pin(self.plan(filter, left, SPAN, backward)).await;
        }
        Ok((ranges, left))
    }

    async fn spans_end(&self) -> Result<i64, LogError> {
        spans_end(&*self.reader().await?).await
    }
}

async fn spans_end(client: &Client) -> Result<i64, LogError> {
    let statement = client.prepare_cached(include_str!("sql/spans_end.sql")).await?;
    Ok(client.query_one(&statement, &[]).await?.get(0))
}

/// Notes what is appended, until the log is closed.
pub(super) async fn run(readers: Pool, head: Weak<watch::Sender<Position>>, poll: Duration) {
    let mut noted = 0;
    while let Some(position) = head.upgrade().map(|head| *head.borrow()) {
        if position.0 >= noted + SPAN {
            match note(&readers, position).await {
                Ok(end) => noted = end,
                Err(error) => {
                    tracing::debug!(%error, "what occurs in the log could not be noted yet");
                    tokio::time::sleep(poll).await;
                }
            }
        } else {
            tokio::time::sleep(poll).await;
        }
    }
}

/// Notes one more span, if there is a whole one: how far spans have been made then.
async fn note(readers: &Pool, head: Position) -> Result<i64, LogError> {
    let client = readers.get().await?;
    let end = spans_end(&client).await?;
    if end + SPAN > head.0 {
        return Ok(end);
    }
    let statement = client.prepare_cached(include_str!("sql/make_span.sql")).await?;
    client.execute(&statement, &[&(end + 1), &(end + SPAN)]).await?;
    Ok(end + SPAN)
}
