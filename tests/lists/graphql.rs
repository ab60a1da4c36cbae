//! Claims about lists through GraphQL: every test of every field can be asked, what is wrong is
//! told with its place, and records are counted only if that is asked.

use events::access::Access;
use harness::client::camel_case;
use harness::{Dice, Shop, TestApp, test};
use queries::fields::{Field, Listed};
use queries::filter::{Filter, Test, Value as Held};
use serde_json::{Value, json};

use super::filters::tests;
use super::rows::fill;
use super::{each_list, id, listed, organization};
use crate::metrics::shown;

/// The field of a list, in the query and in its types.
fn names<R: Listed>() -> (String, String) {
    let list = match R::NAME {
        "stock" => "stock_items",
        "credit" => "credits",
        other => other,
    };
    let (first, rest) = list.split_at(1);
    (camel_case(list), camel_case(&format!("{}{rest}", first.to_uppercase())))
}

fn field<R: Listed>(field: &Field) -> String {
    if field == R::LIST.id() { "id".to_owned() } else { camel_case(field.column) }
}

fn told(held: &Held) -> Value {
    match held {
        Held::Id(id) => json!(id),
        Held::Text(text) => json!(text),
        Held::Truth(truth) => json!(truth),
        Held::Whole(number) => json!(number),
        Held::Number(number) => json!(number.to_string()),
        Held::Day(day) => json!(day.to_string()),
        Held::Time(time) => json!(time.to_rfc3339()),
    }
}

fn asked(field: &Field, test: &Test) -> Value {
    let told = |held: &Held| match field.kind {
        queries::fields::Kind::Word(_) => json!(told(held).as_str().map(str::to_uppercase)),
        _ => told(held),
    };
    match test {
        Test::Eq(held) => json!({ "eq": told(held) }),
        Test::Ne(held) => json!({ "ne": told(held) }),
        Test::In(held) => json!({ "in": held.iter().map(told).collect::<Vec<_>>() }),
        Test::Lt(held) => json!({ "lt": told(held) }),
        Test::Lte(held) => json!({ "lte": told(held) }),
        Test::Gt(held) => json!({ "gt": told(held) }),
        Test::Gte(held) => json!({ "gte": told(held) }),
        Test::Contains(part) => json!({ "contains": part }),
        Test::StartsWith(start) => json!({ "startsWith": start }),
        Test::IsNull(nothing) => json!({ "isNull": nothing }),
    }
}

async fn every_field<R: Listed>(app: &TestApp, shop: &Shop, access: &Access) {
    fill(app, access, R::LIST, 1, 30).await;
    let rows = listed::<R>(&app.parts.reader, access, Filter::all()).await;
    let (list, types) = names::<R>();
    let query = format!(
        "query($filter: {types}Filter) {{ {list}(first: 100, filter: $filter, \
         sort: [{{ field: ID }}]) {{ nodes {{ id }} totalCount }} }}"
    );
    let mut dice = Dice::of(2);
    for of in R::LIST.fields {
        for test in tests(&mut dice, of) {
            let one = json!({ field::<R>(of): asked(of, &test) });
            let fits = Filter::Field(of, test);
            for (filter, wanted) in [
                (one.clone(), true),
                (json!({ "not": one }), false),
                (json!({ "and": [one, {}], "or": [one, { "or": [] }] }), true),
            ] {
                let found = shop.client.ask(&query, json!({ "filter": filter })).await;
                let fit = rows.iter().filter(|row| fits.fits::<R>(row) == wanted);
                let ids: Vec<Value> = fit.map(|row| json!({ "id": id::<R>(row) })).collect();
                assert_eq!(found[&list]["totalCount"], ids.len(), "{list} {filter}");
                assert_eq!(found[&list]["nodes"], json!(ids), "{list} {filter}");
            }
        }
    }
}

#[test]
fn every_test_of_every_field_can_be_asked_for() {
    test(async |app| {
        let (shop, access) = organization(app, "acme").await;
        each_list!(every_field(app, &shop, &access));
    });
}

