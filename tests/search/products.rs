//! Claims about what is found of products, in which order, and how it is shown.

use std::collections::BTreeSet;

use gateway::config::Config;
use harness::{Shop, test, test_with};
use serde_json::{Value, json};

use super::{PRODUCTS, ask, catalogue, edges, marked, product, skus};

#[test]
fn codes_are_found_whole_begun_without_their_dashes_and_with_a_typo() {
    test(async |app| {
        let shop = catalogue(app).await;
        for query in ["AB-123456", "ab123456", "ab 123 456", "ab/123456"] {
            assert_eq!(skus(&shop, query).await[0], "AB-123456", "{query}");
        }
        assert_eq!(skus(&shop, "AB-12345").await, ["AB-123456", "AB-123457"]);
        assert_eq!(skus(&shop, "ab-9").await[0], "AB-99");
        // A digit too much, too few, another, two exchanged.
        for query in ["AB-1123456", "AB-12456", "AB-124456", "AB-132456", "XB-123456"] {
            assert!(skus(&shop, query).await.contains(&"AB-123456".to_owned()), "{query}");
        }
        assert_eq!(skus(&shop, "AB-987654").await, [] as [&str; 0]);
        assert_eq!(skus(&shop, "123456").await[0], "AB-123456", "its number alone");
    });
}

#[test]
fn every_word_has_to_fit_and_the_last_one_may_be_begun() {
    test(async |app| {
        let shop = catalogue(app).await;
        assert_eq!(skus(&shop, "hanging heart white").await, ["AB-123456"]);
        assert_eq!(skus(&shop, "heart han").await.len(), 2);
        assert_eq!(skus(&shop, "heart ha").await.len(), 2);
        assert_eq!(skus(&shop, "heart h").await.len(), 5, "hearts begin so too");
        assert_eq!(skus(&shop, "han heart").await, [] as [&str; 0], "only the last one");
        assert_eq!(skus(&shop, "lant").await, ["CD-7"]);
        assert_eq!(skus(&shop, "lant ").await, [] as [&str; 0], "a space ends the word");
        assert_eq!(skus(&shop, "red wood").await, ["AB-123457"], "name and description");
        assert_eq!(skus(&shop, "ab hanging 123457").await, ["AB-123457"], "parts of a code");
    });
}

#[test]
fn capitals_accents_and_languages_do_not_matter() {
    test(async |app| {
        let shop = catalogue(app).await;
        for query in ["creme brulee", "CRÈME", "crème br", "cre\u{300}me"] {
            assert_eq!(skus(&shop, query).await, ["AB-99"], "{query}");
        }
        assert_eq!(skus(&shop, "strasse GROSSE").await, ["EF-1"]);
        let hook = product(&shop, "GH-1", "Hook", "").await;
        let text = json!({
            "productId": hook["id"], "locale": "el", "name": "ΆΓΚΙΣΤΡΟ", "description": "Крючок",
        });
        shop.run("describeProduct", text).await;
        app.settled().await;
        assert_eq!(skus(&shop, "άγκιστρο").await, ["GH-1"]);
        assert_eq!(skus(&shop, "крюч").await, ["GH-1"]);
        assert_eq!(skus(&shop, "αγκιστορ").await, ["GH-1"], "typos in any script");
    });
}

#[test]
fn typos_are_tolerated_where_the_words_are_not_found() {
    test(async |app| {
        let shop = catalogue(app).await;
        for query in ["lantren", "lanterm", "lannern", "christms lantern", "chirsmtas", "lantr"] {
            assert_eq!(skus(&shop, query).await, ["CD-7"], "{query}");
        }
        assert_eq!(skus(&shop, "xhristmas").await, ["CD-7"], "another first letter counts twice");
        assert_eq!(skus(&shop, "xantern").await, [] as [&str; 0], "that is too much for this one");
        assert_eq!(skus(&shop, "ser").await, [] as [&str; 0], "a short word is what it is");
        let found = ask(&shop.client, json!({ "q": "haert" })).await;
        let scores: Vec<f64> =
            edges(&found).map(|edge| edge["score"].as_f64().expect("a score")).collect();
        assert!(scores.len() > 3 && scores.iter().all(|score| *score < 0.5), "{scores:?}");
        product(&shop, "IJ-1", "Lantren", "Spelt so").await;
        app.settled().await;
        assert_eq!(skus(&shop, "lantren").await, ["IJ-1", "CD-7"], "what was typed comes first");
    });
}

