//! Claims about things of which there may be only one, and about whose things they are.

use commands::Kind;
use commands::customers::hold::HoldCustomer;
use commands::orders::cancel::CancelOrder;
use commands::orders::place::PlaceOrder;
use commands::products::create::CreateProduct;
use commands::products::publish::PublishProduct;
use commands::{Command, CommandError, Outcome};
use events::customers::CustomerId;
use events::orders::OrderId;
use events::words::OrganizationId;
use futures_util::future::join_all;
use harness::desk::{customer, order, receive};
use harness::{Desk, test};

use super::{everything, rejected};

fn product(sku: &str) -> CreateProduct {
    CreateProduct { sku: sku.to_owned(), unit: None, name: None, list_price: None }
}

/// Twenty at once over two processes: one goes in, the others find it taken.
async fn one_of_twenty<C: Command + Clone>(desks: &[Desk; 2], command: C) -> Outcome {
    let all = (0..20).map(|index| desks[index % 2].attempt(command.clone()));
    let (good, bad): (Vec<_>, Vec<Result<_, CommandError>>) =
        join_all(all).await.into_iter().partition(Result::is_ok);
    assert!(bad.iter().all(|outcome| rejected(outcome) == Kind::Taken));
    assert_eq!(good.len(), 1);
    good.into_iter().next().unwrap().unwrap()
}

#[test]
fn a_sku_goes_to_one_of_twenty_who_want_it_at_once() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let desks = [desk.clone(), desk.elsewhere(app).await];
        for round in 0..5 {
            one_of_twenty(&desks, product(&format!("A-{round}"))).await;
        }
        assert_eq!(everything(app).await.len(), 1 + 5 * 2, "each product and the claim of its SKU");
        desk.run(product("a-1")).await;
        assert_eq!(rejected(&desk.attempt(product(" A-1 ")).await), Kind::Taken);
    });
}

#[test]
fn an_order_number_is_given_once_in_its_series() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let desks = [desk.clone(), desk.elsewhere(app).await];
        let (customer, product) = (desk.customer("Bolt & Co").await, desk.product("A-1", 99).await);
        let numbered = |series: &str, number: &str| PlaceOrder {
            series: Some(series.to_owned()),
            number: Some(number.to_owned()),
            ..order(customer, product, 1)
        };
        for round in 0..5 {
            one_of_twenty(&desks, numbered("web", &round.to_string())).await;
        }
        desk.run(numbered("external", "1")).await;
        let first = one_of_twenty(&desks, numbered("web", "x")).await;
        let cancel = CancelOrder { order_id: OrderId(first.id), reason: "wrong".to_owned() };
        desk.run(cancel).await;
        let again = desk.attempt(numbered("web", "x")).await;
        assert_eq!(rejected(&again), Kind::Taken, "a cancelled order keeps its number");
    });
}

#[test]
fn what_belongs_to_another_organization_is_unknown() {
    test(async |app| {
        let (acme, bolt) = (Desk::open(app, "acme").await, Desk::open(app, "bolt").await);
        let (buyer, product) = (acme.customer("Buyer").await, acme.product("A-1", 9).await);
        let order_id = OrderId(acme.run(order(buyer, product, 1)).await.id);
        let (mine, my_product) = (bolt.customer("Mine").await, bolt.product("A-1", 9).await);
        let reason = || "theirs".to_owned();
        let refusals = [
            bolt.attempt(order(buyer, my_product, 1)).await,
            bolt.attempt(order(mine, product, 1)).await,
            bolt.attempt(receive(product, 1)).await,
            bolt.attempt(PublishProduct { product_id: product }).await,
            bolt.attempt(HoldCustomer { customer_id: buyer, reason: reason() }).await,
            bolt.attempt(CancelOrder { order_id, reason: reason() }).await,
        ];
        for (index, refused) in refusals.iter().enumerate() {
            assert_eq!(rejected(refused), Kind::NotFound, "{index}: {refused:?}");
        }
        acme.run(order(buyer, product, 1)).await;
    });
}

#[test]
fn an_id_of_another_kind_of_record_is_unknown() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let (buyer, product) = (desk.customer("Buyer").await, desk.product("A-1", 9).await);
        let crossed = order(CustomerId(product.0), product, 1);
        // Once as a product, so that it is in the cache as one.
        desk.run(receive(product, 1)).await;
        assert_eq!(rejected(&desk.attempt(crossed.clone()).await), Kind::NotFound);
        let there = desk.elsewhere(app).await;
        assert_eq!(rejected(&there.attempt(crossed).await), Kind::NotFound);
        desk.run(order(buyer, product, 1)).await;
        there.run(order(buyer, product, 1)).await;
    });
}

#[test]
fn an_organization_that_nobody_registered_can_do_nothing() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let nobody = Desk { organization: OrganizationId::of_slug("nobody"), ..desk };
        assert_eq!(rejected(&nobody.attempt(customer("Bolt & Co")).await), Kind::NotFound);
        assert_eq!(everything(app).await.len(), 1);
    });
}
