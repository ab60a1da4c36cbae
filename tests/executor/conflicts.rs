//! Claims about what another process did in the meantime: no answer rests on a stale state, and
//! nobody suffers for a neighbour's conflict.

use commands::Kind;
use commands::customers::hold::HoldCustomer;
use commands::customers::release::ReleaseCustomer;
use commands::products::publish::PublishProduct;
use commands::stock::adjust::AdjustStock;
use events::customers::CustomerId;
use futures_util::future::join_all;
use harness::desk::{customer, order, receive};
use harness::{Desk, test};

use super::{facts, item, rejected};

#[test]
fn stock_that_another_process_received_can_be_sold_at_once() {
    test(async |app| {
        let here = Desk::open(app, "acme").await;
        let there = here.elsewhere(app).await;
        let customer = here.customer("Bolt & Co").await;
        for round in 0..10 {
            let product = here.product(&format!("A-{round}"), 0).await;
            assert_eq!(
                rejected(&there.attempt(order(customer, product, 3)).await),
                Kind::OutOfStock
            );
            here.run(receive(product, 3)).await;
            there.run(order(customer, product, 3)).await;
            assert_eq!(
                rejected(&here.attempt(order(customer, product, 1)).await),
                Kind::OutOfStock
            );
        }
    });
}

#[test]
fn a_customer_that_another_process_opened_can_order_at_once() {
    test(async |app| {
        let here = Desk::open(app, "acme").await;
        let there = here.elsewhere(app).await;
        let product = here.product("A-1", 100).await;
        for _ in 0..10 {
            let open = here.request(customer("Bolt & Co"));
            let id = CustomerId(open.context.id);
            assert_eq!(rejected(&there.attempt(order(id, product, 1)).await), Kind::NotFound);
            here.executor.execute(open).await.unwrap();
            there.run(order(id, product, 1)).await;
        }
    });
}

#[test]
fn a_customer_that_another_process_held_orders_no_more() {
    test(async |app| {
        let here = Desk::open(app, "acme").await;
        let there = here.elsewhere(app).await;
        let (customer_id, product) =
            (here.customer("Bolt & Co").await, here.product("A-1", 9).await);
        for _ in 0..3 {
            there.run(order(customer_id, product, 1)).await;
            here.run(HoldCustomer { customer_id, reason: "unpaid".to_owned() }).await;
            let refused = there.attempt(order(customer_id, product, 1)).await;
            assert_eq!(rejected(&refused), Kind::WrongState);
            here.run(ReleaseCustomer { customer_id }).await;
        }
        there.run(order(customer_id, product, 6)).await;
    });
}

#[test]
fn a_conflict_from_outside_does_not_lose_its_neighbours() {
    test(async |app| {
        let here = Desk::open(app, "acme").await;
        let there = here.elsewhere(app).await;
        let customer = here.customer("Bolt & Co").await;
        let (hot, calm) = (here.product("HOT", 20).await, here.product("CALM", 1_000).await);
        for round in 0..20 {
            // There knows both; here then changes one behind its back.
            there.run(receive(hot, 1)).await;
            here.run(receive(hot, 1)).await;
            let all = (0..30).map(|index| {
                let product = if index % 3 == 0 { hot } else { calm };
                there.attempt(order(customer, product, 1))
            });
            let all = join_all(all).await;
            let sold = all.iter().filter(|outcome| outcome.is_ok()).count();
            assert!(sold >= 20, "round {round}: {sold} of 30");
            for outcome in all.iter().filter(|outcome| outcome.is_err()) {
                assert_eq!(rejected(outcome), Kind::OutOfStock);
            }
        }
        let reserved = facts(app, item(&here, calm)).await.len() - 2;
        assert_eq!(reserved, 400, "every order of the calm product");
        let reserved = facts(app, item(&here, hot)).await.len() - 2 - 40;
        assert_eq!(reserved, 60, "as many of the hot product as there were");
    });
}

#[test]
fn a_batch_that_was_refused_in_part_is_decided_anew_on_what_is_true() {
    test(async |app| {
        let here = Desk::open(app, "acme").await;
        let there = here.elsewhere(app).await;
        let customer = here.customer("Bolt & Co").await;
        for round in 0..10 {
            let product = here.product(&format!("A-{round}"), 10).await;
            let draft = here.product(&format!("B-{round}"), 10).await;
            there.run(order(customer, product, 1)).await;
            // Behind there's back nine of ten vanish: what it decides on its cache is wrong.
            let difference = "-9".parse().unwrap();
            let reason = "fire".to_owned();
            let (product_id, warehouse_id) = (product, None);
            here.run(AdjustStock { product_id, warehouse_id, difference, reason }).await;
            let (again, lost, kept) = tokio::join!(
                there.attempt(PublishProduct { product_id: draft }),
                there.attempt(order(customer, product, 1)),
                there.attempt(order(customer, draft, 1)),
            );
            assert_eq!(rejected(&again), Kind::WrongState);
            assert_eq!(rejected(&lost), Kind::OutOfStock);
            kept.unwrap();
        }
    });
}