#[test]
fn codes_come_before_names_and_names_before_descriptions() {
    test(async |app| {
        let shop = catalogue(app).await;
        let found = skus(&shop, "heart").await;
        assert_eq!(found.len(), 5, "{found:?}");
        assert_eq!(found[0], "HEART-1", "its code begins so");
        assert_eq!(found[1..3].iter().collect::<BTreeSet<_>>().len(), 2);
        assert!(found[1..3].iter().all(|sku| sku.starts_with("AB-12345")), "names: {found:?}");
        assert!(found[3..].contains(&"CD-7".to_owned()), "descriptions: {found:?}");
        product(&shop, "HEART", "Anything", "").await;
        app.settled().await;
        assert_eq!(skus(&shop, "heart").await[..2], ["HEART", "HEART-1"]);
        product(&shop, "KL-1", "Heart", "").await;
        app.settled().await;
        assert_eq!(skus(&shop, "heart").await[2], "KL-1", "the whole name");
    });
}

#[test]
fn what_fits_is_marked_and_is_never_markup() {
    test(async |app| {
        let shop = catalogue(app).await;
        let marks = async |query: &str| {
            let found = ask(&shop.client, json!({ "q": query })).await;
            edges(&found).next().map(marked).unwrap_or_default()
        };
        assert_eq!(marks("creme br").await, ["name: [Crème] [brûlée] set"]);
        assert_eq!(marks("ab9").await, ["sku: [AB-99]"]);
        assert_eq!(marks("AB-132456").await, ["sku: [AB-123456]"]);
        assert_eq!(marks("xhristmas").await, ["name: [Christmas] lantern"]);
        assert_eq!(marks("soul").await, ["description: <b>heart</b> & '[soul]'"]);
        assert_eq!(
            marks("red wood").await,
            ["name: [Red] hanging heart", "description: Made of [wood]"]
        );
    });
}

#[test]
fn facets_count_what_was_found() {
    test(async |app| {
        let shop = catalogue(app).await;
        let unit = json!({ "code": "kg", "precision": 3 });
        let input = json!({ "sku": "MN-1", "name": "Heart of palm", "unit": unit });
        shop.run("createProduct", input).await;
        app.settled().await;
        let wanted = json!({ "q": "heart", "facets": ["UNIT", "STATUS"], "first": 1 });
        let found = ask(&shop.client, wanted).await;
        assert_eq!((&found["total"], &found["more"]), (&json!(6), &json!(false)));
        let facets = json!([
            { "name": "unit", "values": [
                { "value": "piece", "count": 5 }, { "value": "kg", "count": 1 },
            ] },
            { "name": "status", "values": [{ "value": "DRAFT", "count": 6 }] },
        ]);
        assert_eq!(found["facets"], facets);
    });
}

#[test]
fn pages_lose_and_repeat_nothing() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        for number in 0..25 {
            let name = if number % 3 == 0 { "Heart" } else { "Hanging heart" };
            product(&shop, &format!("S-{number:02}"), name, "heart").await;
        }
        app.settled().await;
        let all = skus_of(&ask(&shop.client, json!({ "q": "heart", "first": 100 })).await);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 25);
        for size in [1, 7, 24, 25, 26] {
            let (mut seen, mut after) = (Vec::new(), json!(null));
            loop {
                let page = json!({ "q": "heart", "first": size, "after": after });
                let page = ask(&shop.client, page).await;
                assert_eq!(page["pageInfo"]["hasPreviousPage"], json!(!seen.is_empty()));
                seen.extend(skus_of(&page));
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
                after = page["pageInfo"]["endCursor"].clone();
            }
            assert_eq!(seen, all, "{size} at a time");
        }
    });
}

