//! Claims about batches that are planned and sent behind others that have not come back yet: what
//! they rest on may turn out to be something else.

use std::time::Duration;

use events::log::{Answer, Append, Expected, Log, LogId, LogLimits};
use gateway::app::fresh_id;
use harness::proxy::Fate;
use harness::{Proxy, test};

use super::{any, append, everything, fact, first, held, keyed, open, stream, whole};

/// The log then ends in the very fact that the second batch was planned behind, by its id.
#[test]
#[expect(clippy::async_yields_async, reason = "the answers are awaited once the lock is free")]
fn what_rests_on_a_key_that_another_process_took_is_refused() {
    test(async |app| {
        let (here, there) = (open(app).await, open(app).await);
        any(&here, stream()).await;
        let (ours, theirs, key) = (stream(), stream(), fresh_id());
        let step = || tokio::time::sleep(Duration::from_millis(100));
        let answers = held(app, async {
            let taken = tokio::spawn(async move { there.append(keyed(theirs, key)).await });
            step().await;
            let ticket = here.ticket();
            let expected = vec![(ours, Expected::None)];
            let first = Append { expected, ticket, ..keyed(ours, key) };
            let first = here.append_all(vec![first]);
            step().await;
            let second = append(&[(ours, Expected::Exact(1))], vec![fact(ours)]);
            let second = here.append_all(vec![Append { rests_on: vec![ticket], ..second }]);
            step().await;
            tokio::spawn(async move { (taken.await, first.await, second.await) })
        })
        .await;
        let (taken, first, second) = answers.await.unwrap();
        assert!(matches!(taken.unwrap(), Ok(Answer::Appended { .. })));
        assert!(matches!(first[0], Ok(Answer::Repeated(_))), "{first:?}");
        assert!(matches!(second[0], Ok(Answer::Unfounded { .. })), "{second:?}");
        whole(&everything(&here).await);
    });
}

/// The log ends in the fact whose key the refused batch has: by its id, and by this session's hand,
/// but at the position before the one that the check was planned behind.
#[test]
#[expect(clippy::async_yields_async, reason = "the answers are awaited once the lock is free")]
fn a_check_that_rests_on_a_repeated_append_does_not_hold() {
    test(async |app| {
        let (here, ours, key) = (open(app).await, stream(), fresh_id());
        any(&here, stream()).await;
        first(here.append(keyed(stream(), key)).await);
        let step = || tokio::time::sleep(Duration::from_millis(100));
        let answers = held(app, async {
            let ticket = here.ticket();
            let expected = vec![(ours, Expected::None)];
            let repeated = Append { expected, ticket, ..keyed(ours, key) };
            let repeated = here.append_all(vec![repeated]);
            step().await;
            let check = append(&[(ours, Expected::Exact(1))], vec![]);
            let check = here.append_all(vec![Append { rests_on: vec![ticket], ..check }]);
            step().await;
            tokio::spawn(async move { (repeated.await, check.await) })
        })
        .await;
        let (repeated, check) = answers.await.unwrap();
        assert!(matches!(repeated[0], Ok(Answer::Repeated(_))), "{repeated:?}");
        assert!(matches!(check[0], Ok(Answer::Unfounded { .. })), "{check:?}");
        assert_eq!(everything(&here).await.len(), 2);
    });
}

/// The server does not notice that its client is gone: it carries out both batches, in between
/// the client's look at what became of them.
#[test]
#[expect(clippy::async_yields_async, reason = "the answers are awaited once the lock is free")]
fn what_a_deserted_server_still_carries_out_rests_on_nothing_else() {
    test(async |app| {
        let proxy = Proxy::before(&app.database.config).await;
        let here =
            Log::open(&proxy.config(), LogId::default(), LogLimits::default()).await.unwrap();
        let there = open(app).await;
        any(&here, stream()).await;
        let (hot, step) = (stream(), || tokio::time::sleep(Duration::from_millis(100)));
        first(here.append(append(&[(hot, Expected::None)], vec![fact(hot)])).await);
        let answers = held(app, async {
            let taken = tokio::spawn({
                let there = there.clone();
                async move { any(&there, hot).await }
            });
            step().await;
            let ticket = here.ticket();
            let refused = append(&[(hot, Expected::Exact(1))], vec![fact(hot), fact(hot)]);
            let refused = Append { ticket, ..refused };
            let one = here.append_all(vec![refused, append(&[], vec![fact(hot)])]);
            step().await;
            let rests = append(&[(hot, Expected::Exact(3))], vec![fact(hot)]);
            let rests = Append { rests_on: vec![ticket], ..rests };
            let two = here.append_all(vec![rests, append(&[], vec![fact(hot)])]);
            step().await;
            proxy.cut(Fate::Desert);
            step().await;
            tokio::spawn(async move { (taken.await, one.await, two.await) })
        })
        .await;
        let (taken, one, two) = answers.await.unwrap();
        taken.unwrap();
        assert!(matches!(one[0], Ok(Answer::Conflict { .. })), "{one:?}");
        first(one[1].clone());
        assert!(matches!(two[0], Ok(Answer::Unfounded { .. })), "{two:?}");
        first(two[1].clone());
        whole(&everything(&there).await);
    });
}
