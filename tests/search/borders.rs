//! Claims about what search does not find: what belongs to others, what is erased, and what nobody
//! could mean.

use gateway::config::Config;
use harness::cluster::schema_of;
use harness::{Shop, TestApp, test, test_with};
use serde_json::{Value, json};

use super::{ask, catalogue, edges, product, skus};

const CONTACTS: &str = "query($q: String!, $at: String) {
    searchContacts(query: $q, atLeast: $at) { total edges { node { id name } } } }";

async fn contacts(shop: &Shop, query: &str, at: &Value) -> i64 {
    let found = shop.client.ask(CONTACTS, json!({ "q": query, "at": at })).await;
    found["searchContacts"]["total"].as_i64().expect("a number")
}

#[test]
fn nothing_in_a_query_is_more_than_letters_and_digits() {
    test(async |app| {
        let shop = catalogue(app).await;
        let nothing =
            ["", " ", "\0", "&", "|", "!", "()", ":*", "'", "\\", "%", "_", "\"", "\u{301}"];
        for query in nothing.into_iter().chain(["& | ! ( ) : * ' \\ % _ \0"]) {
            assert_eq!(skus(&shop, query).await, [] as [&str; 0], "{query:?}");
        }
        for query in
            ["lantern'", "'lantern", "lantern:*", "!lantern", "lan\0tern", "(lantern", "a|b"]
        {
            skus(&shop, query).await;
        }
        for query in ["lantern&", "lantern:*", "!lantern", "\"lantern\"", "lantern\\", "%lantern%"]
        {
            assert_eq!(skus(&shop, query).await, ["CD-7"], "{query:?}");
        }
        assert_eq!(skus(&shop, "l_ntern").await, [] as [&str; 0]);
        assert_eq!(skus(&shop, "l%n").await, [] as [&str; 0]);
    });
}

#[test]
fn a_query_has_limits_and_a_cursor_is_one_of_a_search() {
    let mut config = Config::default();
    config.queries.search_words_max = 3;
    config.queries.search_chars_max = 20;
    test_with(config, async |app| {
        let shop = catalogue(app).await;
        skus(&shop, "one two three").await;
        for (variables, field) in [
            (json!({ "q": "one two three four" }), "4 words"),
            (json!({ "q": "x".repeat(21) }), "21 characters"),
            (json!({ "q": "heart", "after": "nonsense" }), "no cursor"),
            (json!({ "q": "heart", "first": 0 }), "not between"),
            (json!({ "q": "heart", "first": 101 }), "not between"),
        ] {
            let (code, message) = shop.client.refused(super::PRODUCTS, variables).await;
            assert_eq!(code, "INVALID_INPUT", "{message}");
            assert!(message.contains(field), "`{field}` is not in {message}");
        }
    });
}

#[test]
fn more_hits_than_are_ranked_are_said_to_be_more() {
    let mut config = Config::default();
    config.queries.search_hits_max = 5;
    test_with(config, async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        for number in 0..9 {
            product(&shop, &format!("S-{number}"), "Heart", "").await;
        }
        app.settled().await;
        let found = ask(&shop.client, json!({ "q": "heart", "first": 100 })).await;
        assert_eq!((&found["total"], &found["more"]), (&json!(5), &json!(true)));
        assert_eq!(found["pageInfo"]["hasNextPage"], false, "pages end there");
    });
}

#[test]
fn what_is_frequent_is_looked_for_among_a_few_of_the_rows() {
    let mut config = Config::default();
    config.queries.search_hits_max = 5;
    test_with(config, async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        for number in 0..200 {
            let input = json!({ "sku": format!("S-{number}"), "name": "Heart" });
            shop.run("createProduct", input).await;
        }
        app.settled().await;
        let client = app.database.connect().await;
        let schema = schema_of("products");
        let few = format!(
            "select sku from {schema}.products where {}",
            projections::search::few("product_id")
        );
        let few = client.query(&few, &[]).await.expect("a few products");
        let few: Vec<String> = few.iter().map(|row| row.get(0)).collect();
        assert!((5..100).contains(&few.len()), "{} of 200", few.len());
        let found = ask(&shop.client, json!({ "q": "heart" })).await;
        assert_eq!((&found["total"], &found["more"]), (&json!(5), &json!(true)));
        for edge in edges(&found) {
            let sku = edge["node"]["sku"].as_str().expect("a SKU");
            assert!(few.iter().any(|few| few == sku), "{sku}");
        }
    });
}

