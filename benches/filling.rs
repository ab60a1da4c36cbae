//! Fills a log with facts to measure on: streams of seven facts, and now and then one of a hundred,
//! their ids ordered by time; many streams are open at once.

use std::sync::Arc;

use events::log::{Append, Expected, Log, StreamKey};
use futures_util::future::join_all;
use uuid::Uuid;

use crate::append::{Payloads, stream};

/// Facts of most streams.
const SHORT: i64 = 7;
/// Facts of one stream of each caller at a time.
pub const LONG: i64 = 100;

/// How a log is filled.
#[derive(Debug, Clone, Copy)]
pub struct Filling {
    /// Facts in all; it may become a few more.
    pub facts: usize,
    /// Who append at the same time.
    pub callers: usize,
    /// Facts of an append, each to another stream.
    pub append_facts: usize,
}

/// A stream that is being written.
struct Open {
    key: StreamKey,
    version: i64,
    facts: i64,
}

impl Open {
    fn begin(facts: i64) -> Self {
        Self { key: stream(Uuid::now_v7()), version: 0, facts }
    }
}

impl Filling {
    /// Appends the facts; the streams of a hundred that are whole.
    pub async fn fill(self, log: &Log, payloads: &Arc<Payloads>) -> Vec<StreamKey> {
        let callers = (0..self.callers).map(|caller| {
            let (log, payloads) = (log.clone(), payloads.clone());
            tokio::spawn(async move { self.append(&log, &payloads, caller).await })
        });
        join_all(callers).await.into_iter().flat_map(Result::unwrap).collect()
    }

    async fn append(self, log: &Log, payloads: &Payloads, caller: usize) -> Vec<StreamKey> {
        let appends = self.facts.div_ceil(self.callers * self.append_facts);
        let mut open: Vec<Open> = (0..self.append_facts)
            .map(|place| Open::begin(if place == 0 { LONG } else { SHORT }))
            .collect();
        let mut long = Vec::new();
        for number in 0..appends {
            let facts = open.iter().enumerate();
            let facts = facts.map(|(place, open)| payloads.fact(open.key, caller + number + place));
            let versions = open.iter().map(|open| (open.key, Expected::Exact(open.version)));
            let (expected, facts) = (versions.collect(), facts.collect());
            log.append(Append { expected, facts, ..Append::default() }).await.unwrap();
            for open in &mut open {
                open.version += 1;
                if open.version < open.facts {
                    continue;
                }
                if open.facts == LONG {
                    long.push(open.key);
                }
                *open = Open::begin(open.facts);
            }
        }
        long
    }
}
