//! Claims about requests that are repeated, and about changes made without knowing the latest.

use futures_util::future::join_all;
use harness::shop::mutation_of;
use harness::{Shop, test};
use serde_json::json;

use super::{Case, Told, refused};

#[test]
fn a_stale_version_is_refused_and_says_what_changed() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let terms = |days: u32| json!({ "customerId": customer, "terms": { "netDays": days } });
        shop.run("setCustomerTerms", terms(10)).await;
        let hold = json!({ "customerId": customer, "reason": "late" });
        shop.run("holdCustomer", hold).await;
        let mut stale = terms(20);
        stale["expectedVersion"] = json!(1);
        let before = app.facts().await;
        let input = json!({ "input": stale });
        let (_, _, body) = shop.client.post(&mutation_of("setCustomerTerms"), input).await;
        let told = Told::of(&body);
        told.is("STALE_VERSION", "expectedVersion", "customer.terms_set, customer.held");
        assert_eq!(told.extensions["changes"], json!(["customer.terms_set", "customer.held"]));
        assert_eq!(told.extensions["actualVersion"], 3);
        assert_eq!(app.facts().await, before);
        stale["expectedVersion"] = json!(3);
        shop.run("setCustomerTerms", stale).await;
    });
}

#[test]
fn a_version_from_the_future_is_refused() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        for version in [0, 2, -1, i64::from(i32::MAX)] {
            let input = json!({
                "customerId": customer, "reason": "late", "expectedVersion": version,
            });
            let cases: &[Case] =
                &[("holdCustomer", input, "STALE_VERSION", "expectedVersion", "version 1")];
            refused(app, &shop, cases).await;
        }
    });
}

#[test]
fn a_repeat_with_the_same_key_gets_the_first_outcome() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 10).await;
        let order = Shop::order(&customer, &product, "1");
        let mut keyed = order.clone();
        keyed["idempotencyKey"] = json!("order 17");
        let first = shop.run("placeOrder", keyed.clone()).await;
        assert_eq!(first["repeated"], false);
        let facts = app.facts().await;
        let by_header = shop.client.clone().with("idempotency-key", "order 17");
        for (client, input) in [(&shop.client, &keyed), (&by_header, &order), (&by_header, &keyed)]
        {
            let again = Shop { client: client.clone() }.run("placeOrder", input.clone()).await;
            assert_eq!(again["repeated"], true);
            assert_eq!((&again["id"], &again["position"]), (&first["id"], &first["position"]));
        }
        assert_eq!(app.facts().await, facts);
        // The input's key counts before the header's.
        let mut other = order.clone();
        other["idempotencyKey"] = json!("order 18");
        let other = Shop { client: by_header }.run("placeOrder", other).await;
        assert_ne!(other["id"], first["id"]);
    });
}

#[test]
fn a_key_is_good_for_one_request() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 10).await;
        let mut order = Shop::order(&customer, &product, "1");
        order["idempotencyKey"] = json!("17");
        shop.run("placeOrder", order.clone()).await;
        order["lines"][0]["quantity"] = json!("2");
        let hold = json!({ "customerId": customer, "reason": "late", "idempotencyKey": "17" });
        let reused = ("IDEMPOTENCY_KEY_REUSED", "idempotencyKey", "use a fresh key");
        let cases: &[Case] = &[
            ("placeOrder", order, reused.0, reused.1, reused.2),
            ("holdCustomer", hold, reused.0, reused.1, reused.2),
        ];
        refused(app, &shop, cases).await;
    });
}

#[test]
fn a_refused_request_does_not_use_up_its_key() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 0).await;
        let mut order = Shop::order(&customer, &product, "1");
        order["idempotencyKey"] = json!("17");
        let refusal = shop.attempt("placeOrder", order.clone()).await;
        assert_eq!(refusal, Err("OUT_OF_STOCK".to_owned()));
        shop.run("receiveStock", json!({ "productId": product, "quantity": "1" })).await;
        assert_eq!(shop.run("placeOrder", order).await["repeated"], false);
    });
}

#[test]
fn twenty_at_once_with_one_key_are_one_order() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 100).await;
        for round in 0..10 {
            let mut order = Shop::order(&customer, &product, "1");
            order["idempotencyKey"] = json!(format!("round {round}"));
            let all = (0..20).map(|_| shop.run("placeOrder", order.clone()));
            let outcomes = join_all(all).await;
            let first = outcomes.iter().filter(|outcome| outcome["repeated"] == false).count();
            assert_eq!(first, 1, "round {round}");
            assert!(outcomes.iter().all(|outcome| outcome["id"] == outcomes[0]["id"]));
        }
    });
}

#[test]
fn a_key_belongs_to_its_organization() {
    test(async |app| {
        let mut orders = Vec::new();
        for slug in ["acme", "beta"] {
            let shop = Shop::open(&app.administrator(), slug).await;
            let input = json!({ "name": "Bolt & Co", "idempotencyKey": "17" });
            let customer = shop.run("openCustomer", input).await;
            assert_eq!(customer["repeated"], false);
            orders.push(customer["id"].clone());
        }
        assert_ne!(orders[0], orders[1]);
    });
}

#[test]
fn a_key_has_1_to_200_bytes() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        for key in [String::new(), "k".repeat(201)] {
            let input = json!({ "name": "Bolt & Co", "idempotencyKey": key });
            let cases: &[Case] =
                &[("openCustomer", input, "INVALID_INPUT", "idempotencyKey", "1 to 200 bytes")];
            refused(app, &shop, cases).await;
        }
    });
}
