//! Claims about callers who say which version of a record they know.

use commands::CommandError;
use commands::customers::hold::HoldCustomer;
use commands::customers::release::ReleaseCustomer;
use commands::customers::set_terms::PaymentTermsInput;
use commands::customers::set_terms::SetCustomerTerms;
use futures_util::future::join_all;
use harness::{Desk, test};

#[test]
fn a_stale_edit_is_refused_with_what_has_changed_since() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let there = desk.elsewhere(app).await;
        let customer_id = desk.customer("Bolt & Co").await;
        let terms =
            |net_days| SetCustomerTerms { customer_id, terms: PaymentTermsInput { net_days } };
        desk.at(1, terms(10)).await.unwrap();
        there.at(2, HoldCustomer { customer_id, reason: "unpaid".to_owned() }).await.unwrap();
        for desk in [&desk, &there] {
            match desk.at(1, terms(20)).await {
                Err(CommandError::Stale { expected, actual, changes }) => {
                    assert_eq!((expected, actual), (1, 3));
                    assert_eq!(changes, ["customer.terms_set", "customer.held"]);
                }
                other => panic!("{other:?}"),
            }
        }
        desk.at(3, ReleaseCustomer { customer_id }).await.unwrap();
    });
}

#[test]
fn a_version_that_never_was_is_stale_too() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let customer_id = desk.customer("Bolt & Co").await;
        for wrong in [-1, 0, 2, i64::MAX] {
            let hold = HoldCustomer { customer_id, reason: "unpaid".to_owned() };
            let refused = desk.at(wrong, hold).await;
            let stale = matches!(&refused, Err(CommandError::Stale { expected, actual: 1, .. })
                if *expected == wrong);
            assert!(stale, "{wrong}: {refused:?}");
        }
    });
}

#[test]
fn of_many_who_know_the_same_version_one_edits() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let desks = [desk.clone(), desk.elsewhere(app).await];
        let customer_id = desk.customer("Bolt & Co").await;
        for version in 1..=10 {
            let all = (0..20).map(|index| {
                let terms = PaymentTermsInput { net_days: u16::try_from(index).unwrap() };
                desks[index % 2].at(version, SetCustomerTerms { customer_id, terms })
            });
            let (good, bad): (Vec<_>, Vec<_>) =
                join_all(all).await.into_iter().partition(Result::is_ok);
            assert_eq!(good.len(), 1, "at version {version}");
            for refused in bad {
                let Err(CommandError::Stale { actual, .. }) = refused else {
                    panic!("{refused:?}");
                };
                assert_eq!(actual, version + 1);
            }
        }
    });
}
