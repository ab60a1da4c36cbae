//! Claims about a log of many ranges, to which others append while it is checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use events::log::check::{Check, Checked, check};
use events::log::{Expected, Log, StreamKey};
use futures_util::future::join_all;
use harness::{Dice, test};
use tokio::task::JoinHandle;

use super::super::{append, fact, first, open, stream};
use super::Victim;

/// Facts of the log.
const FACTS: i64 = 50_000;
/// Facts of an append, and so of most batches; each to another stream.
const APPEND: usize = 125;
/// Facts of a range.
const RANGE: i64 = 7_001;

/// A caller that appends to its streams, which live for a while.
async fn fill(log: &Log, appends: usize) {
    let mut streams: Vec<StreamKey> = Vec::new();
    for number in 0..appends {
        let version = number % 9;
        if version == 0 {
            streams = (0..APPEND).map(|_| stream()).collect();
        }
        let version = Expected::Exact(version as i64);
        let expected: Vec<_> = streams.iter().map(|stream| (*stream, version)).collect();
        let facts = streams.iter().map(|stream| fact(*stream)).collect();
        first(log.append(append(&expected, facts)).await);
    }
}

/// Appends one fact after another, until it is told to stop; how many they were.
fn others(log: &Log, stop: &Arc<AtomicBool>) -> JoinHandle<u64> {
    let (log, stop) = (log.clone(), stop.clone());
    tokio::spawn(async move {
        let (key, mut count) = (stream(), 0);
        while !stop.load(Ordering::Relaxed) {
            first(log.append(append(&[(key, Expected::Any)], vec![fact(key)])).await);
            count += 1;
        }
        count
    })
}

async fn checked(victim: &Victim) -> Checked {
    let how = Check { head: None, readers_max: 4, range_facts_max: RANGE };
    let told = Arc::new(AtomicU64::new(0));
    let seen = told.clone();
    let tell = move |done, total| {
        assert!(done <= total, "{done} of {total}");
        seen.fetch_max(done, Ordering::Relaxed);
    };
    let checked = check(&victim.config, &how, Arc::new(tell)).await.expect("a log");
    assert_eq!(told.load(Ordering::Relaxed), checked.facts, "what was told in the end");
    checked
}

#[test]
fn one_changed_byte_of_a_long_log_is_found_while_others_append() {
    test(async |app| {
        let log = open(app).await;
        let appends = FACTS as usize / APPEND / 4;
        join_all((0..4).map(|_| fill(&log, appends))).await;
        let victim = Victim::of(app).await;
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..3).map(|_| others(&log, &stop)).collect();
        let right = checked(&victim).await;
        assert_eq!(right.bad, None);
        let head = right.head.expect("a head").position.0;
        assert!(head >= FACTS && right.facts == head as u64, "{right:?}");
        let mut dice = Dice::of(5);
        for _ in 0..8 {
            let position = dice.between(1, FACTS as u64) as i64;
            let flip = "update log.events \
                set data = set_byte(data, 3, get_byte(data, 3) # 1) where position = $1";
            victim.client.execute(flip, &[&position]).await.expect("a changed byte");
            let bad = checked(&victim).await.bad.expect("something is wrong");
            let batch = "select first_position, last_position from log.batches \
                where last_position >= $1 order by last_position limit 1";
            let batch = victim.client.query_one(batch, &[&position]).await.expect("its batch");
            assert_eq!((bad.first, bad.last), (batch.get(0), batch.get(1)), "{}", bad.reason);
            victim.client.execute(flip, &[&position]).await.expect("as it was");
        }
        stop.store(true, Ordering::Relaxed);
        let appended: u64 = join_all(writers).await.into_iter().map(Result::unwrap).sum();
        let at_the_end = checked(&victim).await;
        assert_eq!(at_the_end.bad, None);
        assert_eq!(at_the_end.facts, FACTS as u64 + appended);
        assert!(at_the_end.facts > right.facts, "nobody appended meanwhile");
    });
}
