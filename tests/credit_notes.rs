//! Claims about credit notes, through the front door: what they give back, and what they are
//! numbered. Which rules they obey one by one stands beside the command.

use commands::credit_notes::post::{CreditNoteLineInput, PostCreditNote};
use commands::{CommandError, Kind};
use events::orders::OrderId;
use futures_util::future::join_all;
use harness::desk::{credit_note, order};
use harness::{Desk, Shop, TestApp, test};
use serde_json::{Value, json};

/// A shop with a customer, a product at 2.50 and an order of four.
async fn sold(app: &TestApp, credit_limit: Value) -> (Shop, String, String, Value) {
    let shop = Shop::open(&app.administrator(), "acme").await;
    let customer = shop.customer("Bolt & Co", credit_limit).await;
    let product = shop.product("A-1", "2.50", 1_000).await;
    let order = shop.run("placeOrder", Shop::order(&customer, &product, "4")).await;
    (shop, customer, product, order["id"].clone())
}

async fn credit(shop: &Shop, customer: &str) -> Value {
    let query = "query($id: ID!) { customer(id: $id) { credit { exposure available } } }";
    shop.client.ask(query, json!({ "id": customer })).await["customer"]["credit"].clone()
}

#[test]
fn a_credit_note_shows_what_it_gives_back_and_to_whom() {
    test(async |app| {
        let (shop, customer, product, order) = sold(app, json!(null)).await;
        let mutation = "mutation($input: PostCreditNoteInput!) { postCreditNote(input: $input) {
            recordId creditNote {
                series number status reference reason postedAt businessDate currency gross net
                lineCount version customerName customer { name credit { exposure } }
                order { credited net }
                lines { line sku name unit quantity unitPrice priceSource gross net }
            } } }";
        let mut input = Shop::order(&customer, &product, "1");
        input["lines"][0]["unitPrice"] = json!("2.345");
        input["orderId"] = order.clone();
        input["reason"] = json!("it was bent");
        input["reference"] = json!("complaint 7");
        let done = shop.client.ask(mutation, json!({ "input": input })).await;
        let expected = json!({
            "series": "CN", "number": "1", "status": "POSTED", "reference": "complaint 7",
            "reason": "it was bent", "postedAt": "2026-03-01T12:00:00+00:00",
            "businessDate": "2026-03-01", "currency": "EUR", "gross": "2.345", "net": "2.35",
            "lineCount": 1, "version": 1, "customerName": "Bolt & Co",
            "customer": { "name": "Bolt & Co", "credit": { "exposure": "7.65" } },
            "order": { "credited": "2.35", "net": "10.00" },
            "lines": [{
                "line": 1, "sku": "A-1", "name": "A-1", "unit": "piece", "quantity": "1",
                "unitPrice": "2.345", "priceSource": "stated", "gross": "2.345", "net": "2.35",
            }],
        });
        assert_eq!(done["postCreditNote"]["creditNote"], expected);
        let query = "query($id: ID!) { creditNote(id: $id) { number net orderId } }";
        let id = &done["postCreditNote"]["recordId"];
        let found = shop.client.ask(query, json!({ "id": id })).await;
        let expected = json!({ "number": "1", "net": "2.35", "orderId": order });
        assert_eq!(found["creditNote"], expected);
        let other = shop.client.ask(query, json!({ "id": order })).await;
        assert_eq!(other["creditNote"], json!(null), "an order is no credit note");
    });
}

#[test]
fn two_credit_notes_cannot_exceed_the_order_together() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let desks = [desk.clone(), desk.elsewhere(app).await];
        let (customer, product) = (desk.customer("Bolt & Co").await, desk.product("A", 99).await);
        for round in 0..20 {
            let placed = desk.run(order(customer, product, 3)).await;
            let half = PostCreditNote {
                order_id: Some(OrderId(placed.id)),
                ..credit_note(customer, product, 2)
            };
            let elsewhere = &desks[round % 2];
            let (one, other) = tokio::join!(desk.attempt(half.clone()), elsewhere.attempt(half),);
            let mut outcomes = [one.is_ok(), other.is_ok()];
            outcomes.sort_unstable();
            assert_eq!(outcomes, [false, true], "round {round}");
            let refused = one.err().or(other.err());
            let Some(CommandError::Rejected(refused)) = refused else { panic!("{refused:?}") };
            assert_eq!(refused.kind, Kind::WrongState);
            let told = refused.message;
            assert!(told.contains("only 2.50 are not credited yet"), "{told}");
        }
    });
}

