//! Claims about which moments there are, who may name them, and what cannot be asked as of one.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use events::access::Access;
use events::words::{Actor, OrganizationId, Position};
use gateway::config::Config;
use gateway::position;
use harness::{Shop, TestApp, test, test_with};
use queries::QueryError;
use queries::aggregates::Aggregation;
use queries::as_of::AsOf;
use queries::contacts::ContactRow;
use queries::credit_notes::CreditNoteRow;
use queries::fields::Listed;
use queries::filter::Filter;
use queries::orders::OrderRow;
use queries::page::{PageArgs, Selection};
use queries::sales::{MonthFilter, TopFilter};
use queries::sort::Sort;
use serde_json::{Value, json};

use super::access;

const CUSTOMER: &str =
    "query($id: ID!, $asOf: AsOf) { customer(id: $id, asOf: $asOf) { status version } }";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// When the last fact was recorded.
async fn last_recorded(app: &TestApp) -> DateTime<Utc> {
    let last = "select max(recorded_at) from log.events";
    app.database.connect().await.query_one(last, &[]).await.expect("the log").get(0)
}

async fn later(app: &TestApp, by: Duration) -> String {
    rfc3339(last_recorded(app).await + by)
}

#[test]
fn a_time_means_the_last_position_recorded_by_then() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let id = shop.customer("Bolt & Co", json!(null)).await;
        let mut expected = Vec::new();
        for (mutation, input, status) in [
            ("holdCustomer", json!({ "customerId": id, "reason": "unpaid" }), "ON_HOLD"),
            ("releaseCustomer", json!({ "customerId": id }), "ACTIVE"),
            ("closeCustomer", json!({ "customerId": id, "reason": "gone" }), "CLOSED"),
        ] {
            let done = shop.run(mutation, input).await;
            expected.push((done["position"].clone(), last_recorded(app).await, status));
        }
        for (version, (position, time, status)) in (2..).zip(expected) {
            let card = json!({ "status": status, "version": version });
            let before = time - Duration::microseconds(1);
            for (moment, is) in [
                (json!({ "position": position }), true),
                (json!({ "time": rfc3339(time) }), true),
                // As any other zone writes it.
                (json!({ "time": time.with_timezone(&chrono_east()).to_rfc3339() }), true),
                (json!({ "time": rfc3339(before) }), false),
            ] {
                let shown = shop.client.ask(CUSTOMER, json!({ "id": id, "asOf": moment })).await;
                assert_eq!(shown["customer"] == card, is, "{moment}: {shown} and {card}");
            }
        }
        for nothing in [
            json!({ "time": "1970-01-01T00:00:00Z" }),
            json!({ "position": position::encode(Position(0)) }),
            json!({ "position": position::encode(Position(1)) }),
        ] {
            let shown = shop.client.ask(CUSTOMER, json!({ "id": id, "asOf": nothing })).await;
            assert_eq!(shown["customer"], json!(null), "{nothing}");
        }
    });
}

fn chrono_east() -> chrono::FixedOffset {
    chrono::FixedOffset::east_opt(9 * 3_600).unwrap()
}

