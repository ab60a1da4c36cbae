//! Claims about rounds that are decided while others are in flight: whatever rests on what may
//! never commit is told only once it has, and decided again if it does not.

use std::time::Duration;

use commands::customers::Customer;
use commands::customers::hold::HoldCustomer;
use commands::customers::set_terms::{PaymentTermsInput, SetCustomerTerms};
use commands::orders::cancel::CancelOrder;
use commands::products::discontinue::DiscontinueProduct;
use commands::{Command, CommandError, Decision, Kind, Outcome};
use events::customers::{CustomerEvent, CustomerId, CustomerStatus};
use events::orders::OrderId;
use futures_util::future::join_all;
use harness::desk::{order, receive};
use harness::{Desk, TestApp, test};
use tokio::task::JoinHandle;

use super::probe::Probe;
use super::{facts, item, rejected};
use crate::log::{held, queued};

type Given = JoinHandle<Result<Outcome, CommandError>>;

/// Gives a command without waiting for its answer, and lets it be decided.
async fn give<C: Command>(desk: &Desk, command: C) -> Given {
    given(desk.clone(), async move |desk: Desk| desk.attempt(command).await).await
}

async fn given<F>(desk: Desk, how: impl FnOnce(Desk) -> F) -> Given
where
    F: Future<Output = Result<Outcome, CommandError>> + Send + 'static,
{
    let given = tokio::spawn(how(desk));
    tokio::time::sleep(Duration::from_millis(50)).await;
    given
}

/// Which of them are done.
async fn done(all: impl IntoIterator<Item = Given>) -> Vec<bool> {
    join_all(all).await.into_iter().map(|outcome| outcome.unwrap().is_ok()).collect()
}

/// Gives a command in another process, in front of whatever comes for the tail lock after it.
async fn first<C: Command>(app: &TestApp, there: &Desk, command: C) -> Given {
    let given = give(there, command).await;
    queued(app, 1).await;
    given
}

fn hold(customer_id: CustomerId) -> HoldCustomer {
    HoldCustomer { customer_id, reason: "unpaid".to_owned() }
}

fn terms(customer_id: CustomerId, net_days: u16) -> SetCustomerTerms {
    SetCustomerTerms { customer_id, terms: PaymentTermsInput { net_days } }
}

/// Given one piece, and an order of it in flight that another process makes void, when a second
/// buyer finds it sold out, then that is not told: the second buyer gets it.
#[test]
fn a_rejection_waits_for_what_it_rests_on_and_is_decided_again_without_it() {
    test(async |app| {
        let here = Desk::open(app, "acme").await;
        let there = here.elsewhere(app).await;
        for round in 0..3 {
            let (one, other) = (here.customer("Bolt & Co").await, here.customer("Nut & Co").await);
            let product = here.product(&format!("A-{round}"), 1).await;
            let (held_back, void, second) = held(app, async {
                let held_back = first(app, &there, hold(one)).await;
                let void = give(&here, order(one, product, 1)).await;
                queued(app, 2).await;
                let second = give(&here, order(other, product, 1)).await;
                (held_back, void, second)
            })
            .await;
            held_back.await.unwrap().expect("the hold");
            assert_eq!(rejected(&void.await.unwrap()), Kind::WrongState);
            second.await.unwrap().expect("the last piece");
        }
    });
}

