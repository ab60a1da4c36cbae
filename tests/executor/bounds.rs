//! Claims about the executor's bounds: what is full says so at once, and what is small still works.

use std::time::{Duration, Instant};

use commands::{CommandError, ExecutorLimits};
use futures_util::future::join_all;
use harness::desk::{customer, order, receive};
use harness::{Desk, test};

use super::{facts, item};

#[test]
fn a_full_queue_is_busy_at_once_and_the_others_are_done() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let product = desk.product("A-1", 0).await;
        let limits = ExecutorLimits { queue_commands_max: 10, ..ExecutorLimits::default() };
        let small = desk.limited(app, limits).await;
        let started = Instant::now();
        let all = join_all((0..500).map(|_| small.attempt(receive(product, 1)))).await;
        let done = all.iter().filter(|outcome| outcome.is_ok()).count();
        let busy = all.iter().filter(|outcome| matches!(outcome, Err(CommandError::Busy))).count();
        assert_eq!(done + busy, 500);
        assert!(done >= 10 && busy > 0, "{done} done, {busy} busy");
        assert!(started.elapsed() < Duration::from_secs(10));
        assert_eq!(facts(app, item(&desk, product)).await.len(), done + 1);
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
        for (commands, facts) in [(1, 4_000), (1_024, 1)] {
            let round = ExecutorLimits {
                round_commands_max: commands,
                round_facts_max: facts,
                cache_bytes_max: 1,
                ..ExecutorLimits::default()
            };
            let slow = desk.limited(app, round).await;
            let customer = slow.customer("Bolt & Co").await;
            let product = slow.product(&format!("A-{commands}"), 15).await;
            let all = join_all((0..30).map(|_| slow.attempt(order(customer, product, 1)))).await;
            let busy = |o: &&Result<_, _>| matches!(o, Err(CommandError::Busy));
            assert_eq!(all.iter().filter(busy).count(), 0, "rounds of {commands}, {facts}");
            assert_eq!(all.iter().filter(|outcome| outcome.is_ok()).count(), 15);
        }
    });
}
