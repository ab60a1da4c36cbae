//! Claims about lists: pages of a Relay connection, filters, and reading what one just wrote.

use std::collections::HashSet;

use harness::{Client, Shop, TestApp, test};
use serde_json::{Value, json};

const PAGE: &str = "query($first: Int, $after: String, $last: Int, $before: String, \
    $filter: OrdersFilter) { \
    orders(first: $first, after: $after, last: $last, before: $before, filter: $filter) { \
    edges { cursor node { id } } nodes { id placedAt } \
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

/// A shop with a customer and so many orders of theirs, oldest first. The clock moves on by a
/// minute after every third, so that times are equal too.
async fn orders(app: &TestApp, count: usize) -> (Shop, String, String, Vec<String>) {
    let shop = Shop::open(&app.administrator(), "acme").await;
    let customer = shop.customer("Bolt & Co", json!(null)).await;
    let product = shop.product("A-1", "2.50", 10_000).await;
    let mut placed = Vec::new();
    for number in 0..count {
        placed.push(place(&shop, &customer, &product).await);
        if number % 3 == 2 {
            app.clock.advance(chrono::Duration::minutes(1));
        }
    }
    app.settled().await;
    (shop, customer, product, placed)
}

async fn place(shop: &Shop, customer: &str, product: &str) -> String {
    let order = shop.run("placeOrder", Shop::order(customer, product, "1")).await;
    order["id"].as_str().unwrap_or_default().to_owned()
}

async fn page(client: &Client, arguments: Value) -> Value {
    client.ask(PAGE, arguments).await["orders"].clone()
}

fn ids(page: &Value) -> Vec<String> {
    let nodes = page["nodes"].as_array().cloned().unwrap_or_default();
    let edges = page["edges"].as_array().cloned().unwrap_or_default();
    let id = |node: &Value| node["id"].as_str().unwrap_or_default().to_owned();
    let ids: Vec<String> = nodes.iter().map(id).collect();
    let by_edge: Vec<String> = edges.iter().map(|edge| id(&edge["node"])).collect();
    assert_eq!(ids, by_edge, "nodes and edges tell the same");
    let cursor = |edge: Option<&Value>| edge.map_or(json!(null), |edge| edge["cursor"].clone());
    assert_eq!(page["pageInfo"]["startCursor"], cursor(edges.first()));
    assert_eq!(page["pageInfo"]["endCursor"], cursor(edges.last()));
    ids
}

fn has(page: &Value) -> (bool, bool) {
    let info = |name: &str| page["pageInfo"][name].as_bool().unwrap_or_default();
    (info("hasPreviousPage"), info("hasNextPage"))
}

/// Every page from one end to the other, and in between whatever happens meanwhile.
async fn walk(
    client: &Client,
    size: usize,
    backward: bool,
    mut meanwhile: impl AsyncFnMut(),
) -> Vec<Vec<String>> {
    let (count, from) = if backward { ("last", "before") } else { ("first", "after") };
    let mut pages = Vec::new();
    let mut cursor = json!(null);
    loop {
        let page = page(client, json!({ count: size, from: cursor })).await;
        let (previous, next) = has(&page);
        let (more, came) = if backward { (previous, next) } else { (next, previous) };
        assert_eq!(came, !pages.is_empty(), "there is something where one came from");
        pages.push(ids(&page));
        if !more {
            return pages;
        }
        assert_eq!(pages.last().map(Vec::len), Some(size));
        cursor = page["pageInfo"][if backward { "startCursor" } else { "endCursor" }].clone();
        meanwhile().await;
    }
}