/// Given a piece that is freed by a cancellation in flight, when somebody orders it, then that is
/// accepted with it; if the cancellation is refused, the piece is still sold once.
#[test]
fn what_is_accepted_on_a_round_in_flight_is_accepted_with_it_or_not_at_all() {
    test(async |app| {
        let here = Desk::open(app, "acme").await;
        let there = here.elsewhere(app).await;
        let (one, other) = (here.customer("Bolt & Co").await, here.customer("Nut & Co").await);
        for refused in [false, true] {
            let product = here.product(&format!("A-{refused}"), 1).await;
            let order_id = OrderId(here.run(order(one, product, 1)).await.id);
            let cancel = CancelOrder { order_id, reason: "wrong".to_owned() };
            let (theirs, ours) = held(app, async {
                let mut theirs = Vec::new();
                if refused {
                    theirs.push(first(app, &there, cancel.clone()).await);
                    theirs.push(give(&there, order(one, product, 1)).await);
                }
                (theirs, [give(&here, cancel).await, give(&here, order(other, product, 1)).await])
            })
            .await;
            let (theirs, ours) = (done(theirs).await, done(ours).await);
            assert_eq!(ours[0], !refused, "the cancellation");
            if refused {
                assert!(theirs[0] && theirs[1] != ours[1], "{theirs:?}, {ours:?}: one has it");
            } else {
                assert!(ours[1], "the order");
            }
            let stored = facts(app, item(&here, product)).await;
            assert_eq!(stored.len(), 5, "opened, received, reserved, released, reserved");
        }
    });
}

/// Given a command in flight that another process makes void, when a second one finds its record
/// at a later version than it knows, then that is not told: there never was such a version.
#[test]
fn a_version_that_never_came_to_be_is_not_told() {
    test(async |app| {
        let here = Desk::open(app, "acme").await;
        let there = here.elsewhere(app).await;
        let product_id = here.product("A-1", 0).await;
        let discontinue = DiscontinueProduct { product_id, reason: Some("old".to_owned()) };
        let (over, void, late) = held(app, async {
            let over = first(app, &there, discontinue).await;
            // Opens the item, which nobody may once the product is discontinued.
            let void = give(&here, receive(product_id, 1)).await;
            queued(app, 2).await;
            let at_nothing = async move |desk: Desk| desk.at(0, receive(product_id, 1)).await;
            (over, void, given(here.clone(), at_nothing).await)
        })
        .await;
        over.await.unwrap().expect("the end of the product");
        assert_eq!(rejected(&void.await.unwrap()), Kind::WrongState);
        assert_eq!(rejected(&late.await.unwrap()), Kind::WrongState, "version 2 never was");
        assert!(facts(app, item(&here, product_id)).await.is_empty());
    });
}

/// Given an edit in flight, when the next ones know the version that it will leave, then the first
/// of them is accepted, and the other is told what has changed.
#[test]
fn who_knows_the_version_that_is_being_written_edits_it() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let customer_id = desk.customer("Bolt & Co").await;
        let at = |version: i64, net_days| {
            let how = async move |desk: Desk| desk.at(version, terms(customer_id, net_days)).await;
            given(desk.clone(), how)
        };
        let edits = held(app, async { [at(1, 10).await, at(2, 20).await, at(2, 30).await] }).await;
        let [one, next, stale] = edits.map(|edit| async { edit.await.unwrap() });
        one.await.expect("at version 1");
        next.await.expect("at version 2");
        match stale.await {
            Err(CommandError::Stale { expected: 2, actual: 3, changes }) => {
                assert_eq!(changes, ["customer.terms_set"]);
            }
            other => panic!("{other:?}"),
        }
    });
}

/// Given a keyed request in flight, when it comes again, then both get the one outcome; and when it
/// is another request, that is refused.
#[test]
fn a_key_that_is_in_flight_is_answered_once() {
    test(async |app| {
        let here = Desk::open(app, "acme").await;
        let there = here.elsewhere(app).await;
        let (customer, product) = (here.customer("Bolt & Co").await, here.product("A-1", 9).await);
        for void in [false, true] {
            let keyed = |pieces| {
                let how = async move |desk: Desk| {
                    desk.keyed(&format!("k-{void}"), order(customer, product, pieces)).await
                };
                given(here.clone(), how)
            };
            let (before, all) = held(app, async {
                let before =
                    if void { Some(first(app, &there, hold(customer)).await) } else { None };
                (before, [keyed(1).await, keyed(1).await, keyed(2).await, keyed(1).await])
            })
            .await;
            if let Some(before) = before {
                before.await.unwrap().expect("the hold");
            }
            let all = join_all(all).await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
            if void {
                assert!(all.iter().all(|one| rejected(one) == Kind::WrongState), "{all:?}");
                continue;
            }
            assert!(matches!(all[2], Err(CommandError::KeyReused)), "{all:?}");
            let done: Vec<Outcome> = all.into_iter().flatten().collect();
            assert_eq!(
                done.iter().map(|one| one.repeated).collect::<Vec<_>>(),
                [false, true, true]
            );
            assert!(
                done.iter().all(|one| (one.id, one.position) == (done[0].id, done[0].position))
            );
        }
        assert_eq!(facts(app, item(&here, product)).await.len(), 3, "opened, received, reserved");
    });
}

