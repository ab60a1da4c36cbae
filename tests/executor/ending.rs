//! Claims about how the executor ends, and about commands that end badly: nobody else is lost.

use std::time::{Duration, Instant};

use commands::customers::Customer;
use commands::{Kind, Rejection};
use futures_util::future::join_all;
use harness::desk::{customer, order, receive};
use harness::{Desk, TestApp, test};

use super::probe::Probe;
use super::{count, facts, item, rejected};
use crate::log::{held, queued};

async fn until(app: &TestApp, query: &str, wanted: i64) {
    let started = Instant::now();
    while count(app, query).await != wanted {
        assert!(started.elapsed() < Duration::from_secs(20), "{query} is not {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// In flight, waiting behind them, and waiting for what is being read.
#[test]
fn what_was_taken_is_done_though_nobody_waits_any_more_and_then_all_ends() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let (customer, product) = (desk.customer("Bolt & Co").await, desk.product("A-1", 90).await);
        let there = desk.elsewhere(app).await;
        let appenders = "select count(*) from pg_stat_activity where \
            datname = current_database() and application_name = 'millrace appender'";
        there.run(order(customer, product, 1)).await;
        until(app, appenders, 2).await;
        let there = held(app, async {
            let begun = (0..40).map(|index| {
                let (desk, key) = (there.clone(), format!("k{index}"));
                tokio::spawn(async move { desk.keyed(&key, order(customer, product, 1)).await })
            });
            let begun: Vec<_> = begun.collect();
            queued(app, 1).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            for one in begun {
                one.abort();
                drop(one.await);
            }
            // The last handle.
            drop(there);
            desk.elsewhere(app).await
        })
        .await;
        // Opened, received, and each order reserved.
        let done = format!(
            "select count(*) from log.events where stream_id = '{}'",
            item(&desk, product).id,
        );
        until(app, &done, 2 + 1 + 40).await;
        let again = there.keyed("k7", order(customer, product, 1)).await.unwrap();
        assert!(again.repeated);
        drop(there);
        until(app, appenders, 1).await;
    });
}

#[test]
fn a_command_that_breaks_off_fails_alone() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let (buyer, product) = (desk.customer("Bolt & Co").await, desk.product("A-1", 0).await);
        let broken = Probe::new(
            buyer,
            move |_, needs| needs.name::<Customer>(buyer),
            |_| -> Result<_, Rejection> { panic!("a mistake in a rule") },
        );
        let others = (0..20).map(|_| desk.attempt(receive(product, 1)));
        let all = (0..20).map(|_| desk.attempt(broken.clone()));
        let (others, all) = tokio::join!(join_all(others), join_all(all));
        assert!(others.iter().all(Result::is_ok), "{others:?}");
        assert!(all.iter().all(|outcome| rejected(outcome) == Kind::Broken));
        assert_eq!(facts(app, item(&desk, product)).await.len(), 21);
        desk.run(customer("Nut & Co")).await;
    });
}
