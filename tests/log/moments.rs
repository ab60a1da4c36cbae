//! Claims about what as of a time means while batches are being written: an answer that was given
//! stays right.

use std::time::Duration;

use chrono::{DateTime, Utc};
use events::log::{Log, LogError, LogLimits};
use events::words::Position;
use futures_util::future::join_all;
use gateway::app::fresh_id;
use harness::test;

use super::{TAIL_LOCK, any, everything, open, open_with, sql, stream};

#[test]
fn a_time_that_has_not_passed_means_nothing_yet() {
    test(async |app| {
        let log = open(app).await;
        let now: DateTime<Utc> =
            sql(app).await.query_one("select clock_timestamp()", &[]).await.unwrap().get(0);
        let hour = chrono::Duration::hours(1);
        assert_eq!(log.position_by(now + hour).await.unwrap(), None);
        assert_eq!(log.position_by(now - hour).await.unwrap(), Some(Position(0)), "an empty log");
        let last = any(&log, stream()).await;
        assert_eq!(log.position_by(now + hour).await.unwrap(), None);
        assert_eq!(log.position_by(now - hour).await.unwrap(), Some(Position(0)));
        let recorded_at = everything(&log).await[0].recorded_at;
        assert_eq!(log.position_by(recorded_at).await.unwrap(), Some(last));
    });
}

/// Begins a batch of one fact, and does not end it: what it is to be committed with, and when it
/// was recorded.
async fn begun(app: &harness::TestApp) -> (tokio_postgres::Client, DateTime<Utc>) {
    let client = sql(app).await;
    let lock = TAIL_LOCK.replace("pg_advisory_lock", "pg_advisory_xact_lock");
    client.batch_execute(&format!("begin; select {lock}")).await.unwrap();
    let head = "select coalesce(max(position), 0) + 1, clock_timestamp() from log.events";
    let row = client.query_one(head, &[]).await.unwrap();
    let (position, recorded_at): (i64, DateTime<Utc>) = (row.get(0), row.get(1));
    let fact = "insert into log.events (position, organization_id, feature, stream_id, version, \
        event_id, type, schema_version, data, meta, recorded_at) \
        values ($1, $2, 'things', $2, 1, $2, 'thing.happened', 1, '{}', '{}', $3)";
    client.execute(fact, &[&position, &fresh_id(), &recorded_at]).await.unwrap();
    let batch = "insert into log.batches (first_position, last_position, recorded_at, hash) \
        values ($1, $1, $2, '')";
    client.execute(batch, &[&position, &recorded_at]).await.unwrap();
    (client, recorded_at)
}

#[test]
fn a_batch_that_was_recorded_by_then_and_is_not_committed_yet_is_waited_for() {
    test(async |app| {
        let log = open(app).await;
        any(&log, stream()).await;
        let second = any(&log, stream()).await;
        let earlier = everything(&log).await[0].recorded_at;
        let (client, recorded_at) = begun(app).await;
        // Something later is there already: nobody can be recorded by then any more.
        assert_eq!(log.position_by(earlier).await.unwrap(), Some(Position(1)));
        let asking = tokio::spawn({
            let log = log.clone();
            async move { log.position_by(recorded_at).await }
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!asking.is_finished(), "it answered while the batch could still be seen");
        client.batch_execute("commit").await.unwrap();
        let told = asking.await.unwrap().unwrap();
        assert_eq!(told, Some(Position(second.0 + 1)));
        assert_eq!(log.position_by(recorded_at).await.unwrap(), told, "nor does it change");
    });
}

#[test]
fn a_batch_that_does_not_end_is_not_waited_for_long() {
    test(async |app| {
        let silence_max = Duration::from_millis(300);
        let log = open_with(app, LogLimits { silence_max, ..LogLimits::default() }).await;
        any(&log, stream()).await;
        let (client, recorded_at) = begun(app).await;
        let told = log.position_by(recorded_at).await;
        assert!(matches!(told, Err(LogError::Unavailable(_))), "{told:?}");
        client.batch_execute("rollback").await.unwrap();
        assert_eq!(log.position_by(recorded_at).await.unwrap(), Some(Position(1)));
    });
}

#[test]
fn what_was_there_is_found_however_much_is_appended_meanwhile() {
    test(async |app| {
        let (log, other) = (open(app).await, open(app).await);
        let far: DateTime<Utc> = "2999-01-01T00:00:00Z".parse().unwrap();
        let writing = async {
            for _ in 0..300 {
                any(&other, stream()).await;
            }
        };
        let asking = async {
            for _ in 0..300 {
                let before = log.head().await.unwrap();
                let found = log.position_at(far).await.unwrap();
                assert!(found >= before, "{found:?} is not all of {before:?}");
            }
        };
        tokio::join!(writing, asking);
    });
}

#[test]
fn what_a_time_means_never_changes_however_much_is_appended_meanwhile() {
    test(async |app| {
        let logs = [open(app).await, open(app).await];
        let clock = sql(app).await;
        let writing = |log: Log| async move {
            for _ in 0..150 {
                any(&log, stream()).await;
            }
        };
        let asking = async {
            let mut told = Vec::new();
            for _ in 0..150 {
                let now: DateTime<Utc> =
                    clock.query_one("select clock_timestamp()", &[]).await.unwrap().get(0);
                told.push((now, logs[0].position_by(now).await.unwrap().expect("it has passed")));
            }
            told
        };
        let writers = logs.iter().flat_map(|log| [log.clone(), log.clone()]).map(writing);
        let (told, _) = tokio::join!(asking, join_all(writers));
        let all = everything(&logs[1]).await;
        for (time, position) in told {
            let by_then = all.iter().filter(|fact| fact.recorded_at <= time).count();
            assert_eq!(position, Position(by_then as i64), "as of {time}");
        }
    });
}
