//! Claims about queries that ask for what cannot be: pages, positions, depth, cost.

use std::time::{Duration, Instant};

use events::words::Position;
use gateway::config::Config;
use gateway::position;
use harness::{Client, Shop, test, test_with};
use serde_json::{Value, json};

use super::{NOBODY, Told};

const BAD: &str = "INVALID_INPUT";

async fn told(client: &Client, query: &str) -> Told {
    let (status, _, body) = client.post(query, json!({})).await;
    assert_eq!(status, 200, "{query}: {body}");
    Told::of(&body)
}

#[test]
fn a_page_that_cannot_be_is_refused() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        app.settled().await;
        for (arguments, field, telling) in [
            ("first: 0", "first", "between 1 and 100"),
            ("first: -1", "first", "between 1 and 100"),
            ("first: 101", "first", "between 1 and 100"),
            ("last: 0", "last", "between 1 and 100"),
            ("first: 1, last: 1", "last", "not both"),
            ("after: \"x\"", "after", "use one that a page of the same list"),
            ("after: \"\"", "after", "no cursor"),
            // A time that no order can have: the least that fits.
            ("after: \"gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"", "after", "no cursor"),
            ("last: 1, before: \"AAAA\"", "before", "no cursor"),
            ("atLeast: \"x\"", "atLeast", "use one that a write gave you"),
            ("filter: { customerId: { eq: \"x\" } }", "filter.customerId.eq", "an id (a UUID)"),
        ] {
            let query = format!("{{ orders({arguments}) {{ nodes {{ id }} }} }}");
            told(&shop.client, &query).await.is(BAD, field, telling);
        }
    });
}

#[test]
fn sales_of_what_cannot_be_are_refused() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        app.settled().await;
        let (range, least) = ("is later than `to` (2026-01-31)", "use one that a write gave you");
        for (query, field, telling) in [
            ("salesByMonth(from: \"2026-02-01\", to: \"2026-01-31\") { net }", "from", range),
            ("salesByMonth(from: \"-0001-01-01\") { net }", "from", "not one of 1 to 9999"),
            ("salesByMonth(to: \"+262142-12-31\") { net }", "to", "not one of 1 to 9999"),
            ("salesByMonth(currency: \"XYZ\") { net }", "currency", "`XYZ`; use an ISO 4217"),
            ("salesByMonth(currency: \"\") { net }", "currency", "use an ISO 4217"),
            ("salesByMonth(atLeast: \"x\") { net }", "atLeast", least),
            ("salesByCustomer(currency: \"eur\") { net }", "currency", "`eur`; use an ISO 4217"),
            ("salesByCustomer(first: 0) { net }", "first", "between 1 and 100"),
            ("salesByCustomer(first: -1) { net }", "first", "between 1 and 100"),
            ("salesByCustomer(customerId: \"x\") { net }", "customerId", "ids are UUIDs"),
            ("salesByCustomer(atLeast: \"x\") { net }", "atLeast", least),
            ("salesByProduct(currency: \"\\u0000\") { net }", "currency", "use an ISO 4217"),
            ("salesByProduct(first: 101) { net }", "first", "between 1 and 100"),
            ("salesByProduct(productId: \"\") { net }", "productId", "ids are UUIDs"),
            ("salesByProduct(atLeast: \"x\") { net }", "atLeast", least),
        ] {
            told(&shop.client, &format!("{{ {query} }}")).await.is(BAD, field, telling);
        }
        for day in ["2026-02-30", "2026-13-01", "1 March", ""] {
            let query = format!("{{ salesByMonth(from: \"{day}\") {{ net }} }}");
            told(&shop.client, &query).await.is(BAD, "", "write it like \"2026-03-01\"");
        }
    });
}

#[test]
fn no_cursor_however_made_is_a_mistake_of_ours() {
    test(async |app| {
        use base64::Engine;
        let shop = Shop::open(&app.administrator(), "acme").await;
        for micros in
            [i64::MIN, -8_334_632_851_200_000_000, -210_900_000_000_000_000, -1, 0, i64::MAX]
        {
            let mut bytes = micros.to_be_bytes().to_vec();
            bytes.extend([0; 16]);
            let cursor = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes);
            let query = "query($after: String) { orders(after: $after) { nodes { id } } }";
            let (_, _, body) = shop.client.post(query, json!({ "after": cursor })).await;
            let code = body["errors"][0]["extensions"]["code"].as_str();
            assert!(code.is_none_or(|code| code == "INVALID_INPUT"), "{micros}: {body}");
        }
    });
}

