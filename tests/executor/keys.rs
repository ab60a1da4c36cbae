//! Claims about idempotency keys: the same request happens once, however often it comes.

use commands::{CommandError, Kind};
use futures_util::future::join_all;
use harness::desk::{customer, order, receive};
use harness::{Desk, test};

use super::{everything, facts, item, rejected};

#[test]
fn the_same_request_twenty_times_at_once_makes_one_record() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let desks = [desk.clone(), desk.elsewhere(app).await];
        for processes in [1, 2] {
            for round in 0..5 {
                let before = everything(app).await.len();
                let key = format!("{processes}/{round}");
                let all = (0..20).map(|i| desks[i % processes].keyed(&key, customer("Bolt & Co")));
                let all: Vec<_> = join_all(all).await.into_iter().map(Result::unwrap).collect();
                let first = all.iter().find(|outcome| !outcome.repeated).expect("a first one");
                assert_eq!(all.iter().filter(|outcome| outcome.repeated).count(), 19);
                for outcome in &all {
                    assert_eq!((outcome.id, outcome.position), (first.id, first.position));
                }
                assert_eq!(everything(app).await.len(), before + 2, "the customer, its credit");
            }
        }
    });
}

#[test]
fn a_repeat_that_would_be_rejected_by_now_still_gets_the_first_outcome() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let there = desk.elsewhere(app).await;
        let (customer, product) = (desk.customer("Bolt & Co").await, desk.product("A-1", 1).await);
        let first = desk.keyed("k", order(customer, product, 1)).await.unwrap();
        for desk in [&desk, &there, &desk.elsewhere(app).await] {
            let again = desk.keyed("k", order(customer, product, 1)).await.unwrap();
            assert!(again.repeated);
            assert_eq!((again.id, again.position), (first.id, first.position));
        }
        let all = join_all((0..9).map(|_| there.keyed("k2", order(customer, product, 1)))).await;
        assert!(all.iter().all(|outcome| rejected(outcome) == Kind::OutOfStock));
    });
}

#[test]
fn another_request_under_the_same_key_is_refused() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let there = desk.elsewhere(app).await;
        let product = desk.product("A-1", 0).await;
        let first = desk.keyed("k", receive(product, 3)).await.unwrap();
        for desk in [&desk, &there] {
            let other = desk.keyed("k", receive(product, 4)).await;
            assert!(matches!(other, Err(CommandError::KeyReused)), "{other:?}");
            let other = desk.keyed("k", customer("Bolt & Co")).await;
            assert!(matches!(other, Err(CommandError::KeyReused)), "{other:?}");
            assert!(desk.keyed("k", receive(product, 3)).await.unwrap().repeated);
        }
        // Under a new key, all at once: one wins, whoever wants the same repeats it.
        let all = (0..20).map(|index| desk.keyed("k2", receive(product, index % 2 + 1)));
        let all = join_all(all).await;
        let (good, bad): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
        assert_eq!((good.len(), bad.len()), (10, 10));
        assert!(bad.iter().all(|outcome| matches!(outcome, Err(CommandError::KeyReused))));
        assert_eq!(facts(app, item(&desk, product)).await.len(), 3, "opened, received twice");
        assert!(first.position.0 > 0);
    });
}

#[test]
fn a_rejection_is_not_remembered_under_its_key() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let (customer, product) = (desk.customer("Bolt & Co").await, desk.product("A-1", 0).await);
        let refused = desk.keyed("k", order(customer, product, 1)).await;
        assert_eq!(rejected(&refused), Kind::OutOfStock);
        desk.run(receive(product, 1)).await;
        assert!(!desk.keyed("k", order(customer, product, 1)).await.unwrap().repeated);
    });
}

#[test]
fn a_key_belongs_to_one_organization() {
    test(async |app| {
        let (acme, bolt) = (Desk::open(app, "acme").await, Desk::open(app, "bolt").await);
        let one = acme.keyed("k", customer("One")).await.unwrap();
        let other = bolt.keyed("k", customer("Other")).await.unwrap();
        assert!(!other.repeated && one.id != other.id);
    });
}

#[test]
fn different_keys_in_one_batch_do_not_get_in_each_others_way() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let there = desk.elsewhere(app).await;
        let product = desk.product("A-1", 0).await;
        // Every second one was done by the other process before.
        let keys: Vec<String> = (0..100).map(|n| format!("k{n}")).collect();
        let before = keys.iter().step_by(2).map(|key| there.keyed(key, receive(product, 1)));
        for outcome in join_all(before).await {
            outcome.unwrap();
        }
        let all = keys.iter().map(|key| desk.keyed(key, receive(product, 1)));
        for (index, outcome) in join_all(all).await.into_iter().enumerate() {
            assert_eq!(outcome.unwrap().repeated, index % 2 == 0, "k{index}");
        }
        assert_eq!(facts(app, item(&desk, product)).await.len(), 101);
    });
}
