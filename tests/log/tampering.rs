//! Claims about the check of a log: whatever somebody does to it who owns the database, the first
//! position concerned is named. A batch of several facts is named by its first and last one.

mod bytes;
mod crowds;
mod deeds;
mod versions;

use std::cell::Cell;
use std::sync::Arc;

use events::log::check::{Check, Checked, Kind, check};
use events::log::{Expected, Hash, NewFact, StreamKey};
use harness::TestApp;
use tokio_postgres::{Client, Config};
use uuid::Uuid;

use super::{append, chain, first, open, sql};

/// The last position of the small log.
const LAST: i64 = 9;

/// Its batches, by their first and last positions.
const BATCHES: [(i64, i64); 5] = [(1, 1), (2, 4), (5, 5), (6, 8), (9, 9)];

/// The streams that each batch writes to, by number: 0 and 2 have one id in two organizations.
const STREAMS: [&[usize]; 5] = [&[0], &[0, 1, 2], &[1], &[0, 2, 3], &[2]];

/// The batch of a position.
fn batch_of(position: i64) -> (i64, i64) {
    let found = BATCHES.into_iter().find(|(first, last)| (*first..=*last).contains(&position));
    found.expect("a position of the small log")
}

fn key(number: usize) -> StreamKey {
    let (organization, id) = [(1, 1), (1, 2), (2, 1), (2, 2)][number];
    StreamKey { organization: Uuid::from_u128(0xa0 + organization), id: Uuid::from_u128(id) }
}

/// A fact with few bytes.
fn tiny(stream: StreamKey, number: u128) -> NewFact {
    NewFact {
        stream,
        feature: "t".into(),
        fact_type: "t.h".into(),
        schema_version: 1,
        event_id: Uuid::from_u128(0xee00 + number),
        data: br#"{"n":1}"#.to_vec(),
        meta: b"{}".to_vec(),
        tags: Vec::new(),
    }
}

/// A log in the hands of somebody who may do anything to it.
struct Victim {
    config: Config,
    client: Client,
    /// How often it was checked.
    checks: Cell<usize>,
}

impl Victim {
    /// The small log.
    async fn small(app: &TestApp) -> Self {
        let log = open(app).await;
        let mut number = 0;
        for streams in STREAMS {
            let facts: Vec<NewFact> = streams
                .iter()
                .map(|stream| {
                    number += 1;
                    tiny(key(*stream), number)
                })
                .collect();
            let expected: Vec<_> = facts.iter().map(|fact| (fact.stream, Expected::Any)).collect();
            first(log.append(append(&expected, facts)).await);
        }
        let victim = Self::of(app).await;
        let query = "select first_position, last_position from log.batches order by last_position";
        let batches = victim.client.query(query, &[]).await.expect("the batches");
        let batches: Vec<(i64, i64)> = batches.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(batches, BATCHES);
        victim
            .run(
                "create table kept_events as table log.events; \
                 create table kept_batches as table log.batches",
            )
            .await;
        victim
    }

    /// The log of this test, with the triggers off that refuse to change it.
    async fn of(app: &TestApp) -> Self {
        let (config, client) = (app.database.config.clone(), sql(app).await);
        let victim = Self { config, client, checks: Cell::new(0) };
        victim
            .run(
                "set synchronous_commit = off; \
                 alter table log.events disable trigger only_added; \
                 alter table log.batches disable trigger only_added",
            )
            .await;
        victim
    }

    async fn run(&self, statements: &str) {
        let done = self.client.batch_execute(statements).await;
        done.unwrap_or_else(|error| panic!("{statements}: {error:?}"));
    }

    /// The small log as it was.
    async fn restore(&self) {
        self.run(
            "begin; delete from log.events; delete from log.batches; \
             insert into log.events table kept_events; \
             insert into log.batches table kept_batches; commit",
        )
        .await;
    }

    /// Checked by ranges of another size each time, and sometimes over several connections.
    async fn checked(&self, head: Option<Hash>) -> Checked {
        let turn = self.checks.get();
        self.checks.set(turn + 1);
        let (range_facts_max, readers_max) = (turn as i64 % (LAST + 1) + 1, turn % 3 + 1);
        let how = Check { head, readers_max, range_facts_max };
        check(&self.config, &how, Arc::new(|_, _| ())).await.expect("a log that can be read")
    }

    /// Where it is wrong, and how.
    async fn wrong(&self, what: &str) -> (i64, i64, Kind) {
        let bad = self.checked(None).await.bad.unwrap_or_else(|| panic!("not found: {what}"));
        (bad.first.expect("a position"), bad.last.expect("a position"), bad.kind)
    }

    /// As [`Self::wrong`]: these positions.
    async fn wrong_at(&self, (first, last): (i64, i64), what: &str) {
        let found = self.wrong(what).await;
        assert_eq!((found.0, found.1), (first, last), "{what}: {:?}", found.2);
    }

    /// Nothing is.
    async fn right(&self, what: &str) {
        assert_eq!(self.checked(None).await.bad, None, "{what}");
    }

    /// The hash of the batch that ends here.
    async fn hash(&self, last: i64) -> Hash {
        let query = "select encode(hash, 'hex') from log.batches where last_position = $1";
        let hash = self.client.query_one(query, &[&last]).await.expect("the batch");
        hash.get::<_, String>(0).parse().expect("a hash")
    }
}