#[test]
fn pages_in_both_directions_give_each_order_once_and_in_order() {
    test(async |app| {
        let (shop, _, _, placed) = orders(app, 25).await;
        let latest_first = page(&shop.client, json!({ "first": 100 })).await;
        let times: Vec<String> = latest_first["nodes"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|node| node["placedAt"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert!(times.is_sorted_by(|one, other| one >= other), "{times:?}");
        assert_eq!(has(&latest_first), (false, false));
        let all = ids(&latest_first);
        assert_eq!(all.iter().collect::<HashSet<_>>(), placed.iter().collect::<HashSet<_>>());
        for size in [1, 2, 5, 7, 24, 25, 26, 100] {
            let forward = walk(&shop.client, size, false, async || {}).await;
            assert_eq!(forward.len(), 25_usize.div_ceil(size), "{size}");
            assert_eq!(forward.concat(), all, "{size} forward");
            let mut backward = walk(&shop.client, size, true, async || {}).await;
            assert_eq!(backward.len(), 25_usize.div_ceil(size), "{size}");
            backward.reverse();
            assert_eq!(backward.concat(), all, "{size} backward");
        }
        assert_eq!(ids(&page(&shop.client, json!({})).await), all[..20], "20 by default");
    });
}

#[test]
fn orders_placed_meanwhile_neither_repeat_nor_hide_any() {
    test(async |app| {
        let (shop, customer, product, placed) = orders(app, 25).await;
        let all = ids(&page(&shop.client, json!({ "first": 100 })).await);
        let buy = async || {
            for _ in 0..3 {
                place(&shop, &customer, &product).await;
            }
            app.clock.advance(chrono::Duration::minutes(1));
            app.settled().await;
        };
        let forward = walk(&shop.client, 4, false, buy).await.concat();
        assert_eq!(forward, all, "what is newer stands before the first page");
        let backward = walk(&shop.client, 4, true, buy).await;
        let seen: Vec<String> = backward.into_iter().rev().flatten().collect();
        assert_eq!(seen[seen.len() - placed.len()..], all, "the old ones stand behind the new");
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), seen.len());
        let now = ids(&page(&shop.client, json!({ "first": 100 })).await);
        assert_eq!(seen[..100], now, "the last page was read after the last order");
    });
}

#[test]
fn a_page_between_two_cursors_holds_what_lies_between() {
    test(async |app| {
        let (shop, ..) = orders(app, 10).await;
        let all = page(&shop.client, json!({})).await;
        let cursor = |at: usize| all["edges"][at]["cursor"].clone();
        let between = json!({ "after": cursor(2), "before": cursor(6), "first": 10 });
        assert_eq!(ids(&page(&shop.client, between).await), ids(&all)[3..6]);
        let between = json!({ "after": cursor(2), "before": cursor(6), "last": 2 });
        assert_eq!(ids(&page(&shop.client, between).await), ids(&all)[4..6]);
        let nothing = json!({ "after": cursor(6), "before": cursor(2) });
        assert_eq!(ids(&page(&shop.client, nothing).await), [] as [String; 0]);
    });
}

#[test]
fn a_list_of_nothing_is_an_empty_page() {
    test(async |app| {
        let (shop, ..) = orders(app, 0).await;
        let empty = page(&shop.client, json!({})).await;
        assert_eq!((ids(&empty).len(), has(&empty)), (0, (false, false)));
    });
}

#[test]
fn filters_narrow_the_list_and_its_pages() {
    test(async |app| {
        let (shop, bolt, product, placed) = orders(app, 12).await;
        let nut = shop.customer("Nut AG", json!(null)).await;
        let mut of_nut = HashSet::new();
        for _ in 0..4 {
            of_nut.insert(place(&shop, &nut, &product).await);
        }
        for id in &placed[..5] {
            shop.run("cancelOrder", json!({ "orderId": id, "reason": "r" })).await;
        }
        app.settled().await;
        let listed = async |filter: Value| {
            let page = page(&shop.client, json!({ "filter": filter, "first": 100 })).await;
            ids(&page).into_iter().collect::<HashSet<_>>()
        };
        let (cancelled, open) = placed.split_at(5);
        let set = |ids: &[String]| ids.iter().cloned().collect::<HashSet<_>>();
        assert_eq!(listed(json!({ "customerId": { "eq": nut } })).await, of_nut);
        assert_eq!(listed(json!({ "customerId": { "eq": bolt } })).await, set(&placed));
        assert_eq!(listed(json!({ "status": { "eq": "CANCELLED" } })).await, set(cancelled));
        let both = json!({ "customerId": { "eq": bolt }, "status": { "eq": "PLACED" } });
        assert_eq!(listed(both.clone()).await, set(open));
        let none = json!({ "customerId": { "eq": nut }, "status": { "eq": "CANCELLED" } });
        assert_eq!(listed(none).await, HashSet::new());
        assert_eq!(listed(json!({})).await.len(), 16);
        let first = page(&shop.client, json!({ "filter": both, "first": 6 })).await;
        assert_eq!(has(&first), (false, true));
        let end = first["pageInfo"]["endCursor"].clone();
        let rest = page(&shop.client, json!({ "filter": both, "first": 6, "after": end })).await;
        assert_eq!((ids(&rest).len(), has(&rest)), (1, (true, false)));
    });
}

