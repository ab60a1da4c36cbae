//! Claims about following the log: catch up, then live, without a seam; wake-ups across processes.

use std::time::{Duration, Instant};

use events::log::{Expected, Log, LogLimits, Page, RawFact};
use events::words::Position;
use futures_util::{Stream, StreamExt};
use harness::{TestApp, test};

use crate::metrics::shown;

use super::{any, append, count, fact, first, open, open_with, sql, stream};

/// Follows until it has seen this many facts.
async fn take(log: &Log, after: Position, facts: usize, page: i64) -> Vec<RawFact> {
    let mut seen = Vec::new();
    let mut pages = Box::pin(log.follow(after, page));
    while seen.len() < facts {
        let page_seen = next(&mut pages).await;
        assert!(i64::try_from(page_seen.len()).unwrap() <= page);
        seen.extend(page_seen.iter().cloned());
    }
    seen
}

async fn next<E: std::fmt::Debug>(
    pages: &mut (impl Stream<Item = Result<Page, E>> + Unpin),
) -> Page {
    let page = tokio::time::timeout(Duration::from_secs(30), pages.next()).await;
    page.expect("facts in time").expect("a follower never ends").expect("a page")
}

#[test]
fn a_follower_catches_up_and_goes_on_without_a_seam_while_two_processes_write() {
    test(async |app| {
        let logs = [open(app).await, open(app).await];
        let third = open(app).await;
        for _ in 0..200 {
            any(&logs[0], stream()).await;
        }
        let writers = (0..8_usize).map(|index| {
            let log = logs[index % 2].clone();
            tokio::spawn(async move {
                let own = stream();
                for round in 0..60_usize {
                    let facts = (0..=round % 3).map(|_| fact(own)).collect();
                    first(log.append(append(&[(own, Expected::Any)], facts)).await);
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let total = 200 + 8 * 120;
        let (one, other, from_middle) = tokio::join!(
            take(&logs[0], Position(0), total, 37),
            take(&third, Position(0), total, 500),
            take(&logs[1], Position(150), total - 150, 1),
        );
        for writer in writers {
            writer.await.unwrap();
        }
        super::whole(&one);
        assert_eq!(one.len(), total);
        assert_eq!(other, one);
        assert_eq!(from_middle, one[150..]);
    });
}

#[test]
fn a_follower_sees_nothing_while_nothing_happens() {
    test(async |app| {
        let poll_interval = Duration::from_millis(20);
        let log = open_with(app, LogLimits { poll_interval, ..LogLimits::default() }).await;
        any(&log, stream()).await;
        let mut pages = Box::pin(log.follow(Position(1), 10));
        let quiet = tokio::time::timeout(Duration::from_millis(300), pages.next()).await;
        assert!(quiet.is_err(), "{quiet:?}");
        any(&log, stream()).await;
        assert_eq!(next(&mut pages).await[0].position, Position(2));
    });
}

/// Waits until so many wake-up connections listen.
async fn listening(app: &TestApp, wakes: i64) {
    let query = "select count(*) from pg_stat_activity where datname = current_database() \
        and application_name = 'millrace wake' and state = 'idle'";
    let started = Instant::now();
    while count(app, query).await < wakes {
        assert!(started.elapsed() < Duration::from_secs(10), "nobody listens");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_follower_in_another_process_is_woken_long_before_it_would_look() {
    test(async |app| {
        let patient =
            || LogLimits { poll_interval: Duration::from_secs(60), ..LogLimits::default() };
        let (here, there) = (open_with(app, patient()).await, open_with(app, patient()).await);
        listening(app, 3).await;
        let mut pages = Box::pin(there.follow(Position(0), 10));
        for round in 1..=5 {
            let (seen, started) = (next(&mut pages), Instant::now());
            let (seen, position) = tokio::join!(seen, async {
                // Long enough for the follower to wait by now.
                tokio::time::sleep(Duration::from_millis(50)).await;
                any(&here, stream()).await
            });
            assert_eq!(position, Position(round));
            assert_eq!(seen[0].position, position);
            assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        }
    });
}

#[test]
fn a_process_that_was_cut_off_learns_what_it_missed_when_it_listens_again() {
    test(async |app| {
        let limits =
            || LogLimits { poll_interval: Duration::from_millis(400), ..LogLimits::default() };
        let here = open_with(app, limits()).await;
        listening(app, 2).await;
        let known = "select coalesce(array_agg(pid), '{}') from pg_stat_activity \
            where application_name = 'millrace wake' and datname = current_database()";
        let client = sql(app).await;
        let others: Vec<i32> = client.query_one(known, &[]).await.unwrap().get(0);
        let there = open_with(app, limits()).await;
        listening(app, 3).await;
        let kill = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> all($1) \
            and application_name = 'millrace wake' and datname = current_database()";
        assert_eq!(client.execute(kill, &[&others]).await.unwrap(), 1);
        let position = any(&here, stream()).await;
        let started = Instant::now();
        while there.known_head() < position {
            assert!(started.elapsed() < Duration::from_secs(5), "it knows {}", there.known_head());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn a_lost_wake_up_costs_a_poll_and_never_a_fact() {
    test(async |app| {
        let poll_interval = Duration::from_millis(200);
        let limits = LogLimits { poll_interval, ..LogLimits::default() };
        let (here, there) = (open_with(app, limits.clone()).await, open_with(app, limits).await);
        listening(app, 3).await;
        let client = sql(app).await;
        let mut pages = Box::pin(there.follow(Position(0), 10));
        for round in 1..=20 {
            let kill = "select pg_terminate_backend(pid) from pg_stat_activity \
                where datname = current_database() and application_name = 'millrace wake'";
            client.execute(kill, &[]).await.unwrap();
            any(&here, stream()).await;
            let started = Instant::now();
            assert_eq!(next(&mut pages).await[0].position, Position(round));
            assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        }
        // And it is woken again once the connection is back.
        listening(app, 2).await;
    });
}

/// What the counters of this test's process have come to.
async fn counted(app: &TestApp, name: &str) -> f64 {
    let name = format!("millrace_log_{name}_pages_total");
    shown(app).await.samples.get(&name).copied().unwrap_or(0.0)
}

#[test]
fn followers_of_a_process_share_what_one_of_them_reads() {
    test(async |app| {
        let log = open(app).await;
        let before = counted(app, "shared").await;
        let mut followers: Vec<_> =
            (0..20).map(|_| Box::pin(log.follow(Position(0), 50))).collect();
        for round in 1..=30 {
            any(&log, stream()).await;
            for follower in &mut followers {
                let page = next(follower).await;
                assert_eq!((page.len(), page[0].position), (1, Position(round)));
                assert!(!page.is_behind());
            }
        }
        let shared = counted(app, "shared").await - before;
        assert!((shared - 19.0 * 30.0).abs() < 0.1, "{shared}: each fact is read once");
    });
}

#[test]
fn a_follower_that_falls_behind_learns_it_and_nobody_waits_for_it() {
    test(async |app| {
        let limits = LogLimits { shared_bytes_max: 4_096, ..LogLimits::default() };
        let log = open_with(app, limits).await;
        any(&log, stream()).await;
        let mut quick = Box::pin(log.follow(Position(0), 10));
        let mut slow = Box::pin(log.follow(Position(0), 10));
        assert_eq!(next(&mut quick).await.len(), 1);
        assert!(!next(&mut slow).await.is_behind());
        for _ in 0..200 {
            any(&log, stream()).await;
            assert!(!next(&mut quick).await.is_behind());
        }
        let (mut seen, mut behind) = (1, 0);
        while seen < 201 {
            let page = next(&mut slow).await;
            assert_eq!(page[0].position, Position(seen + 1), "without a seam");
            seen += i64::try_from(page.len()).unwrap();
            behind += usize::from(page.is_behind());
        }
        assert!(behind >= 10, "{behind} pages of its own");
        any(&log, stream()).await;
        assert!(!next(&mut slow).await.is_behind(), "it has caught up");
    });
}
