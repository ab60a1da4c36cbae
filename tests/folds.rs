//! Claims about folds: after any history, what decisions see, what readers see and what the domain
//! promises are the same thing. Histories are random; a failing one is shrunk and shown.

mod books;
pub(crate) mod history;

use harness::{Desk, test};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use books::Books;

const HISTORIES: u32 = 12;

#[test]
fn after_any_history_rows_are_what_decisions_see_and_the_domain_holds() {
    test(async |app| {
        let config = Config {
            cases: HISTORIES,
            max_shrink_iters: 300,
            failure_persistence: None,
            ..Config::default()
        };
        let mut organizations = 0..;
        let organizations = std::cell::RefCell::new(&mut organizations);
        let accepted = std::cell::Cell::new(0);
        let handle = Handle::current();
        let outcome = block_in_place(|| {
            TestRunner::new(config).run(&history::histories(), |steps| {
                let number = organizations.borrow_mut().next().unwrap_or(0_u32);
                handle.block_on(async {
                    let desk = Desk::open(app, &format!("shop-{number}")).await;
                    accepted.set(accepted.get() + history::play(&desk, &steps).await);
                    app.settled().await;
                    let books = Books::read(app, desk.organization).await;
                    books.check(app).await.map_err(TestCaseError::fail)
                })
            })
        });
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
        let accepted = accepted.get();
        assert!(accepted > HISTORIES * 30, "{accepted} accepted commands: nothing is tried");
    });
}