#[test]
fn counted_numbers_have_neither_gaps_nor_repeats() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let desks = [desk.clone(), desk.elsewhere(app).await];
        let (customer, product) = (desk.customer("Bolt & Co").await, desk.product("A", 99).await);
        let placed = desk.run(order(customer, product, 1)).await;
        for _ in 0..5 {
            // Every third is refused: of its order nothing is left to credit but the first time.
            let all = (0..30).map(|index| {
                let about = (index % 3 == 0).then_some(OrderId(placed.id));
                let note = PostCreditNote { order_id: about, ..credit_note(customer, product, 1) };
                desks[index % 2].attempt(note)
            });
            let refused = join_all(all).await.into_iter().filter(Result::is_err).count();
            assert!(refused >= 9, "{refused}");
        }
        app.settled().await;
        let client = app.database.connect().await;
        let query = "select number from read.credit_notes where series = 'CN' \
            order by length(number), number";
        let rows = client.query(query, &[]).await.expect("the numbers");
        let numbers: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let counted: Vec<String> = (1..=101).map(|number| number.to_string()).collect();
        assert_eq!(numbers, counted, "five times twenty, and the order's");
    });
}

#[test]
fn a_stated_number_is_taken_by_one_of_twenty() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let desks = [desk.clone(), desk.elsewhere(app).await];
        let (customer, product) = (desk.customer("Bolt & Co").await, desk.product("A", 0).await);
        for round in 0..5 {
            let note = PostCreditNote {
                series: Some("external".to_owned()),
                number: Some(format!("C{round}")),
                ..credit_note(customer, product, 1)
            };
            let all = (0..20).map(|index| desks[index % 2].attempt(note.clone()));
            let (posted, refused): (Vec<_>, Vec<_>) =
                join_all(all).await.into_iter().partition(Result::is_ok);
            assert_eq!(posted.len(), 1, "round {round}");
            let taken = |outcome: &Result<_, CommandError>| match outcome {
                Err(CommandError::Rejected(rejection)) => rejection.kind == Kind::Taken,
                _ => false,
            };
            assert!(refused.iter().all(taken), "{refused:?}");
        }
    });
}

#[test]
fn the_credit_that_comes_free_pays_for_the_next_order() {
    test(async |app| {
        let (shop, customer, product, order) = sold(app, json!("10")).await;
        let next = Shop::order(&customer, &product, "2");
        let refused = shop.attempt("placeOrder", next.clone()).await;
        assert_eq!(refused, Err("CREDIT_EXCEEDED".to_owned()));
        let mut note = Shop::order(&customer, &product, "2");
        note["orderId"] = order;
        shop.run("postCreditNote", note).await;
        shop.run("placeOrder", next.clone()).await;
        assert!(shop.attempt("placeOrder", next.clone()).await.is_err());
        // Beyond what was ordered: from now on the seller owes the customer.
        let gift = Shop::order(&customer, &product, "6");
        shop.run("postCreditNote", gift).await;
        app.settled().await;
        let expected = json!({ "exposure": "-5.00", "available": "15.00" });
        assert_eq!(credit(&shop, &customer).await, expected);
        shop.run("placeOrder", Shop::order(&customer, &product, "6")).await;
        assert!(shop.attempt("placeOrder", Shop::order(&customer, &product, "1")).await.is_err());
    });
}

#[test]
fn an_order_that_was_credited_stays_and_its_customer_stays_open_until_nobody_owes_anything() {
    test(async |app| {
        let (shop, customer, product, order) = sold(app, json!(null)).await;
        let close = json!({ "customerId": customer, "reason": "gone" });
        let mut note = Shop::order(&customer, &product, "1");
        note["orderId"] = order.clone();
        shop.run("postCreditNote", note.clone()).await;
        let cancel = json!({ "orderId": order, "reason": "ordered twice" });
        let (code, told) = shop.refused("cancelOrder", cancel).await;
        assert_eq!(code, "WRONG_STATE");
        assert!(told.contains("2.50 of the order's 10.00 were credited"), "{told}");
        let (_, told) = shop.refused("closeCustomer", close.clone()).await;
        assert!(told.contains("open orders of 7.50; cancel or credit them first"), "{told}");
        note["lines"][0]["quantity"] = json!("3");
        shop.run("postCreditNote", note).await;
        shop.run("closeCustomer", close).await;
        // A complaint may come later than that.
        shop.run("postCreditNote", Shop::order(&customer, &product, "1")).await;
        app.settled().await;
        assert_eq!(credit(&shop, &customer).await["exposure"], "-2.50");
    });
}