/// How often PostgreSQL was asked, by the counters of the tables that the lists read.
async fn scans(app: &TestApp, table: &str) -> i64 {
    let client = app.database.connect().await;
    // A backend tells its counts when it is idle, once a second at the most.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let counted = "select sum(coalesce(seq_scan, 0) + coalesce(idx_scan, 0))::bigint \
        from pg_stat_user_tables where relname = $1";
    let row = client.query_one(counted, &[&table]).await.expect("the counters");
    row.get::<_, Option<i64>>(0).expect("a table with counters")
}

#[test]
fn the_lines_and_customers_of_a_list_are_read_at_once() {
    test(async |app| {
        let (shop, ..) = orders(app, 20).await;
        let query = "{ orders(first: 20) { nodes { \
            lines { sku quantity } customer { name credit { exposure } } } } }";
        let expected = json!({
            "lines": [{ "sku": "A-1", "quantity": "1" }],
            "customer": { "name": "Bolt & Co", "credit": { "exposure": "50.00" } },
        });
        let before = (scans(app, "order_lines").await, scans(app, "customers").await);
        let shown = shop.client.ask(query, json!({})).await;
        let nodes = shown["orders"]["nodes"].as_array().cloned().unwrap_or_default();
        assert_eq!(nodes, vec![expected; 20]);
        let after = (scans(app, "order_lines").await, scans(app, "customers").await);
        let asked = (after.0 - before.0, after.1 - before.1);
        // An index is entered once for each id of a batch at the most; one by one, a query each
        // would also stand for twenty customers, who are one.
        assert!(asked.1 <= 2, "customers were asked for {asked:?} times");
        assert!(asked.0 <= 20, "lines were asked for {asked:?} times");
    });
}

#[test]
fn a_hundred_writes_in_a_row_are_read_at_once() {
    test(async |app| {
        let (shop, customer, product, _) = orders(app, 0).await;
        let one = "query($id: ID!, $at: String) { order(id: $id, atLeast: $at) { id status } }";
        let list = "query($at: String) { orders(first: 1, atLeast: $at) { nodes { id } } }";
        for round in 0..100 {
            let order = shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
            let (id, at) = (&order["id"], &order["position"]);
            let shown = shop.client.ask(one, json!({ "id": id, "at": at })).await;
            assert_eq!(shown["order"]["id"], *id, "round {round}, by argument");
            app.clock.advance(chrono::Duration::seconds(1));

            let cancel = json!({ "input": { "orderId": id, "reason": "r" } });
            let query = harness::shop::mutation_of("cancelOrder");
            let (_, headers, body) = shop.client.post(&query, cancel).await;
            let position = headers["millrace-position"].to_str().unwrap_or_default();
            assert_eq!(body["data"]["cancelOrder"]["position"], position);
            let reader = shop.client.clone().with("millrace-position", position);
            let shown = reader.ask(one, json!({ "id": id })).await;
            assert_eq!(shown["order"]["status"], "CANCELLED", "round {round}, by header");
            let shown = reader.ask(list, json!({})).await;
            assert_eq!(shown["orders"]["nodes"][0]["id"], *id, "round {round}, in the list");
        }
    });
}

#[test]
fn a_mutation_shows_the_record_as_it_left_it() {
    test(async |app| {
        let (shop, customer, product, _) = orders(app, 0).await;
        let place = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { \
            recordId order { id status net version lines { quantity } \
            customer { credit { exposure } } } } }";
        for round in 1..=30 {
            let input = json!({ "input": Shop::order(&customer, &product, "2") });
            let payload = shop.client.ask(place, input).await["placeOrder"].clone();
            let order = &payload["order"];
            assert_eq!(order["id"], payload["recordId"]);
            let rest = (&order["status"], &order["net"], &order["version"]);
            assert_eq!(rest, (&json!("PLACED"), &json!("5.00"), &json!(1)), "round {round}");
            assert_eq!(order["lines"], json!([{ "quantity": "2" }]));
        }
    });
}
