//! Claims about streams that everybody wants at once.

use commands::Kind;
use futures_util::future::join_all;
use harness::desk::{order, receive};
use harness::{Desk, test};

use super::{count, facts, item, rejected};

#[test]
fn many_commands_on_one_stream_share_few_batches_and_leave_no_gap() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let product = desk.product("A-1", 0).await;
        let before = count(app, "select count(*) from log.batches").await;
        let all = join_all((0..500).map(|_| desk.attempt(receive(product, 1)))).await;
        let mut positions: Vec<i64> = all.iter().map(|o| o.as_ref().unwrap().position.0).collect();
        positions.sort_unstable();
        positions.dedup();
        assert_eq!(positions.len(), 500, "two were told the same position");
        let stored = facts(app, item(&desk, product)).await;
        let versions: Vec<i64> = stored.iter().map(|fact| fact.version).collect();
        assert_eq!(versions, (1..=501).collect::<Vec<_>>(), "opened, then received");
        let batches = count(app, "select count(*) from log.batches").await - before;
        assert!(batches < 100, "{batches} batches for 500 commands");
    });
}

#[test]
fn each_is_answered_with_the_position_of_its_own_last_fact() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let (customer, product) =
            (desk.customer("Bolt & Co").await, desk.product("A-1", 100).await);
        let all = join_all((0..40).map(|_| desk.attempt(order(customer, product, 1)))).await;
        let log = super::everything(app).await;
        for outcome in all {
            let outcome = outcome.unwrap();
            let last = &log[usize::try_from(outcome.position.0).unwrap() - 1];
            // An order's last fact is the claim of its number.
            let events::Event::Reservation(claim) = &last.event else { panic!("{last:?}") };
            let events::reservations::ReservationEvent::Claimed { holder, .. } = claim;
            assert_eq!(*holder, outcome.id);
        }
    });
}

#[test]
fn two_processes_sell_the_last_pieces_once() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let desks = [desk.clone(), desk.elsewhere(app).await];
        let customer = desk.customer("Bolt & Co").await;
        for round in 0..5 {
            let product = desk.product(&format!("A-{round}"), 50).await;
            let buyers =
                (0..100).map(|index| desks[index % 2].attempt(order(customer, product, 1)));
            let (sold, refused): (Vec<_>, Vec<_>) =
                join_all(buyers).await.into_iter().partition(Result::is_ok);
            assert_eq!(sold.len(), 50, "round {round}");
            assert!(refused.iter().all(|outcome| rejected(outcome) == Kind::OutOfStock));
            let stored = facts(app, item(&desk, product)).await;
            assert_eq!(stored.len(), 52, "opened, received, 50 times reserved");
        }
    });
}

#[test]
fn two_processes_on_one_hot_stream_lose_nothing() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let desks = [desk.clone(), desk.elsewhere(app).await];
        let product = desk.product("A-1", 0).await;
        let all = (0..300).map(|index| desks[index % 2].attempt(receive(product, 1)));
        for outcome in join_all(all).await {
            outcome.unwrap();
        }
        assert_eq!(facts(app, item(&desk, product)).await.len(), 301);
    });
}
