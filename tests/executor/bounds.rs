//! Claims about the executor's bounds: what is full says so at once, and what is small still works.

use std::time::{Duration, Instant};

use commands::{CommandError, ExecutorLimits, Kind};
use events::log::{LogError, LogLimits};
use futures_util::future::join_all;
use harness::desk::{customer, order, receive};
use harness::{Desk, test};

use super::{facts, item, rejected};
use crate::log::{held, queued};

/// However long nothing can be written: those who wait are counted wherever they wait.
#[test]
fn a_full_queue_is_busy_at_once_and_the_others_are_done() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let product = desk.product("A-1", 0).await;
        let limits = ExecutorLimits { queue_commands_max: 10, ..ExecutorLimits::default() };
        let small = desk.limited(app, limits).await;
        small.run(receive(product, 1)).await;
        let waiting = held(app, async {
            let waiting = (0..10).map(|_| {
                let small = small.clone();
                tokio::spawn(async move { small.attempt(receive(product, 1)).await })
            });
            let waiting: Vec<_> = waiting.collect();
            queued(app, 1).await;
            let started = Instant::now();
            for _ in 0..500 {
                let busy = small.attempt(receive(product, 1)).await;
                assert!(matches!(busy, Err(CommandError::Busy)), "{busy:?}");
            }
            assert!(started.elapsed() < Duration::from_secs(5), "at once");
            waiting
        })
        .await;
        for done in join_all(waiting).await {
            done.unwrap().expect("one of the ten");
        }
        assert_eq!(facts(app, item(&desk, product)).await.len(), 1 + 1 + 10);
    });
}

#[test]
fn a_place_is_free_again_for_whoever_has_its_answer() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let product = desk.product("A-1", 0).await;
        let limits = ExecutorLimits { queue_commands_max: 6, ..ExecutorLimits::default() };
        let small = desk.limited(app, limits).await;
        let callers = (0..6).map(|_| {
            let small = small.clone();
            tokio::spawn(async move {
                for _ in 0..100 {
                    small.run(receive(product, 1)).await;
                }
            })
        });
        for caller in join_all(callers).await {
            caller.unwrap();
        }
    });
}

#[test]
fn what_waits_too_long_to_be_decided_is_busy_and_does_not_happen() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let wait_max = Duration::ZERO;
        let hasty = desk.limited(app, ExecutorLimits { wait_max, ..Default::default() }).await;
        let refused = hasty.attempt(customer("Bolt & Co")).await;
        assert!(matches!(refused, Err(CommandError::Busy)), "{refused:?}");
        assert_eq!(super::everything(app).await.len(), 1, "the organization alone");
    });
}

/// Two rounds are in flight for as long as nothing can be written; the others wait for them, for
/// their keys, or for what is being read.
#[test]
fn who_waits_behind_what_cannot_be_written_is_told_busy_in_time_and_it_does_not_happen() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let product = desk.product("A-1", 0).await;
        let wait_max = Duration::from_millis(600);
        let hasty = desk.limited(app, ExecutorLimits { wait_max, ..Default::default() }).await;
        hasty.run(receive(product, 1)).await;
        let in_flight = held(app, async {
            let given = |key: &str| {
                let (hasty, key) = (hasty.clone(), key.to_owned());
                tokio::spawn(async move { hasty.keyed(&key, receive(product, 1)).await })
            };
            let mut in_flight = Vec::new();
            for key in ["a", "b"] {
                in_flight.push(given(key));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let started = Instant::now();
            let late = join_all(["c", "d", "a", "b"].map(given)).await;
            let took = started.elapsed();
            for outcome in late {
                let outcome = outcome.unwrap();
                assert!(matches!(outcome, Err(CommandError::Busy)), "{outcome:?}");
            }
            assert!(took >= wait_max && took < wait_max * 4, "{took:?}");
            in_flight
        })
        .await;
        for outcome in join_all(in_flight).await {
            outcome.unwrap().expect("what was in flight");
        }
        let stored = facts(app, item(&desk, product)).await.len();
        assert_eq!(stored, 1 + 1 + 2, "opened, received, the two in flight");
    });
}

