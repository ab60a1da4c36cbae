//! Claims about appends that are decided under the tail lock: nobody comes between what is seen and
//! what is written, and what holds for other appends holds for them.

use std::time::Duration;

use events::log::{Answer, Append, Expected, Log, LogError, LogLimits, RawFact, StreamKey};
use futures_util::future::join_all;
use gateway::app::fresh_id;
use harness::test;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    any, append, everything, fact, first, held, keyed, named, open, open_with, sql, stream,
};

/// Appends a fact behind what it sees of a stream that it knew until a version.
async fn behind(log: &Log, stream: StreamKey, known: i64) -> Vec<Result<Answer, LogError>> {
    let decide = move |seen: Vec<RawFact>| {
        let version = seen.last().map_or(known, |fact| fact.version);
        vec![append(&[(stream, Expected::Exact(version))], vec![fact(stream)])]
    };
    log.append_locked(vec![(stream, known)], Box::new(decide)).await.expect("an answer")
}

#[test]
fn nobody_comes_between_what_is_seen_and_what_is_written() {
    test(async |app| {
        let logs = [open(app).await, open(app).await, open(app).await];
        let hot = stream();
        let seen = logs.iter().map(async |log| {
            for _ in 0..25 {
                first(behind(log, hot, 0).await.remove(0));
            }
        });
        let others = logs.iter().map(async |log| {
            for _ in 0..25 {
                any(log, hot).await;
            }
        });
        tokio::join!(join_all(seen), join_all(others));
        let facts = everything(&logs[0]).await;
        super::whole(&facts);
        assert_eq!(facts.len(), 150);
    });
}

#[test]
fn only_what_came_after_the_version_is_shown() {
    test(async |app| {
        let (log, one, other) = (open(app).await, stream(), stream());
        for _ in 0..5 {
            any(&log, one).await;
            any(&log, other).await;
        }
        let (tell, told) = tokio::sync::oneshot::channel();
        let decide = move |seen: Vec<RawFact>| {
            let seen = seen.iter().map(|fact| (fact.stream, fact.version));
            tell.send(seen.collect::<Vec<_>>()).expect("somebody listens");
            Vec::new()
        };
        let streams = vec![(one, 3), (other, 5), (stream(), 0)];
        let answers = log.append_locked(streams, Box::new(decide)).await.unwrap();
        assert!(answers.is_empty());
        assert_eq!(told.await.unwrap(), [(one, 4), (one, 5)]);
        assert_eq!(any(&log, one).await.0, 11, "the lock is free, and nothing was written");
    });
}

#[test]
fn what_does_not_fit_is_refused_and_its_neighbours_are_written() {
    test(async |app| {
        let limits = LogLimits { append_facts_max: 2, ..LogLimits::default() };
        let (log, stream, key) = (open_with(app, limits).await, stream(), fresh_id());
        let facts = |count| (0..count).map(|_| fact(stream)).collect();
        first(log.append(keyed(stream, key)).await);
        let appends = vec![
            append(&[(stream, Expected::Exact(1))], facts(2)),
            append(&[], facts(3)),
            keyed(stream, key),
            append(&[(stream, Expected::Exact(1))], facts(1)),
            append(&[(stream, Expected::Exact(3))], facts(1)),
        ];
        let decide = move |_: Vec<RawFact>| appends;
        let answers = log.append_locked(Vec::new(), Box::new(decide)).await.unwrap();
        assert_eq!(first(answers[0].clone()).0, 2);
        assert!(matches!(answers[1], Err(LogError::TooLarge { what: "facts", .. })), "{answers:?}");
        assert!(matches!(answers[2], Ok(Answer::Repeated(_))), "{answers:?}");
        assert!(matches!(answers[3], Ok(Answer::Conflict { actual: 3, .. })), "{answers:?}");
        assert_eq!(first(answers[4].clone()).0, 4);
        assert_eq!(everything(&log).await.len(), 4);
    });
}

#[test]
fn what_postgresql_refuses_under_the_lock_spares_its_neighbours() {
    test(async |app| {
        let (log, stream) = (open(app).await, stream());
        let taken = fact(stream).event_id;
        first(log.append(append(&[], vec![named(stream, taken)])).await);
        let good = || append(&[(stream, Expected::Any)], vec![fact(stream)]);
        let bad = append(&[(stream, Expected::Any)], vec![named(stream, taken)]);
        let appends: Vec<Append> = vec![good(), bad, good()];
        let answers = log.append_locked(Vec::new(), Box::new(move |_| appends)).await.unwrap();
        assert!(matches!(&answers[1], Err(LogError::Database(_))), "{answers:?}");
        first(answers[0].clone());
        first(answers[2].clone());
        first(behind(&log, stream, 0).await.remove(0));
        super::whole(&everything(&log).await);
    });
}

#[test]
fn one_too_many_is_busy_at_once() {
    test(async |app| {
        let limits = LogLimits { queue_appends_max: 2, ..LogLimits::default() };
        let (log, stream) = (open_with(app, limits).await, stream());
        let give = || {
            let log = log.clone();
            tokio::spawn(
                async move { log.append_locked(vec![(stream, 0)], Box::new(|_| vec![])).await },
            )
        };
        let waiting = held(app, async {
            let mut waiting = vec![give()];
            tokio::time::sleep(Duration::from_millis(100)).await;
            waiting.extend([give(), give()]);
            tokio::time::sleep(Duration::from_millis(100)).await;
            let busy = tokio::time::timeout(Duration::from_secs(1), give()).await;
            let busy = busy.expect("an answer at once").unwrap();
            assert!(matches!(busy, Err(LogError::Busy { waiting: 2 })), "{busy:?}");
            waiting
        })
        .await;
        for answer in join_all(waiting).await {
            assert!(answer.unwrap().unwrap().is_empty());
        }
    });
}

/// The statements of a batch are sent one behind the other. Where its `begin` came to nothing, each
/// of the others would be a transaction of its own.
#[test]
fn nothing_is_written_where_the_tail_lock_is_not_held() {
    test(async |app| {
        let (client, log, one) = (sql(app).await, open(app).await, stream());
        let lock = client.prepare(include_str!("../../events/src/log/sql/lock.sql")).await.unwrap();
        let write = include_str!("../../events/src/log/sql/write.sql");
        let write = client.prepare(write).await.unwrap();
        let params: [&(dyn ToSql + Sync); 14] = [
            &1_i64,
            &None::<Uuid>,
            &1_i64,
            &vec![0_u8; 32],
            &vec![one.organization],
            &vec!["things"],
            &vec![one.id],
            &vec![1_i64],
            &vec![fresh_id()],
            &vec!["thing.happened"],
            &vec![1_i16],
            &vec![b"{}".as_slice()],
            &vec![b"{}".as_slice()],
            &false,
        ];
        let locked: [&(dyn ToSql + Sync); 2] = [&1_835_625_580_i32, &0_i32];
        client.execute(&lock, &locked).await.unwrap();
        assert!(client.query_opt(&write, &params).await.unwrap().is_none());
        assert!(everything(&log).await.is_empty());
        client.batch_execute("begin").await.unwrap();
        client.execute(&lock, &locked).await.unwrap();
        assert!(client.query_opt(&write, &params).await.unwrap().is_some());
        client.batch_execute("commit").await.unwrap();
        assert_eq!(everything(&log).await.len(), 1);
    });
}