#[test]
fn a_moment_that_cannot_be_is_refused() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let id = shop.customer("Bolt & Co", json!(null)).await;
        let beyond = app.settled().await.0 + 1;
        let beyond = position::encode(Position(beyond));
        let future = later(app, Duration::hours(1)).await;
        let (input, query) = ("INVALID_INPUT", "INVALID_QUERY");
        for (as_of, code, telling) in [
            (json!({ "position": beyond }), input, "has not come to this position"),
            (json!({ "time": future }), input, "is still to come"),
            (json!({ "time": "+262142-12-31T00:00:00Z" }), input, "years 1 to 9999"),
            (json!({ "time": "-0001-12-31T00:00:00Z" }), input, "years 1 to 9999"),
            (json!({ "position": "17" }), input, "use one that a write gave you"),
            (json!({ "position": "" }), input, "use one that a write gave you"),
            (json!({ "time": "yesterday" }), input, ""),
            (json!({ "position": 17 }), query, "String"),
            (json!({}), query, "exactly one field"),
            (json!({ "time": future, "position": beyond }), query, "exactly one field"),
            (json!({ "time": null }), query, ""),
            (json!({ "tme": future }), query, ""),
            (json!("now"), input, "AsOf"),
        ] {
            let asked = json!({ "id": id, "asOf": as_of });
            let (code_told, message) = shop.client.refused(CUSTOMER, asked).await;
            assert_eq!(code_told, code, "{as_of}: {message}");
            assert!(message.contains(telling), "{as_of}: {message}");
        }
        let both = "query($id: ID!, $asOf: AsOf, $at: String) {
            customer(id: $id, asOf: $asOf, atLeast: $at) { id } }";
        let first = position::encode(Position(1));
        let asked = json!({ "id": id, "asOf": { "position": first }, "at": first });
        let (code, message) = shop.client.refused(both, asked).await;
        assert_eq!((code.as_str(), message.contains("not both")), (input, true), "{message}");
        let asked = json!({ "id": "x", "asOf": { "position": first } });
        assert_eq!(shop.client.refused(CUSTOMER, asked).await.0, input);
        // No moment is one like another: left out or null, it is now.
        let shown = shop.client.ask(CUSTOMER, json!({ "id": id, "asOf": null })).await;
        assert_eq!(shown["customer"]["status"], "ACTIVE");
    });
}

#[test]
fn what_a_write_gave_is_there_at_once_whatever_a_header_says() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        for round in 0..20 {
            let done = shop.run("openCustomer", json!({ "name": format!("{round}") })).await;
            let client = shop.client.clone().with("millrace-position", &text(&done["position"]));
            let asked = json!({ "id": done["id"], "asOf": { "position": done["position"] } });
            let shown = client.ask(CUSTOMER, asked).await;
            assert_eq!(shown["customer"]["version"], 1);
        }
    });
}

#[test]
fn another_organizations_record_is_not_there_at_any_time_and_nobody_sees_none() {
    test(async |app| {
        let acme = Shop::open(&app.administrator(), "acme").await;
        let id = acme.customer("Bolt & Co", json!(null)).await;
        let beta = Shop::open(&app.administrator(), "beta").await;
        let head = app.settled().await;
        for at in 0..=head.0 {
            let as_of = json!({ "position": position::encode(Position(at)) });
            let asked = json!({ "id": id, "asOf": as_of });
            let shown = beta.client.ask(CUSTOMER, asked.clone()).await;
            assert_eq!(shown["customer"], json!(null), "as of {at}");
            let (code, _) = app.anonymous().refused(CUSTOMER, asked.clone()).await;
            assert_eq!(code, "UNAUTHENTICATED");
            let nowhere = app.administrator().within("nobody");
            assert_eq!(nowhere.refused(CUSTOMER, asked).await.0, "NOT_FOUND");
        }
        let asked = json!({ "id": id, "asOf": { "position": position::encode(head) } });
        assert_eq!(acme.client.ask(CUSTOMER, asked).await["customer"]["version"], 1);
        // Nor is a record of another feature.
        let order = "query($id: ID!, $asOf: AsOf) { order(id: $id, asOf: $asOf) { id } }";
        let asked = json!({ "id": id, "asOf": { "position": position::encode(head) } });
        assert_eq!(acme.client.ask(order, asked).await["order"], json!(null));
    });
}

