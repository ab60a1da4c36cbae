//! Claims about the limits of an append and of those that wait.

use std::time::Duration;

use events::log::{Expected, LogError, LogLimits, NewFact, StreamKey};
use futures_util::future::join_all;
use harness::test;

use super::{append, everything, fact, first, held, open_with, stream};

fn tight() -> LogLimits {
    LogLimits {
        append_facts_max: 3,
        append_streams_max: 2,
        append_bytes_max: 1_000,
        fact_bytes_max: 500,
        ..LogLimits::default()
    }
}

fn of_bytes(stream: StreamKey, bytes: usize) -> NewFact {
    let fact = fact(stream);
    NewFact { data: vec![b'1'; bytes - fact.meta.len()], ..fact }
}

#[test]
fn what_is_too_large_is_refused_with_what_would_fit() {
    test(async |app| {
        let (log, stream) = (open_with(app, tight()).await, stream());
        let facts = |sizes: &[usize]| -> Vec<NewFact> {
            sizes.iter().map(|bytes| of_bytes(stream, *bytes)).collect()
        };
        let streams =
            |count| -> Vec<_> { (0..count).map(|_| (super::stream(), Expected::Any)).collect() };
        let cases = [
            (append(&[], facts(&[80; 4])), "facts", 4, 3),
            (append(&streams(2), facts(&[80])), "streams", 3, 2),
            (append(&[], facts(&[501])), "bytes of one fact", 501, 500),
            (append(&[], facts(&[400, 400, 201])), "bytes", 1_001, 1_000),
        ];
        for (append, named, has, may) in cases {
            match log.append(append).await {
                Err(LogError::TooLarge { what, found, limit }) => {
                    assert_eq!((what, found, limit), (named, has, may));
                }
                other => panic!("{named}: {other:?}"),
            }
        }
        assert!(everything(&log).await.is_empty());
        first(log.append(append(&streams(1), facts(&[500, 400, 100]))).await);
    });
}

#[test]
fn streams_that_only_facts_name_count_too() {
    test(async |app| {
        let log = open_with(app, tight()).await;
        let facts = vec![fact(stream()), fact(stream()), fact(stream())];
        let answer = log.append(append(&[], facts)).await;
        assert!(matches!(answer, Err(LogError::TooLarge { what: "streams", .. })), "{answer:?}");
    });
}

#[test]
fn one_too_large_does_not_fail_those_beside_it() {
    test(async |app| {
        let (log, stream) = (open_with(app, tight()).await, stream());
        let appends = [80, 501, 80].map(|bytes| append(&[], vec![of_bytes(stream, bytes)]));
        let answers = log.append_all(appends.to_vec()).await;
        assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    });
}

#[test]
fn a_full_queue_is_busy_at_once_and_what_waits_is_answered() {
    test(async |app| {
        let limits = LogLimits { queue_appends_max: 4, ..LogLimits::default() };
        let (log, stream) = (open_with(app, limits).await, stream());
        let one = || log.append(append(&[], vec![fact(stream)]));
        let waiting = held(app, async {
            let spawn = |append| {
                let log = log.clone();
                tokio::spawn(async move { log.append(append).await })
            };
            // The first is in the appender's hands, four wait behind it.
            let mut waiting = vec![spawn(append(&[], vec![fact(stream)]))];
            tokio::time::sleep(Duration::from_millis(100)).await;
            waiting.extend((0..4).map(|_| spawn(append(&[], vec![fact(stream)]))));
            tokio::time::sleep(Duration::from_millis(100)).await;
            for _ in 0..3 {
                let busy = tokio::time::timeout(Duration::from_secs(1), one()).await;
                let busy = busy.expect("an answer at once");
                assert!(matches!(busy, Err(LogError::Busy { waiting: 4 })), "{busy:?}");
            }
            waiting
        })
        .await;
        for answer in join_all(waiting).await {
            first(answer.unwrap());
        }
        assert_eq!(everything(&log).await.len(), 5);
    });
}

#[test]
fn a_queue_is_full_in_bytes_too() {
    test(async |app| {
        let limits = LogLimits { queue_bytes_max: 20_000, ..LogLimits::default() };
        let (log, stream) = (open_with(app, limits).await, stream());
        let give = |bytes: usize| {
            let (log, append) = (log.clone(), append(&[], vec![of_bytes(stream, bytes)]));
            tokio::spawn(async move { log.append(append).await })
        };
        let waiting = held(app, async {
            let mut waiting = vec![give(100)];
            tokio::time::sleep(Duration::from_millis(100)).await;
            // Larger than the queue, but nothing else waits.
            waiting.push(give(30_000));
            tokio::time::sleep(Duration::from_millis(50)).await;
            for _ in 0..3 {
                let busy = give(100).await.unwrap();
                assert!(matches!(busy, Err(LogError::Busy { waiting: 1 })), "{busy:?}");
            }
            waiting
        })
        .await;
        for answer in join_all(waiting).await {
            first(answer.unwrap());
        }
        first(give(100).await.unwrap());
        assert_eq!(everything(&log).await.len(), 3);
    });
}

/// Versions alone make an append large too.
#[test]
fn mere_checks_fill_the_queue_as_well() {
    test(async |app| {
        let limits = LogLimits { queue_bytes_max: 15_000, ..LogLimits::default() };
        let log = open_with(app, limits).await;
        let checks = || {
            let expected: Vec<_> = (0..200).map(|_| (super::stream(), Expected::None)).collect();
            let log = log.clone();
            tokio::spawn(async move { log.append(append(&expected, vec![])).await })
        };
        let waiting = held(app, async {
            let mut waiting = Vec::new();
            for _ in 0..2 {
                waiting.push(checks());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let busy = checks().await.unwrap();
            assert!(matches!(busy, Err(LogError::Busy { waiting: 1 })), "{busy:?}");
            waiting
        })
        .await;
        for answer in join_all(waiting).await {
            first(answer.unwrap());
        }
    });
}

#[test]
fn an_append_of_two_thousand_orders_lines_fits_the_default() {
    test(async |app| {
        let log = open_with(app, LogLimits::default()).await;
        let streams: Vec<_> = (0..2_003).map(|_| stream()).collect();
        let expected: Vec<_> = streams.iter().map(|key| (*key, Expected::None)).collect();
        let facts: Vec<_> = streams.iter().map(|key| fact(*key)).collect();
        first(log.append(append(&expected, facts)).await);
        assert_eq!(everything(&log).await.len(), 2_003);
    });
}
