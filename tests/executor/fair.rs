//! Claims about two processes that want the same stream all the time: neither starves the other,
//! and what one decides ahead of a commit never stands on what the other wrote.

use std::time::{Duration, Instant};

use commands::Kind;
use commands::stock::adjust::AdjustStock;
use futures_util::future::join_all;
use harness::desk::{order, receive};
use harness::{Desk, test};

use super::{facts, item, rejected};
use crate::log::held;

/// So many callers of a desk, each giving one command after another; how many were accepted.
async fn callers(
    desk: &Desk,
    callers: usize,
    until: Instant,
    command: impl Fn() -> commands::stock::receive::ReceiveStock + Copy + Send + 'static,
) -> usize {
    let work = (0..callers).map(|_| {
        let desk = desk.clone();
        tokio::spawn(async move {
            let mut accepted = 0;
            while Instant::now() < until {
                desk.attempt(command()).await.expect("an accepted command");
                accepted += 1;
            }
            accepted
        })
    });
    join_all(work).await.into_iter().map(|accepted| accepted.expect("a caller")).sum()
}

#[test]
fn a_process_with_one_caller_is_served_beside_one_with_sixty() {
    test(async |app| {
        let crowd = Desk::open(app, "acme").await;
        let lone = crowd.elsewhere(app).await;
        let product = crowd.product("A-1", 0).await;
        let until = Instant::now() + Duration::from_secs(3);
        let many = callers(&crowd, 60, until, move || receive(product, 1));
        let one = callers(&lone, 1, until, move || receive(product, 1));
        let (many, one) = tokio::join!(many, one);
        assert!(one >= 20, "{one} for the lone caller, {many} for the crowd");
        assert!(many >= 200, "{many} for the crowd, {one} for the lone caller");
        let stored = facts(app, item(&crowd, product)).await.len();
        assert_eq!(stored.min(10_000), (many + one + 1).min(10_000));
    });
}

/// Two rounds of one process wait behind a commit of another that takes away what they sell. The
/// first is refused for its version; the second expects the version that the first would have
/// left, and finds it: by the other's fact.
#[test]
fn what_was_decided_on_a_refused_round_is_not_sold() {
    test(async |app| {
        let here = Desk::open(app, "acme").await;
        let there = here.elsewhere(app).await;
        // They share nothing but the stock.
        let customers = [here.customer("Bolt & Co").await, here.customer("Nut & Co").await];
        for round in 0..5 {
            let product_id = here.product(&format!("A-{round}"), 4).await;
            for customer in customers {
                here.run(order(customer, product_id, 1)).await;
            }
            let fire = AdjustStock {
                product_id,
                warehouse_id: None,
                difference: "-2".parse().unwrap(),
                reason: "fire".to_owned(),
            };
            let step = || tokio::time::sleep(Duration::from_millis(60));
            let (burnt, orders) = held(app, async {
                let (desk, fire) = (there.clone(), fire);
                let burnt = tokio::spawn(async move { desk.attempt(fire).await });
                step().await;
                let mut orders = Vec::new();
                for customer in customers {
                    let desk = here.clone();
                    let order = order(customer, product_id, 1);
                    orders.push(tokio::spawn(async move { desk.attempt(order).await }));
                    step().await;
                }
                (burnt, orders)
            })
            .await;
            burnt.await.unwrap().expect("the fire");
            for order in orders {
                assert_eq!(rejected(&order.await.unwrap()), Kind::OutOfStock);
            }
        }
    });
}

/// Rounds overlap: what was decided on a round that is then refused must not be accepted because
/// somebody else's facts brought the stream to the same version.
#[test]
fn no_piece_is_sold_twice_however_rounds_of_two_processes_overlap() {
    test(async |app| {
        let here = Desk::open(app, "acme").await;
        let desks = [here.clone(), here.elsewhere(app).await];
        let customer = here.customer("Bolt & Co").await;
        for round in 0..15 {
            let pieces = 40 + round;
            let product = here.product(&format!("A-{round}"), pieces).await;
            // Small orders from many callers, so that a next round is always waiting.
            let buyers = (0..160).map(|index| {
                let desk = &desks[index % 2];
                async move {
                    tokio::time::sleep(Duration::from_micros(index as u64 * 37)).await;
                    desk.attempt(order(customer, product, 1)).await.is_ok()
                }
            });
            let sold = join_all(buyers).await.into_iter().filter(|sold| *sold).count();
            assert_eq!(sold, pieces as usize, "round {round}");
        }
    });
}
