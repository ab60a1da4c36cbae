//! Claims about turns under the tail lock: what is true in a round is true in a turn. Here every
//! command that meets a conflict takes one.

use std::time::Duration;

use commands::customers::hold::HoldCustomer;
use commands::{ExecutorLimits, Kind};
use events::log::LogLimits;
use futures_util::future::join_all;
use harness::desk::{customer, order, receive};
use harness::{Desk, TestApp, test};

use super::{facts, item, rejected};
use crate::log::{held, queued};

/// Two processes whose commands take a turn after the first conflict.
async fn desks(app: &TestApp, limits: ExecutorLimits) -> [Desk; 2] {
    let desk = Desk::open(app, "acme").await;
    let limits = ExecutorLimits { conflicts_before_turn: 0, ..limits };
    [desk.limited(app, limits.clone()).await, desk.limited(app, limits).await]
}

async fn turns(app: &TestApp) -> u64 {
    let (_, _, text) = app.administrator().get("/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix("millrace_executor_turns_total "));
    line.expect("the turns").parse().expect("a number")
}

#[test]
fn pieces_are_sold_once_in_turns() {
    test(async |app| {
        for (index, cache_bytes_max) in [1, 64 << 20].into_iter().enumerate() {
            let slug = format!("acme-{index}");
            let desk = Desk::open(app, &slug).await;
            let limits =
                ExecutorLimits { conflicts_before_turn: 0, cache_bytes_max, ..Default::default() };
            let desks = [desk.limited(app, limits.clone()).await, desk.limited(app, limits).await];
            let customer = desk.customer("Bolt & Co").await;
            let before = turns(app).await;
            for round in 0..10 {
                let product = desk.product(&format!("A-{round}"), 25).await;
                let buyers =
                    (0..60).map(|index| desks[index % 2].attempt(order(customer, product, 1)));
                let (sold, refused): (Vec<_>, Vec<_>) =
                    join_all(buyers).await.into_iter().partition(Result::is_ok);
                assert_eq!(sold.len(), 25, "round {round}");
                assert!(refused.iter().all(|outcome| rejected(outcome) == Kind::OutOfStock));
            }
            assert!(turns(app).await > before, "no turn was taken: nothing is tried");
        }
    });
}

/// Given keyed requests that meet a conflict, one of which another process has done by then, when
/// they take a turn, then each is answered once, with the one outcome.
#[test]
fn keys_are_looked_up_in_a_turn() {
    test(async |app| {
        let [here, there] = desks(app, ExecutorLimits::default()).await;
        let product = here.product("A-1", 0).await;
        here.run(receive(product, 1)).await;
        let (theirs, ours) = held(app, async {
            let desk = there.clone();
            let theirs = tokio::spawn(async move { desk.keyed("k0", receive(product, 1)).await });
            queued(app, 1).await;
            let ours = (0..6).map(|index| {
                let (desk, key) = (here.clone(), format!("k{}", index / 2));
                tokio::spawn(async move { desk.keyed(&key, receive(product, 1)).await })
            });
            let ours: Vec<_> = ours.collect();
            tokio::time::sleep(Duration::from_millis(150)).await;
            (theirs, ours)
        })
        .await;
        let theirs = theirs.await.unwrap().unwrap();
        let ours: Vec<_> =
            join_all(ours).await.into_iter().map(|one| one.unwrap().unwrap()).collect();
        assert_eq!(ours[0].position, theirs.position);
        for pair in ours.chunks(2) {
            assert_eq!(pair[0].position, pair[1].position, "{ours:?}");
        }
        assert_eq!(ours.iter().filter(|one| one.repeated).count(), 4, "{ours:?}");
        assert_eq!(facts(app, item(&here, product)).await.len(), 2 + 3, "opened, four received");
        assert!(turns(app).await > 0, "no turn was taken: nothing is tried");
    });
}

/// Given commands that meet a conflict together, when their turn is too much for one append, then
/// each is decided alone.
#[test]
fn what_is_too_large_together_is_done_in_turns_too() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let there = desk.elsewhere(app).await;
        let limits = ExecutorLimits { conflicts_before_turn: 0, ..Default::default() };
        // An order has four facts.
        let small = LogLimits { append_facts_max: 6, ..LogLimits::default() };
        let here = desk.behind(app, small, limits).await;
        let (buyer, product) = (here.customer("Bolt & Co").await, here.product("A-1", 9).await);
        let (_, orders) = held(app, async {
            let desk = there.clone();
            let taken = tokio::spawn(async move { desk.attempt(order(buyer, product, 1)).await });
            queued(app, 1).await;
            let orders = (0..10).map(|_| {
                let desk = here.clone();
                tokio::spawn(async move { desk.attempt(order(buyer, product, 1)).await })
            });
            let orders: Vec<_> = orders.collect();
            tokio::time::sleep(Duration::from_millis(150)).await;
            (taken, orders)
        })
        .await;
        let orders: Vec<_> = join_all(orders).await.into_iter().map(Result::unwrap).collect();
        let done = orders.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(done, 8, "{orders:?}");
        assert!(turns(app).await > 0, "no turn was taken: nothing is tried");
    });
}

#[test]
fn who_loses_more_often_than_it_may_is_told_busy() {
    test(async |app| {
        let there = Desk::open(app, "acme").await;
        let limits = ExecutorLimits { conflicts_max: 0, ..Default::default() };
        let here = there.limited(app, limits).await;
        let customer_id = here.customer("Bolt & Co").await;
        let (held_back, lost) = held(app, async {
            let (desk, hold) =
                (there.clone(), HoldCustomer { customer_id, reason: "unpaid".to_owned() });
            let held_back = tokio::spawn(async move { desk.attempt(hold).await });
            queued(app, 1).await;
            let (desk, hold) =
                (here.clone(), HoldCustomer { customer_id, reason: "lost".to_owned() });
            let lost = tokio::spawn(async move { desk.attempt(hold).await });
            queued(app, 2).await;
            (held_back, lost)
        })
        .await;
        held_back.await.unwrap().unwrap();
        let lost = lost.await.unwrap();
        assert!(matches!(lost, Err(commands::CommandError::Busy)), "{lost:?}");
        here.run(customer("Nut & Co")).await;
    });
}