fn skus_of(found: &Value) -> Vec<String> {
    edges(found).map(|edge| edge["node"]["sku"].as_str().expect("a SKU").to_owned()).collect()
}

#[test]
fn what_was_written_is_found_at_once_and_by_its_new_words_alone() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let mut position = json!(null);
        for turn in 0..10 {
            let (old, new) = (format!("w{turn}ord"), format!("w{}ord", turn + 1));
            if turn == 0 {
                position = product(&shop, "A-1", &old, "").await["position"].clone();
            }
            let found = json!({ "q": old, "at": position });
            assert_eq!(skus_of(&ask(&shop.client, found).await), ["A-1"], "turn {turn}");
            let product = ask(&shop.client, json!({ "q": "A-1" })).await;
            assert_eq!(product["total"], 1);
            let id = "query { product(sku: \"A-1\") { id } }";
            let id = shop.client.ask(id, json!({})).await["product"]["id"].clone();
            let text = json!({ "productId": id, "locale": "en", "name": new });
            position = shop.run("describeProduct", text).await["position"].clone();
            let gone = json!({ "q": format!("{old} "), "at": position });
            assert_eq!(skus_of(&ask(&shop.client, gone).await), [] as [&str; 0], "turn {turn}");
        }
    });
}

#[test]
fn a_filter_holds_for_all_that_is_found() {
    let mut config = Config::default();
    config.queries.search_rows_max = 20;
    test_with(config, async |app| {
        let shop = catalogue(app).await;
        let found = async |query: &str, filter: Value| {
            let document = "query($q: String!, $filter: ProductsFilter) {
                searchProducts(query: $q, filter: $filter, first: 100) {
                    more edges { node { sku } } } }";
            let asked = json!({ "q": query, "filter": filter });
            let found = shop.client.ask(document, asked).await["searchProducts"].clone();
            let mut skus = skus_of(&found);
            skus.sort();
            (skus, found["more"] == true)
        };
        let starting = json!({ "sku": { "startsWith": "AB" } });
        let hearts = vec!["AB-123456".to_owned(), "AB-123457".to_owned()];
        assert_eq!(found("heart", starting.clone()).await, (hearts, false));
        assert_eq!(found("haert", starting.clone()).await.0.len(), 2, "of typos too");
        assert_eq!(found("CD-7", starting.clone()).await.0, [] as [&str; 0], "and of codes");
        let either = json!({ "or": [starting, { "sku": { "eq": "CD-7" } }] });
        assert_eq!(found("heart", either).await.0.len(), 3);
        assert_eq!(found("heart", json!({ "status": { "eq": "PUBLISHED" } })).await.0.len(), 0);
        for number in 0..30 {
            product(&shop, &format!("S-{number:02}"), "Heart", "").await;
        }
        app.settled().await;
        let last = json!({ "sku": { "eq": "S-29" } });
        let (_, more) = found("heart", last).await;
        assert!(more, "not all that have the word were looked at");
    });
}

#[test]
fn a_cursor_belongs_to_its_search() {
    test(async |app| {
        let shop = catalogue(app).await;
        let page = ask(&shop.client, json!({ "q": "heart", "first": 1 })).await;
        let after = page["pageInfo"]["endCursor"].clone();
        ask(&shop.client, json!({ "q": "heart", "after": after })).await;
        for query in ["hear", "lantern"] {
            let other = json!({ "q": query, "after": after });
            let (code, message) = shop.client.refused(PRODUCTS, other).await;
            assert_eq!(code, "INVALID_INPUT", "{message}");
        }
    });
}