/// Holds the customer, or, if it is held already, the guarantor too.
fn hold_or_guarantor(customer: CustomerId, guarantor: CustomerId) -> Probe {
    let is_held = move |states: &commands::States| {
        states
            .known::<Customer>(customer)
            .is_some_and(|found| found.status == Some(CustomerStatus::OnHold))
    };
    let held_by =
        |id: CustomerId| Decision::of(id, CustomerEvent::Held { reason: "unpaid".to_owned() });
    Probe::new(
        customer,
        move |known, needs| {
            needs.name::<Customer>(customer);
            if is_held(known) {
                needs.name::<Customer>(guarantor);
            }
        },
        move |states| Ok(held_by(if is_held(states) { guarantor } else { customer })),
    )
}

/// Given a command in flight, when another process changes what it rests on so that it needs
/// another record, then it is decided on that one too; in a round, and in a turn.
#[test]
fn what_is_needed_may_be_something_else_the_next_time() {
    test(async |app| {
        let there = Desk::open(app, "acme").await;
        for conflicts_before_turn in [3, 0] {
            let limits = commands::ExecutorLimits { conflicts_before_turn, ..Default::default() };
            let here = there.limited(app, limits).await;
            let customer = here.customer("Bolt & Co").await;
            let guarantor = there.customer("Nut & Co").await;
            let (before, probed) = held(app, async {
                let before = first(app, &there, hold(customer)).await;
                (before, give(&here, hold_or_guarantor(customer, guarantor)).await)
            })
            .await;
            before.await.unwrap().expect("the hold");
            probed.await.unwrap().expect("an accepted command");
            for customer in [customer, guarantor] {
                let stream =
                    events::log::StreamKey { organization: here.organization.0, id: customer.0 };
                let held: Vec<_> =
                    facts(app, stream).await.into_iter().map(|fact| fact.fact_type).collect();
                assert_eq!(held, ["customer.opened", "customer.held"]);
            }
        }
    });
}

/// Given a cache that keeps nothing, when orders of a product are in flight and others push its
/// state out, then the pieces are sold once.
#[test]
fn a_state_that_is_pushed_out_while_it_is_in_flight_is_not_forgotten() {
    test(async |app| {
        let there = Desk::open(app, "acme").await;
        let limits = commands::ExecutorLimits { cache_bytes_max: 1, ..Default::default() };
        let here = there.limited(app, limits).await;
        let customer = here.customer("Bolt & Co").await;
        let mut products = Vec::new();
        for index in 0..6 {
            products.push(here.product(&format!("A-{index}"), 2).await);
        }
        let outcomes = held(app, async {
            let mut outcomes = Vec::new();
            for _ in 0..3 {
                for product in &products {
                    outcomes.push(give(&here, order(customer, *product, 1)).await);
                }
            }
            outcomes
        })
        .await;
        let outcomes: Vec<_> = join_all(outcomes).await.into_iter().map(Result::unwrap).collect();
        let (sold, refused) = outcomes.split_at(12);
        assert!(sold.iter().all(Result::is_ok), "{sold:?}");
        assert!(refused.iter().all(|outcome| rejected(outcome) == Kind::OutOfStock));
    });
}
