//! Claims about the pages of a history: they lose and repeat nothing, whatever is appended
//! meanwhile, and a page that cannot be is refused.

use gateway::config::Config;
use harness::{Client, Shop, TestApp, test, test_with};
use serde_json::{Value, json};

use super::{nodes, page, text};

/// A shop with a stock item of so many facts.
async fn item(app: &TestApp, facts: usize) -> (Shop, String, String) {
    let shop = Shop::open(&app.administrator(), "acme").await;
    let product = shop.product("A-1", "2.50", 0).await;
    // The first receipt opens it too.
    for _ in 1..facts {
        receive(&shop, &product).await;
    }
    app.settled().await;
    let query = "query($id: ID) { product(id: $id) { stock { id version } } }";
    let stock = shop.client.ask(query, json!({ "id": product })).await["product"]["stock"].clone();
    assert_eq!(stock[0]["version"], facts);
    (shop, product, format!("stockItem(id: {})", stock[0]["id"]))
}

async fn receive(shop: &Shop, product: &str) {
    shop.run("receiveStock", json!({ "productId": product, "quantity": "1" })).await;
}

fn versions(page: &Value) -> Vec<i64> {
    nodes(page).iter().filter_map(|node| node["version"].as_i64()).collect()
}

fn has(page: &Value) -> (bool, bool) {
    let info = |name: &str| page["pageInfo"][name].as_bool().unwrap();
    (info("hasPreviousPage"), info("hasNextPage"))
}

/// Every page from one end to the other, and in between whatever happens meanwhile.
async fn walk(
    client: &Client,
    item: &str,
    size: usize,
    backward: bool,
    mut meanwhile: impl AsyncFnMut(),
) -> Vec<Value> {
    let (mut all, mut from) = (Vec::new(), String::new());
    loop {
        let count = if backward { "last" } else { "first" };
        let page = page(client, item, &format!("{count}: {size} {from}")).await;
        let edges = page["edges"].as_array().cloned().unwrap_or_default();
        let (start, end) = (&page["pageInfo"]["startCursor"], &page["pageInfo"]["endCursor"]);
        assert_eq!(edges.first().map(|edge| &edge["cursor"]), Some(start));
        assert_eq!(edges.last().map(|edge| &edge["cursor"]), Some(end));
        let (previous, next) = has(&page);
        let (more, mut seen) =
            if backward { (previous, nodes(&page)) } else { (next, nodes(&page)) };
        match backward {
            true => {
                seen.append(&mut all);
                all = seen;
                from = format!("before: {start}");
            }
            false => {
                all.append(&mut seen);
                from = format!("after: {end}");
            }
        }
        if !more {
            return all;
        }
        assert_eq!(edges.len(), size);
        meanwhile().await;
    }
}

#[test]
fn pages_in_both_directions_give_each_fact_once_and_in_order() {
    test(async |app| {
        let (shop, _, item) = item(app, 25).await;
        let all = nodes(&page(&shop.client, &item, "first: 100").await);
        assert_eq!(all.len(), 25);
        for size in [1, 2, 7, 24, 25, 26, 100] {
            for backward in [false, true] {
                let walked = walk(&shop.client, &item, size, backward, async || {}).await;
                assert_eq!(walked, all, "{size}, backward {backward}");
            }
        }
        let default = page(&shop.client, &item, "").await;
        assert_eq!((versions(&default), has(&default)), ((1..=20).collect(), (false, true)));
    });
}

#[test]
fn facts_appended_meanwhile_neither_repeat_nor_hide_any() {
    test(async |app| {
        let (shop, product, item) = item(app, 12).await;
        let mut more = 3;
        let forward = walk(&shop.client, &item, 4, false, async || {
            if more > 0 {
                receive(&shop, &product).await;
                receive(&shop, &product).await;
                app.settled().await;
                more -= 1;
            }
        });
        let forward = forward.await;
        let all = nodes(&page(&shop.client, &item, "first: 100").await);
        assert_eq!(all.len(), 18);
        assert_eq!(forward, all, "forward finds what was appended at the end");
        let backward = walk(&shop.client, &item, 4, true, async || {
            receive(&shop, &product).await;
            app.settled().await;
        });
        assert_eq!(backward.await, all, "backward is what was there at its beginning");
    });
}

