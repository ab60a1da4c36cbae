//! Following the log live: first what is there, then, without a seam, what comes. Followers of a
//! process that are at the same place share what one of them reads; who falls behind reads for
//! itself, and nobody waits for it.

use std::collections::VecDeque;
use std::ops::{Deref, Range};
use std::sync::Arc;

use futures_util::Stream;
use tokio::sync::Mutex;

use super::{Log, LogError, RawFact};
use crate::words::Position;

/// Facts that were read together, in order of position; clones share them.
#[derive(Debug, Clone)]
pub struct Page {
    facts: Arc<[RawFact]>,
    part: Range<usize>,
    behind: bool,
}

impl Page {
    fn whole(facts: Arc<[RawFact]>, behind: bool) -> Self {
        Self { part: 0..facts.len(), facts, behind }
    }

    /// Whether the follower is so far behind the others that it reads for itself: it has to catch
    /// up, or lets facts go and begins at the head.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.behind
    }
}

impl Deref for Page {
    type Target = [RawFact];

    fn deref(&self) -> &[RawFact] {
        &self.facts[self.part.clone()]
    }
}

/// What was read last, for the followers that come to it.
#[derive(Default)]
pub(super) struct Shared {
    pages: Mutex<Pages>,
    /// One a follower.
    followers: Arc<()>,
}

/// Pages behind each other, without a gap.
#[derive(Default)]
struct Pages {
    pages: VecDeque<Arc<[RawFact]>>,
    bytes: usize,
}

fn first(page: &[RawFact]) -> i64 {
    page.first().map_or(0, |fact| fact.position.0)
}

fn last(page: &[RawFact]) -> i64 {
    page.last().map_or(0, |fact| fact.position.0)
}

fn bytes(page: &[RawFact]) -> usize {
    let held = |fact: &RawFact| fact.data.len() + fact.meta.len() + fact.fact_type.len();
    size_of_val(page) + page.iter().map(held).sum::<usize>()
}

impl Pages {
    /// The facts after a position, if they are here.
    fn after(&self, position: i64, facts_max: usize) -> Option<Page> {
        let at = self.pages.partition_point(|page| last(page) <= position);
        let page = self.pages.get(at).filter(|page| first(page) <= position + 1)?;
        let from = page.partition_point(|fact| fact.position.0 <= position);
        let part = from..page.len().min(from + facts_max);
        Some(Page { facts: page.clone(), part, behind: false })
    }

    /// Whether a follower at this position is ahead of what is here, or right behind it.
    fn ends_at_or_before(&self, position: i64) -> bool {
        self.pages.back().is_none_or(|page| last(page) <= position)
    }

    /// Takes in what was read after a position.
    fn push(&mut self, position: i64, page: Arc<[RawFact]>, bytes_max: usize) {
        if self.pages.back().is_some_and(|page| last(page) != position) {
            *self = Self::default();
        }
        self.bytes += bytes(&page);
        self.pages.push_back(page);
        while self.bytes > bytes_max
            && let Some(oldest) = self.pages.pop_front()
        {
            self.bytes -= bytes(&oldest);
        }
    }
}

impl Log {
    /// Everything after a position, in pages of at most `page` facts. Ends with the first error;
    /// begin again from the last position.
    pub fn follow(
        &self,
        mut after: Position,
        page: i64,
    ) -> impl Stream<Item = Result<Page, LogError>> + Send + use<> {
        let log = self.clone();
        let mut head = self.head.subscribe();
        let follower = self.shared.followers.clone();
        async_stream::try_stream! {
            loop {
                head.mark_unchanged();
                if let Some(page) = log.next_page(after, page).await? {
                    after = Position(last(&page));
                    yield page;
                } else if *head.borrow() <= after {
                    let changed = tokio::time::timeout(log.limits.poll_interval, head.changed());
                    // A time-out is the poll underneath: look again.
                    if let Ok(Err(_)) = changed.await { break }
                }
            }
            drop(follower);
        }
    }

    async fn next_page(&self, after: Position, limit: i64) -> Result<Option<Page>, LogError> {
        let read = async || {
            let facts: Arc<[RawFact]> = self.read_all(after, limit).await?.into();
            Ok::<_, LogError>(Some(facts).filter(|facts| !facts.is_empty()))
        };
        // Beside the log's own.
        if Arc::strong_count(&self.shared.followers) <= 2 {
            return Ok(read().await?.map(|facts| Page::whole(facts, false)));
        }
        let mut pages = self.shared.pages.lock().await;
        let facts_max = usize::try_from(limit).unwrap_or(usize::MAX);
        if let Some(page) = pages.after(after.0, facts_max) {
            metrics::counter!("millrace_log_shared_pages_total").increment(1);
            return Ok(Some(page));
        }
        if pages.ends_at_or_before(after.0) {
            // Whoever comes meanwhile waits for this, instead of reading it too.
            let found = read().await?;
            if let Some(facts) = &found {
                pages.push(after.0, facts.clone(), self.limits.shared_bytes_max);
            }
            return Ok(found.map(|facts| Page::whole(facts, false)));
        }
        drop(pages);
        metrics::counter!("millrace_log_behind_pages_total").increment(1);
        Ok(read().await?.map(|facts| Page::whole(facts, true)))
    }
}