#[test]
fn what_is_wrong_with_a_filter_or_an_order_is_told_with_its_place() {
    test(async |app| {
        let (shop, _) = organization(app, "acme").await;
        let query = "query($f: OrdersFilter, $s: [OrdersSort!]) \
            { orders(filter: $f, sort: $s) { nodes { id } } }";
        for (filter, field, telling) in [
            (json!({ "customerId": null }), "filter.customerId", "null says nothing"),
            (json!({ "customerId": { "eq": null } }), "filter.customerId.eq", "`isNull`"),
            (json!({ "not": null }), "filter.not", "null says nothing"),
            (json!({ "customerId": { "eq": "x" } }), "filter.customerId.eq", "an id (a UUID)"),
            (
                json!({ "or": [{}, { "net": { "in": ["1", "x"] } }] }),
                "filter.or[1].net.in[1]",
                "such as \"12.50\"",
            ),
            (
                json!({ "not": { "businessDate": { "lt": "2026-02-30" } } }),
                "filter.not.businessDate.lt",
                "a day such as",
            ),
            (json!({ "placedAt": { "lt": "yesterday" } }), "filter.placedAt.lt", "a moment such"),
            (json!({ "placedAt": { "lt": "0000-01-01T00:00:00Z" } }), "filter", "1 to 9999"),
            (json!({ "or": vec![json!({}); 100] }), "filter", "more than 100 conditions"),
        ] {
            let (_, _, body) = shop.client.post(query, json!({ "f": filter })).await;
            let error = &body["errors"][0];
            let message = error["message"].as_str().unwrap_or_default();
            assert_eq!(error["extensions"]["code"], "INVALID_INPUT", "{filter}: {body}");
            assert_eq!(error["extensions"]["field"], field, "{filter}: {body}");
            assert!(message.contains(telling), "{filter}: {body}");
        }
        let twice = json!([{ "field": "NET" }, { "field": "NET", "direction": "DESC" }]);
        let (code, message) = shop.client.refused(query, json!({ "s": twice })).await;
        assert_eq!((code.as_str(), message.as_str()), ("INVALID_INPUT", "net is named twice"));
        for invalid in [
            "{ orders(filter: { nothing: { eq: \"x\" } }) { nodes { id } } }",
            "{ orders(filter: { status: { contains: \"x\" } }) { nodes { id } } }",
            "{ orders(filter: { status: { eq: SHIPPED } }) { nodes { id } } }",
            "{ orders(sort: [{ field: CREDIT_OVERRIDE }]) { nodes { id } } }",
        ] {
            let (code, _) = shop.client.refused(invalid, json!({})).await;
            assert_eq!(code, "INVALID_QUERY", "{invalid}");
        }
    });
}

#[test]
fn records_are_counted_only_if_that_is_asked() {
    test(async |app| {
        let (shop, access) = organization(app, "acme").await;
        fill(app, &access, queries::orders::OrderRow::LIST, 1, 30).await;
        let statements = async |query: &str| {
            let before = shown(app).await.value("millrace_queries_statements_total");
            let found = shop.client.ask(query, json!({})).await;
            let after = shown(app).await.value("millrace_queries_statements_total");
            (found, (after - before) as u32)
        };
        // Once the organization, and what cursors are signed with, are known.
        statements("{ orders { nodes { id } } }").await;
        let (_, none) = statements("{ __typename }").await;
        let (_, page) = statements("{ orders(first: 2) { nodes { id } } }").await;
        let (counted, both) = statements("{ orders(first: 2) { nodes { id } totalCount } }").await;
        assert_eq!((page - none, both - none), (1, 2));
        assert_eq!(counted["orders"]["totalCount"], 30);
    });
}

#[test]
fn sums_are_told_by_period_and_by_what_tells_them_apart() {
    test(async |app| {
        let (shop, _) = organization(app, "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let product = shop.product("A-1", "2.50", 100).await;
        let mut last = Value::Null;
        for quantity in ["1", "2", "4"] {
            last = shop.run("placeOrder", Shop::order(&customer, &product, quantity)).await;
        }
        shop.run("cancelOrder", json!({ "orderId": last["id"], "reason": "r" })).await;
        app.settled().await;
        let query = "{ ordersAggregate(every: { period: MONTH, of: BUSINESS_DATE }, \
            groupBy: [STATUS, CUSTOMER_ID]) { period currency status customerId count \
            net { sum min max } lineCount { sum } } }";
        let found = shop.client.ask(query, json!({})).await;
        let month = app.clock.now().with_timezone(&chrono_tz::Europe::Zurich);
        let month = month.format("%Y-%m-01").to_string();
        assert_eq!(
            found["ordersAggregate"],
            json!([
                { "period": month, "currency": "EUR", "status": "CANCELLED", "customerId": customer,
                  "count": 1, "net": { "sum": "10.00", "min": "10.00", "max": "10.00" },
                  "lineCount": { "sum": "1" } },
                { "period": month, "currency": "EUR", "status": "PLACED", "customerId": customer,
                  "count": 2, "net": { "sum": "7.50", "min": "2.50", "max": "5.00" },
                  "lineCount": { "sum": "2" } },
            ])
        );
        let whole = "{ ordersAggregate { period status count } customersAggregate { count } }";
        let whole = shop.client.ask(whole, json!({})).await;
        assert_eq!(
            whole["ordersAggregate"],
            json!([{ "period": null, "status": null, "count": 3 }])
        );
    });
}