#[test]
fn lists_and_sums_are_never_read_as_of_a_moment() {
    test(async |app| {
        Shop::open(&app.administrator(), "acme").await;
        let head = app.settled().await;
        let organization = OrganizationId::of_slug("acme").0;
        let (reader, then) = (&app.parts.reader, access(organization, head));
        let now = Access { as_of: None, ..then };
        let (page, top) = (PageArgs::default(), TopFilter::default());
        async fn asked(
            reader: &queries::Reader,
            access: &Access,
            page: &PageArgs,
            top: &TopFilter,
        ) -> Vec<Option<QueryError>> {
            let [orders, contacts, notes] = [OrderRow::LIST, ContactRow::LIST, CreditNoteRow::LIST]
                .map(|list| Selection {
                    filter: Filter::all(),
                    sort: Sort::by(list, &[]).expect("its own order"),
                });
            let whole = Aggregation { filter: Filter::all(), periods: None, groups: Vec::new() };
            vec![
                reader.page::<OrderRow>(access, &orders, page).await.err(),
                reader.page::<ContactRow>(access, &contacts, page).await.err(),
                reader.page::<CreditNoteRow>(access, &notes, page).await.err(),
                reader.count(access, OrderRow::LIST, &orders.filter).await.err(),
                reader.aggregate(access, OrderRow::LIST, &whole).await.err(),
                reader.sales_by_month(access, &MonthFilter::default()).await.err(),
                reader.sales_by_customer(access, top).await.err(),
                reader.sales_by_product(access, top).await.err(),
                reader.customers_by_number(access, &["1"]).await.err(),
                reader.products_by_sku(access, &["A-1"]).await.err(),
            ]
        }
        for refused in asked(reader, &then, &page, &top).await {
            let refused = refused.expect("a refusal");
            assert!(matches!(refused, QueryError::Invalid { field: "asOf", .. }), "{refused}");
            assert!(refused.to_string().contains("millrace replay --as-of"), "{refused}");
        }
        assert!(asked(reader, &now, &page, &top).await.iter().all(Option::is_none));
    });
}

#[test]
fn a_record_with_more_facts_than_are_folded_is_refused_and_not_shown_in_part() {
    let mut config = Config::default();
    config.queries.as_of_facts_max = 3;
    test_with(config, async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let id = shop.customer("Bolt & Co", json!(null)).await;
        let mut positions = Vec::new();
        for net_days in 1..4 {
            let input = json!({ "customerId": id, "terms": { "netDays": net_days } });
            positions.push(shop.run("setCustomerTerms", input).await["position"].clone());
        }
        for (index, position) in positions.iter().enumerate() {
            let asked = json!({ "id": id, "asOf": { "position": position } });
            if index < 2 {
                let shown = shop.client.ask(CUSTOMER, asked).await;
                assert_eq!(shown["customer"]["version"], index + 2);
                continue;
            }
            let (code, message) = shop.client.refused(CUSTOMER, asked).await;
            assert_eq!(code, "INVALID_INPUT");
            assert!(message.contains("queries.as_of_facts_max"), "{message}");
        }
    });
}

#[test]
fn a_moment_of_the_reader_is_a_position_that_was_reached() {
    test(async |app| {
        let reader = &app.parts.reader;
        let refused = reader.moment(AsOf::Position(Position(1))).await;
        assert!(matches!(refused, Err(QueryError::Invalid { field: "asOf.position", .. })));
        let empty = reader.moment(AsOf::Position(Position(0))).await;
        assert_eq!(empty.unwrap(), Position(0), "the empty log has this one");
        let empty = reader.moment(AsOf::Time(DateTime::UNIX_EPOCH)).await;
        assert_eq!(empty.unwrap(), Position(0));
        Shop::open(&app.administrator(), "acme").await;
        let head = app.settled().await;
        assert_eq!(reader.moment(AsOf::Position(head)).await.unwrap(), head);
        let time = last_recorded(app).await;
        assert_eq!(reader.moment(AsOf::Time(time)).await.unwrap(), head);
        let organization = OrganizationId::of_slug("acme");
        let then = Access { organization, actor: Actor::Administrator, as_of: Some(head) };
        let seen = reader.organization(&then).await.unwrap().expect("the organization");
        assert_eq!((seen.access(), seen.slug.as_str()), (then, "acme"));
    });
}