#[test]
fn an_answer_that_does_not_come_in_time_is_told_as_such_and_the_key_finds_out() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let answer_wait_max = Duration::from_millis(150);
        let limits = ExecutorLimits { answer_wait_max, ..Default::default() };
        let hasty = desk.limited(app, limits).await;
        hasty.attempt(customer("Warm up")).await.unwrap();
        let client = app.database.connect().await;
        client.batch_execute("select pg_advisory_lock(1835625580, 0)").await.unwrap();
        let unanswered = hasty.keyed("k", customer("Bolt & Co")).await;
        assert!(matches!(unanswered, Err(CommandError::Unanswered)), "{unanswered:?}");
        drop(client);
        let again = desk.keyed("k", customer("Bolt & Co")).await.unwrap();
        let once = desk.keyed("k", customer("Bolt & Co")).await.unwrap();
        assert_eq!(again.id, once.id);
        assert_eq!(super::everything(app).await.len(), 5, "the organization, two customers");
    });
}

#[test]
fn a_cache_without_room_still_decides_rightly() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let limits = ExecutorLimits { cache_bytes_max: 1, ..ExecutorLimits::default() };
        let tiny = desk.limited(app, limits).await;
        let customer = tiny.customer("Bolt & Co").await;
        let product = tiny.product("A-1", 50).await;
        let all = join_all((0..100).map(|_| tiny.attempt(order(customer, product, 1)))).await;
        assert_eq!(all.iter().filter(|outcome| outcome.is_ok()).count(), 50);
        let others = (0..5).map(|index| tiny.product(format!("B-{index}").leak(), 3));
        assert_eq!(join_all(others).await.len(), 5);
    });
}

#[test]
fn rounds_of_one_command_still_decide_rightly() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let limits = || ExecutorLimits { cache_bytes_max: 1, ..ExecutorLimits::default() };
        let small = [
            ExecutorLimits { round_commands_max: 1, ..limits() },
            ExecutorLimits { round_facts_max: 1, ..limits() },
            ExecutorLimits { round_streams_max: 1, ..limits() },
            ExecutorLimits { round_bytes_max: 1, rounds_in_flight_max: 1, ..limits() },
            ExecutorLimits { round_commands_max: 2, rounds_in_flight_max: 5, ..limits() },
        ];
        for (index, limits) in small.into_iter().enumerate() {
            let slow = desk.limited(app, limits.clone()).await;
            let customer = slow.customer("Bolt & Co").await;
            let product = slow.product(&format!("A-{index}"), 15).await;
            let all = join_all((0..30).map(|_| slow.attempt(order(customer, product, 1)))).await;
            let busy = |o: &&Result<_, _>| matches!(o, Err(CommandError::Busy));
            assert_eq!(all.iter().filter(busy).count(), 0, "{limits:?}");
            assert_eq!(all.iter().filter(|outcome| outcome.is_ok()).count(), 15, "{limits:?}");
        }
    });
}

/// An order has four facts over four streams: two of them are too much for one append.
#[test]
fn who_is_too_large_together_is_decided_alone() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let tight = LogLimits { append_facts_max: 4, ..LogLimits::default() };
        let tight = desk.behind(app, tight, ExecutorLimits::default()).await;
        let customer = tight.customer("Bolt & Co").await;
        let product = tight.product("A-1", 15).await;
        let all = join_all((0..30).map(|_| tight.attempt(order(customer, product, 1)))).await;
        let (sold, refused): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
        assert_eq!(sold.len(), 15, "{refused:?}");
        assert!(refused.iter().all(|outcome| rejected(outcome) == Kind::OutOfStock));
    });
}

#[test]
fn a_command_that_is_too_large_by_itself_is_told_so() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let tight = LogLimits { append_facts_max: 3, ..LogLimits::default() };
        let tight = desk.behind(app, tight, ExecutorLimits::default()).await;
        let (customer, product) = (desk.customer("Bolt & Co").await, desk.product("A-1", 15).await);
        let orders = (0..5).map(|_| tight.attempt(order(customer, product, 1)));
        let others = (0..5).map(|_| tight.attempt(receive(product, 1)));
        let (orders, others) = tokio::join!(join_all(orders), join_all(others));
        for refused in orders {
            let too_large = matches!(
                refused,
                Err(CommandError::Log(LogError::TooLarge { what: "facts", found: 4, limit: 3 }))
            );
            assert!(too_large, "{refused:?}");
        }
        assert!(others.iter().all(Result::is_ok), "{others:?}");
    });
}

#[test]
fn who_would_have_to_be_read_more_often_than_it_may_is_told_busy() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let limits = ExecutorLimits { loads_max: 0, ..ExecutorLimits::default() };
        let refused = desk.limited(app, limits).await.attempt(customer("Bolt & Co")).await;
        assert!(matches!(refused, Err(CommandError::Busy)), "{refused:?}");
        assert_eq!(super::everything(app).await.len(), 1, "the organization alone");
    });
}