#[test]
fn each_index_of_a_few_rows_is_of_those_that_are_looked_for() {
    test(async |app| {
        let client = app.database.connect().await;
        for (table, id) in [("products", "product_id"), ("credit_notes", "credit_note_id")] {
            // Only an index over these rows alone can be read so.
            let statement = format!(
                "explain select from search.{table} \
                 where {} and search_words @@ 'a'::tsquery",
                projections::search::few(id)
            );
            client.batch_execute("set enable_seqscan = off").await.expect("a setting");
            let plan = client.query(&statement, &[]).await.expect("a plan");
            let plan: String = plan.iter().map(|row| row.get::<_, String>(0)).collect();
            assert!(plan.contains(&format!("few_{table}_by_words")), "{plan}");
        }
    });
}

#[test]
fn organizations_do_not_see_each_other() {
    test(async |app| {
        let acme = catalogue(app).await;
        let other = Shop::open(&app.administrator(), "other").await;
        product(&other, "AB-123456", "White hanging heart of others", "Lantern").await;
        let customer = other.customer("Bolt", json!(null)).await;
        other.run("addContact", json!({ "customerId": customer, "name": "Berta" })).await;
        app.settled().await;
        for query in ["heart", "AB-123456", "ab123456", "haert", "AB-123465", "h", "lantern"] {
            let found = ask(&other.client, json!({ "q": query })).await;
            assert_eq!(found["total"], 1, "{query}: {found}");
        }
        assert_eq!(skus(&acme, "others").await, [] as [&str; 0]);
        assert_eq!(contacts(&acme, "berta", &json!(null)).await, 0);
        assert_eq!(contacts(&other, "berta", &json!(null)).await, 1);
        let cursor = ask(&other.client, json!({ "q": "heart" })).await;
        let after = cursor["pageInfo"]["endCursor"].clone();
        let taken = json!({ "q": "heart", "after": after });
        assert_eq!(acme.client.refused(super::PRODUCTS, taken).await.0, "INVALID_INPUT");
    });
}

/// Where a word stands in the database: tables whose rows have it, and indexes that never forget
/// what they once had over columns of contacts.
async fn traces(app: &TestApp, word: &str) -> Vec<String> {
    let stored = crate::contacts::erasing::everything_stored(app).await.to_lowercase();
    let lines = stored.lines().filter(|line| line.contains(word));
    let client = app.database.connect().await;
    let gin = "select c.relname from pg_class as c join pg_index as i on i.indexrelid = c.oid \
        join pg_am as a on a.oid = c.relam and a.amname = 'gin' \
        join pg_class as t on t.oid = i.indrelid where t.relname like 'contacts%'";
    let gin = client.query(gin, &[]).await.expect("indexes");
    let gin = gin.iter().map(|row| row.get::<_, String>(0));
    lines.map(str::to_owned).chain(gin).collect()
}

#[test]
fn who_is_erased_is_not_found_and_no_word_of_theirs_stays() {
    test(async |app| {
        let shop = Shop::open(&app.administrator(), "acme").await;
        let customer = shop.customer("Bolt & Co", json!(null)).await;
        let oswine = json!({
            "customerId": customer, "name": "Oswine Quaas", "email": "oswine@quaas.example",
            "phone": "+41 44 123 45 67", "role": "purchasing",
        });
        let added = shop.run("addContact", oswine).await;
        let bert = json!({ "customerId": customer, "name": "Bert Quaas" });
        shop.run("addContact", bert).await;
        let at = app.settled().await;
        assert!(at.0 > 0);
        for query in ["oswine", "quass osw", "oswine@quaas.example", "441234567", "41441234567"] {
            let expected = if query == "441234567" { 0 } else { 1 };
            assert_eq!(contacts(&shop, query, &json!(null)).await, expected, "{query}");
        }
        assert_eq!(contacts(&shop, "quaas", &json!(null)).await, 2);
        assert!(!traces(app, "oswine").await.is_empty());
        let rename = json!({ "contactId": added["id"], "name": "Oswine Xylander" });
        let renamed = shop.run("changeContact", rename).await;
        assert_eq!(contacts(&shop, "xylander", &renamed["position"]).await, 1);
        let erase = json!({ "contactId": added["id"], "reason": "asked" });
        let erased = shop.run("eraseContact", erase).await;
        for query in ["oswine", "oswien", "xylander", "oswine@quaas.example", "41441234567"] {
            assert_eq!(contacts(&shop, query, &erased["position"]).await, 0, "{query}");
        }
        assert_eq!(contacts(&shop, "quaas", &erased["position"]).await, 1, "Bert stays");
        app.settled().await;
        for word in ["oswine", "xylander", "41441234567"] {
            assert_eq!(traces(app, word).await, [] as [&str; 0], "{word}");
        }
    });
}
