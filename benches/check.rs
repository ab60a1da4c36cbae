//! `check_log`: how fast a whole log is checked: positions, versions of streams, times, chain.

use std::sync::Arc;
use std::time::Instant;

use events::log::check::{Check, check};
use events::log::{Log, LogId, LogLimits};
use harness::cluster::TestDatabase;
use serde_json::{Map, json};

use crate::Scale;
use crate::append::Payloads;
use crate::filling::Filling;
use crate::report::{Goal, Row};
use crate::rounds::{median, rounded};

/// Facts a second of one check, which has to find nothing.
pub async fn checked(database: &TestDatabase) -> f64 {
    let began = Instant::now();
    let checked = check(&database.config, &Check::default(), Arc::new(|_, _| ())).await.unwrap();
    assert_eq!(checked.bad, None, "the log that was just written");
    checked.facts as f64 / began.elapsed().as_secs_f64()
}

pub async fn measure(scale: Scale) -> Row {
    let database = TestDatabase::create().await;
    let log = Log::open(&database.config, LogId::default(), LogLimits::default()).await.unwrap();
    let filling = Filling { facts: scale.checked_facts, callers: 64, append_facts: 7 };
    filling.fill(&log, &Arc::new(Payloads::new())).await;
    let client = database.connect().await;
    let counted = "select count(*) / (select count(*) from log.batches)::float8, \
        avg(octet_length(data) + octet_length(meta))::float8, count(*) from log.events";
    let counted = client.query_one(counted, &[]).await.unwrap();
    let mut rates = Vec::new();
    for _ in 0..scale.rounds {
        rates.push(checked(&database).await);
    }
    drop((log, client));
    database.remove().await;
    rates.sort_by(f64::total_cmp);
    let mut details = Map::new();
    for (name, value) in [("facts_a_batch", counted.get(0)), ("bytes_a_fact", counted.get(1))] {
        details.insert(name.to_owned(), json!(rounded(value)));
    }
    details.insert("facts".to_owned(), json!(counted.get::<_, i64>(2)));
    details
        .insert("spread".to_owned(), json!([rounded(rates[0]), rounded(rates[rates.len() - 1])]));
    Row {
        name: "check_log",
        what: "a whole log checked: positions, versions of streams, times, hash chain; written by \
               64 callers, 7 facts an append, 7 facts a stream"
            .to_owned(),
        ours: median(rates.into_iter()),
        baseline: None,
        unit: "facts/s",
        ratio: None,
        goal: Goal::AtLeast(500_000.0),
        holds: true,
        details,
    }
}
