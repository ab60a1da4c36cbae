//! Claims about connections that are there and over which nothing comes any more: nobody hangs.

use std::time::{Duration, Instant};

use events::log::{Append, Expected, Log, LogError, LogId, LogLimits};
use harness::proxy::{Fate, Moment};
use harness::{Proxy, TestApp, test};

use super::{any, append, everything, fact, first, open, stream, whole};

const SILENCE_MAX: Duration = Duration::from_millis(300);

/// A handle behind a proxy.
async fn behind(app: &TestApp) -> (Proxy, Log) {
    patient(app, Duration::from_secs(2)).await
}

/// One that waits so long for a database that is away.
async fn patient(app: &TestApp, unavailable_wait_max: Duration) -> (Proxy, Log) {
    let proxy = Proxy::before(&app.database.config).await;
    let limits =
        LogLimits { silence_max: SILENCE_MAX, unavailable_wait_max, ..LogLimits::default() };
    let log = Log::open(&proxy.config(), LogId::default(), limits).await;
    (proxy, log.expect("opening the log"))
}

/// Appends in time.
async fn soon(log: &Log, append: Append) -> Result<events::log::Answer, LogError> {
    let answer = tokio::time::timeout(Duration::from_secs(8), log.append(append)).await;
    answer.expect("an answer in time")
}

#[test]
fn an_append_whose_connection_falls_silent_is_answered_truthfully() {
    test(async |app| {
        let (proxy, log) = behind(app).await;
        let own = stream();
        first(log.append(append(&[(own, Expected::None)], vec![fact(own)])).await);
        let moments = [Moment::Before, Moment::During(50), Moment::During(98), Moment::After];
        for (version, moment) in (1..).zip(moments) {
            proxy.strike(moment, Fate::Silence);
            let one = append(&[(own, Expected::Exact(version))], vec![fact(own)]);
            first(soon(&log, one).await);
            assert_eq!(proxy.strikes() as i64, version, "{moment:?} was not struck");
        }
        proxy.cut(Fate::Silence);
        first(soon(&log, append(&[(own, Expected::Exact(5))], vec![fact(own)])).await);
        let facts = everything(&open(app).await).await;
        whole(&facts);
        assert_eq!(facts.len(), 6);
    });
}

#[test]
fn a_server_that_takes_connections_and_says_nothing_is_not_available() {
    test(async |app| {
        let (proxy, log) = behind(app).await;
        any(&log, stream()).await;
        proxy.mute(true);
        proxy.cut(Fate::Close);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let refused = soon(&log, append(&[], vec![fact(stream())])).await;
        assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
        proxy.mute(false);
        first(soon(&log, append(&[], vec![fact(stream())])).await);
        assert_eq!(everything(&open(app).await).await.len(), 2);
    });
}

/// Slow is not silent: what takes longer is waited for the next time.
#[test]
fn a_server_that_is_slower_than_silence_may_last_is_waited_for() {
    test(async |app| {
        let (proxy, log) = behind(app).await;
        any(&log, stream()).await;
        proxy.delay(SILENCE_MAX * 2 / 3);
        let (own, started) = (stream(), Instant::now());
        for version in 0..3 {
            let one = append(&[(own, Expected::Exact(version))], vec![fact(own)]);
            first(soon(&log, one).await);
        }
        assert!(started.elapsed() > SILENCE_MAX * 3, "it was not slow");
        proxy.delay(Duration::ZERO);
        whole(&everything(&open(app).await).await);
    });
}

/// The same goes for what is decided under the tail lock.
#[test]
fn a_slow_server_is_waited_for_with_the_tail_lock_too() {
    test(async |app| {
        let (proxy, log) = patient(app, Duration::from_secs(20)).await;
        any(&log, stream()).await;
        proxy.delay(SILENCE_MAX * 2 / 3);
        let own = stream();
        let decide = Box::new(move |_| vec![append(&[(own, Expected::None)], vec![fact(own)])]);
        let answers = log.append_locked(vec![(own, 0)], decide);
        let answers = tokio::time::timeout(Duration::from_secs(30), answers).await;
        first(answers.expect("an answer in time").expect("the tail lock").remove(0));
        proxy.delay(Duration::ZERO);
        whole(&everything(&open(app).await).await);
    });
}