#[test]
fn a_customer_who_is_owed_something_is_not_closed() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 0).await;
        shop.run("postCreditNote", Shop::order(&customer, &product, "1")).await;
        let close = json!({ "customerId": customer, "reason": "gone" });
        let (code, told) = shop.refused("closeCustomer", close).await;
        assert_eq!(code, "WRONG_STATE");
        assert!(told.contains("the customer is owed 2.50"), "{told}");
    });
}

#[test]
fn a_repeated_request_is_one_credit_note() {
    test(async |app| {
        let (shop, customer, product, order) = sold(app, json!(null)).await;
        let mut note = Shop::order(&customer, &product, "3");
        note["orderId"] = order;
        note["idempotencyKey"] = json!("complaint 7");
        let first = shop.run("postCreditNote", note.clone()).await;
        let facts = app.facts().await;
        let again = shop.run("postCreditNote", note).await;
        assert_eq!((&again["id"], &again["repeated"]), (&first["id"], &json!(true)));
        assert_eq!(app.facts().await, facts);
    });
}

#[test]
fn a_credit_note_has_up_to_5000_lines() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let (customer, product_id) = (desk.customer("Bolt & Co").await, desk.product("A", 0).await);
        let line = CreditNoteLineInput {
            product_id,
            quantity: "1".parse().expect("a quantity"),
            unit_price: "0.01".parse().ok(),
        };
        let note = credit_note(customer, product_id, 1);
        let most = PostCreditNote { lines: vec![line.clone(); 5_000], ..note.clone() };
        let posted = desk.run(most).await;
        let more = PostCreditNote { lines: vec![line; 5_001], ..note };
        let refused = desk.attempt(more).await;
        assert!(matches!(refused, Err(CommandError::Rejected(_))), "{refused:?}");
        app.settled().await;
        let client = app.database.connect().await;
        let query = "select count(*), sum(net)::text from read.credit_note_lines \
            where credit_note_id = $1";
        let row = client.query_one(query, &[&posted.id]).await.expect("the lines");
        assert_eq!((row.get(0), row.get(1)), (5_000_i64, "50.00"));
    });
}

#[test]
fn credit_notes_are_listed_by_customer_and_by_order_latest_first() {
    test(async |app| {
        let (shop, bolt, product, order) = sold(app, json!(null)).await;
        let nut = shop.customer("Nut AG", json!(null)).await;
        let mut posted = Vec::new();
        for index in 0..6 {
            let customer = if index % 3 == 2 { &nut } else { &bolt };
            let mut note = Shop::order(customer, &product, "1");
            if index % 3 == 0 {
                note["orderId"] = order.clone();
            }
            posted.push(shop.run("postCreditNote", note).await["id"].clone());
            app.clock.advance(chrono::Duration::minutes(1));
        }
        app.settled().await;
        let list = "query($filter: CreditNotesFilter, $first: Int, $after: String, $last: Int,
            $before: String) {
            creditNotes(filter: $filter, first: $first, after: $after, last: $last,
                before: $before) {
                nodes { id } edges { cursor node { id } }
                pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
        let page = async |arguments: Value| {
            let page = shop.client.ask(list, arguments).await["creditNotes"].clone();
            let nodes = page["nodes"].as_array().cloned().unwrap_or_default();
            let ids: Vec<Value> = nodes.iter().map(|node| node["id"].clone()).collect();
            (ids, page["pageInfo"].clone())
        };
        let ids =
            |wanted: &[usize]| wanted.iter().map(|at| posted[*at].clone()).collect::<Vec<_>>();
        let filtered = async |filter: Value| page(json!({ "filter": filter })).await.0;
        assert_eq!(filtered(json!({})).await, ids(&[5, 4, 3, 2, 1, 0]));
        assert_eq!(filtered(json!({ "customerId": { "eq": nut } })).await, ids(&[5, 2]));
        assert_eq!(filtered(json!({ "orderId": { "eq": order } })).await, ids(&[3, 0]));
        let both = json!({ "customerId": { "eq": nut }, "orderId": { "in": [order] } });
        assert_eq!(filtered(both).await, ids(&[]));
        let of_bolt = json!({ "customerId": { "eq": bolt } });
        let (first, info) = page(json!({ "filter": of_bolt, "first": 3 })).await;
        assert_eq!((first, &info["hasNextPage"]), (ids(&[4, 3, 1]), &json!(true)));
        let after = json!({ "filter": of_bolt, "first": 3, "after": info["endCursor"] });
        let (rest, info) = page(after).await;
        assert_eq!((rest, &info["hasNextPage"]), (ids(&[0]), &json!(false)));
        let before = json!({ "last": 2, "before": info["startCursor"] });
        assert_eq!(page(before).await.0, ids(&[2, 1]));
    });
}
