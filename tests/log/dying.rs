//! Claims about writers whose connection dies under them, or who find no database for a while.

use std::time::{Duration, Instant};

use events::log::{Answer, Expected, Log, LogError, LogLimits, StreamKey};
use futures_util::future::join_all;
use harness::{TestApp, test};
use tokio::task::JoinHandle;

use super::{Outcomes, append, everything, fact, first, open, open_with, sql, stream};

const KILL: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
    where datname = current_database() and application_name = 'millrace appender'";

/// Appends until told to stop: unconditionally, and where it believes a shared stream to be.
async fn write(log: Log, hot: StreamKey, until: Instant) -> Outcomes {
    let (own, mut version, mut outcomes) = (stream(), 0, Outcomes::default());
    while Instant::now() < until {
        let sure = append(&[(own, Expected::Any)], vec![fact(own), fact(own)]);
        let risky = append(&[(hot, Expected::Exact(version))], vec![fact(hot)]);
        let answers = log.append_all(vec![sure.clone(), risky.clone()]).await;
        match &answers[1] {
            Ok(Answer::Conflict { actual, .. }) => version = *actual,
            Ok(Answer::Appended { .. }) => version += 1,
            other => panic!("{other:?}"),
        }
        first(answers[0].clone());
        outcomes.note(sure, &answers[0]);
        outcomes.note(risky, &answers[1]);
    }
    outcomes
}

fn writers(logs: &[Log], until: Instant) -> Vec<JoinHandle<Outcomes>> {
    let hot = stream();
    let writers = (0..12).map(|index| {
        let log = logs[index % logs.len()].clone();
        tokio::spawn(write(log, hot, until))
    });
    writers.collect()
}

async fn settle(writers: Vec<JoinHandle<Outcomes>>, log: &Log) -> usize {
    let mut outcomes = Outcomes::default();
    for written in join_all(writers).await {
        outcomes.extend(written.unwrap());
    }
    outcomes.hold(log).await;
    outcomes.kept.len()
}

#[test]
fn an_append_whose_connection_is_killed_is_answered_truthfully() {
    test(async |app| {
        let logs = [open(app).await, open(app).await];
        let until = Instant::now() + Duration::from_secs(4);
        let writers = writers(&logs, until);
        let (client, mut killed) = (sql(app).await, 0_i64);
        let mut pause = 3;
        while Instant::now() < until {
            killed += client.query_one(KILL, &[]).await.unwrap().get::<_, i64>(0);
            pause = pause * 7 % 41;
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        let kept = settle(writers, &logs[0]).await;
        assert!(killed > 20 && kept > 100, "{killed} killed, {kept} kept: nothing is tried");
    });
}

/// Lets nobody into the test's database, and throws out whoever appends.
async fn shut(app: &TestApp, server: &tokio_postgres::Client) {
    let name = app.database.config.get_dbname().unwrap();
    server.batch_execute(&format!("alter database {name} allow_connections false")).await.unwrap();
    let kill = KILL.replace("current_database()", &format!("'{name}'"));
    server.query_one(&kill, &[]).await.unwrap();
}

async fn reopen(app: &TestApp, server: &tokio_postgres::Client) {
    let name = app.database.config.get_dbname().unwrap();
    server.batch_execute(&format!("alter database {name} allow_connections true")).await.unwrap();
}

/// A connection to the server that no test's database is behind.
async fn server(app: &TestApp) -> tokio_postgres::Client {
    let mut config = app.database.config.clone();
    config.dbname("postgres");
    events::log::connect(&config).await.unwrap()
}

#[test]
fn appends_wait_for_a_database_that_comes_back_in_time() {
    test(async |app| {
        let logs = [open(app).await, open(app).await];
        let server = server(app).await;
        let writers = writers(&logs, Instant::now() + Duration::from_secs(3));
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            shut(app, &server).await;
            tokio::time::sleep(Duration::from_millis(400)).await;
            reopen(app, &server).await;
        }
        assert!(settle(writers, &logs[0]).await > 50);
    });
}

#[test]
fn appends_are_told_of_a_database_that_stays_away() {
    test(async |app| {
        let wait = Duration::from_millis(600);
        let limits = LogLimits { unavailable_wait_max: wait, ..LogLimits::default() };
        let (log, stream, server) = (open_with(app, limits).await, stream(), server(app).await);
        first(log.append(append(&[], vec![fact(stream)])).await);
        shut(app, &server).await;
        // The appender hears of it: what it sends after that is of no unknown outcome.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (lost, started) = (append(&[], vec![fact(stream)]), Instant::now());
        let answer = log.append(lost).await;
        let waited = started.elapsed();
        reopen(app, &server).await;
        assert!(matches!(answer, Err(LogError::Unavailable(_))), "{answer:?}");
        assert!(waited >= wait && waited < wait * 5, "{waited:?}");
        assert_eq!(everything(&log).await.len(), 1);
        first(log.append(append(&[], vec![fact(stream)])).await);
    });
}

/// A batch each: whoever stands behind others that wait does not wait for all of them.
#[test]
fn an_append_is_told_in_time_however_many_wait_in_front_of_it() {
    test(async |app| {
        let wait = Duration::from_millis(800);
        let limits = LogLimits {
            unavailable_wait_max: wait,
            batch_facts_max: 1,
            batches_in_flight_max: 1,
            ..LogLimits::default()
        };
        let (log, server) = (open_with(app, limits).await, server(app).await);
        first(log.append(append(&[], vec![fact(stream())])).await);
        shut(app, &server).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let started = Instant::now();
        let all = (0..8).map(|_| log.append(append(&[], vec![fact(stream())])));
        let answers = join_all(all).await;
        let waited = started.elapsed();
        reopen(app, &server).await;
        assert!(answers.iter().all(|a| matches!(a, Err(LogError::Unavailable(_)))), "{answers:?}");
        assert!(waited >= wait && waited < wait * 3, "{waited:?} for eight batches");
        assert_eq!(everything(&log).await.len(), 1);
    });
}

#[test]
fn whoever_dies_with_the_tail_lock_in_hand_frees_it() {
    test(async |app| {
        let (log, client) = (open(app).await, sql(app).await);
        let pid: i32 = client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
        client.batch_execute(&format!("select {}", super::TAIL_LOCK)).await.unwrap();
        let waiting =
            tokio::spawn(async move { log.append(append(&[], vec![fact(stream())])).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!waiting.is_finished(), "the tail is not locked");
        let kill = sql(app).await;
        kill.execute("select pg_terminate_backend($1)", &[&pid]).await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(2), waiting).await;
        first(answer.expect("an answer in time").unwrap());
    });
}