#[test]
fn a_position_that_is_not_there_yet_is_waited_for_and_then_pending() {
    let mut config = Config::default();
    config.queries.at_least_wait_max_ms = 200;
    test_with(config, async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let future = position::encode(Position(1 << 40));
        let by_header = shop.client.clone().with("millrace-position", &future);
        let query = format!("{{ order(id: \"{NOBODY}\", atLeast: \"{future}\") {{ id }} }}");
        let plain = format!("{{ order(id: \"{NOBODY}\") {{ id }} }}");
        for (client, query) in [(&shop.client, &query), (&by_header, &plain)] {
            let started = Instant::now();
            let told = told(client, query).await;
            told.is("PENDING", "", "read it again shortly");
            assert_eq!(told.extensions["retryAfter"], 1);
            assert_eq!(told.extensions["readModel"], "orders");
            assert!(started.elapsed() >= Duration::from_millis(200));
            assert!(started.elapsed() < Duration::from_secs(3));
        }
    });
}

#[test]
fn a_header_that_is_no_position_is_refused() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let client = shop.client.with("millrace-position", "17");
        let (status, _, body) = client.post("{ organization { slug } }", json!({})).await;
        assert_eq!(status, 422);
        let telling = "use one that a write gave you";
        Told::of(&body).is("INVALID_INPUT", "Millrace-Position", telling);
    });
}

#[test]
fn a_query_that_is_too_deep_or_too_complex_names_the_limit() {
    let mut config = Config::default();
    config.graphql.depth_max = 4;
    config.graphql.complexity_max = 300;
    test_with(config, async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let deep = "{ orders { nodes { customer { credit { limit } } } } }";
        told(&shop.client, deep).await.is("QUERY_TOO_DEEP", "", "At most 4 levels");
        let wide = "{ orders(first: 100) { nodes { id number net } } }";
        told(&shop.client, wide).await.is("QUERY_TOO_COMPLEX", "", "At most 300 fields");
        let fits = "{ orders(first: 20) { nodes { id number net } } }";
        shop.client.ask(fits, json!({})).await;
        // The same fields, behind fragments and aliases.
        let hidden = "{ orders { ...a } } fragment a on OrderConnection { nodes { ...b } } \
            fragment b on Order { customer { credit { limit } } }";
        told(&shop.client, hidden).await.is("QUERY_TOO_DEEP", "", "At most 4 levels");
        let aliases: String = (0..20).map(|n| format!("a{n}: {fits} ")).collect();
        let aliases =
            format!("{{ {} }}", aliases.replace("{ orders", "orders").replace("} } }", "} }"));
        told(&shop.client, &aliases).await.is("QUERY_TOO_COMPLEX", "", "At most 300 fields");
    });
}

#[test]
fn a_query_nested_a_thousand_times_is_refused_before_it_costs_anything() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let nested = format!("{}id{}", "{ a ".repeat(1_000), " }".repeat(1_000));
        told(&shop.client, &nested).await.is("QUERY_TOO_DEEP", "", "At most 15 levels");
        let list =
            format!("{{ product(sku: {}1{}) {{ id }} }}", "[".repeat(1_000), "]".repeat(1_000));
        let told = told(&shop.client, &list).await;
        assert!(["QUERY_TOO_DEEP", "INVALID_QUERY"].contains(&told.code.as_str()), "{told:?}");
    });
}

#[test]
fn a_query_for_what_does_not_exist_says_where() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        for (query, telling) in [
            ("{ orderz { id } }", "orderz"),
            ("{ orders { nodes { idd } } }", "idd"),
            ("{ orders(frist: 1) { nodes { id } } }", "frist"),
            ("{ orders(filter: { status: { eq: SHIPPED } }) { nodes { id } } }", "SHIPPED"),
            ("{ orders(first: \"1\") { nodes { id } } }", "first"),
            ("{ order { id } }", "id"),
            ("query { order(id: $id) { id } }", "$id"),
            ("{ orders { nodes } }", "nodes"),
            ("{ orders { nodes { id } }", "1"),
            (
                "query a { orders { nodes { id } } } query b { organization { slug } }",
                "Operation name",
            ),
        ] {
            told(&shop.client, query).await.is("INVALID_QUERY", "", telling);
        }
    });
}

#[test]
fn an_input_with_an_unknown_or_missing_field_says_which() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let before = app.facts().await;
        let query = harness::shop::mutation_of("openCustomer");
        let inputs: [(Value, &str); 5] = [
            (json!({ "name": "Bolt", "nmae": 1 }), "nmae"),
            (json!({ "number": "1" }), "name"),
            (json!({ "name": null }), "name"),
            (json!({ "name": "Bolt", "terms": { "days": 1 } }), "netDays"),
            (json!({ "name": "Bolt", "expectedVersion": "1" }), "expectedVersion"),
        ];
        for (input, telling) in inputs {
            let (_, _, body) = shop.client.post(&query, json!({ "input": input })).await;
            Told::of(&body).is("INVALID_QUERY", "", telling);
        }
        for variables in [json!({}), json!({ "input": [] }), json!({ "input": ["Bolt"] })] {
            let (_, _, body) = shop.client.post(&query, variables).await;
            let told = Told::of(&body);
            assert!(["INVALID_INPUT", "INVALID_QUERY"].contains(&told.code.as_str()), "{told:?}");
            assert!(told.message.contains("input"), "{told:?}");
        }
        assert_eq!(app.facts().await, before);
    });
}