#[test]
fn a_page_between_two_cursors_holds_what_lies_between() {
    test(async |app| {
        let (shop, _, item) = item(app, 10).await;
        let all = page(&shop.client, &item, "").await;
        let cursor = |version: usize| all["edges"][version - 1]["cursor"].clone();
        let between = async |after: usize, before: usize, size: &str| {
            let range = format!("after: {}, before: {}", cursor(after), cursor(before));
            let page = page(&shop.client, &item, &format!("{range} {size}")).await;
            (versions(&page), has(&page))
        };
        assert_eq!(between(3, 7, "").await, (vec![4, 5, 6], (true, true)));
        assert_eq!(between(3, 7, "first: 1").await, (vec![4], (true, true)));
        assert_eq!(between(3, 7, "last: 1").await, (vec![6], (true, true)));
        assert_eq!(between(7, 3, "").await.0, [] as [i64; 0]);
        let behind = page(&shop.client, &item, &format!("after: {}", cursor(10))).await;
        assert_eq!((versions(&behind), has(&behind)), (vec![], (true, false)));
        let ahead = page(&shop.client, &item, &format!("last: 5, before: {}", cursor(1))).await;
        assert_eq!((versions(&ahead), has(&ahead)), (vec![], (false, true)));
    });
}

#[test]
fn a_page_that_cannot_be_is_refused() {
    test(async |app| {
        let (shop, product, item) = item(app, 3).await;
        let own = page(&shop.client, &item, "").await["edges"][0]["cursor"].clone();
        let product = format!("product(id: \"{product}\")");
        let other = page(&shop.client, &product, "").await["edges"][0]["cursor"].clone();
        app.settled().await;
        let list = shop.client.ask("{ products { edges { cursor } } }", json!({})).await;
        let list = list["products"]["edges"][0]["cursor"].clone();
        for (arguments, field, telling) in [
            ("first: 0".to_owned(), "first", "between 1 and 100"),
            ("first: -1".to_owned(), "first", "between 1 and 100"),
            ("first: 101".to_owned(), "first", "between 1 and 100"),
            ("last: 101".to_owned(), "last", "between 1 and 100"),
            ("first: 1, last: 1".to_owned(), "last", "not both"),
            ("after: \"\"".to_owned(), "after", "no cursor"),
            ("before: \"3\"".to_owned(), "before", "no cursor"),
            (format!("after: {other}"), "after", "no cursor of this history"),
            (format!("before: {other}"), "before", "no cursor of this history"),
            (format!("after: {list}"), "after", "no cursor of this history"),
        ] {
            let query = format!("{{ {item} {{ history({arguments}) {{ nodes {{ id }} }} }} }}");
            let (_, _, body) = shop.client.post(&query, json!({})).await;
            let error = &body["errors"][0];
            assert_eq!(error["extensions"]["code"], "INVALID_INPUT", "{arguments}: {body}");
            assert_eq!(error["extensions"]["field"], field, "{arguments}: {body}");
            assert!(text(&error["message"]).contains(telling), "{arguments}: {body}");
        }
        let kept = page(&shop.client, &item, &format!("after: {own}")).await;
        assert_eq!(versions(&kept), [2, 3]);
    });
}

#[test]
fn what_lies_behind_more_facts_than_are_folded_is_refused_and_what_lies_before_is_shown() {
    let mut config = Config::default();
    config.queries.as_of_facts_max = 5;
    test_with(config, async |app| {
        let (shop, _, item) = item(app, 8).await;
        let first = page(&shop.client, &item, "first: 5").await;
        assert_eq!((versions(&first), has(&first)), (vec![1, 2, 3, 4, 5], (false, true)));
        for arguments in ["first: 6".to_owned(), "last: 1".to_owned(), String::new()] {
            let arguments = if arguments.is_empty() { "first: 8" } else { &arguments };
            let query = format!("{{ {item} {{ history({arguments}) {{ nodes {{ id }} }} }} }}");
            let (code, message) = shop.client.refused(&query, json!({})).await;
            assert_eq!(code, "INVALID_INPUT");
            assert!(message.contains("queries.as_of_facts_max"), "{message}");
        }
    });
}
