//! Claims after any history: what the facts of a record changed, one after the other, comes to the
//! row that is read of it. Histories are random.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use harness::client::camel_case;
use harness::{Client, Desk, Shop, TestApp, test};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use uuid::Uuid;

use super::{nodes, page, text};
use crate::as_of::{facts, streams};
use crate::folds::history;

const HISTORIES: u32 = 3;

/// Each feature's view and its id there, its child rows' view, and its field in GraphQL.
const RECORDS: [(&str, &str, Option<&str>, &str); 9] = [
    ("organizations", "id", None, "organization"),
    ("customers", "customer_id", None, "customer"),
    ("contacts", "contact_id", None, "contact"),
    ("credit", "credit_id", None, "customer"),
    ("products", "product_id", None, "product"),
    ("warehouses", "warehouse_id", None, "warehouse"),
    ("stock", "stock_item_id", None, "stockItem"),
    ("orders", "order_id", Some("order_lines"), "order"),
    ("credit_notes", "credit_note_id", Some("credit_note_lines"), "creditNote"),
];

/// A record by its fields; those of a child row are led by its key.
type Card = BTreeMap<String, String>;

#[test]
fn after_any_history_what_the_facts_of_a_record_changed_comes_to_its_row() {
    test(async |app| {
        let config = Config {
            cases: HISTORIES,
            max_shrink_iters: 20,
            failure_persistence: None,
            ..Config::default()
        };
        let number = std::cell::Cell::new(0);
        let handle = Handle::current();
        let outcome = block_in_place(|| {
            TestRunner::new(config).run(&history::histories(), |steps| {
                number.set(number.get() + 1);
                let slug = format!("shop-{}", number.get());
                handle.block_on(async {
                    let desk = Desk::open(app, &slug).await;
                    history::play(&desk, &steps).await;
                    persons(&Shop { client: app.administrator().within(&slug) }).await;
                    app.settled().await;
                    add_up(app, &slug, desk.organization.0).await.map_err(TestCaseError::fail)
                })
            })
        });
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

/// Contacts that are added, merged and erased.
async fn persons(shop: &Shop) {
    let customer = shop.customer("Persons & Co", json!(null)).await;
    let mut added = Vec::new();
    for name in ["Anna Quaas", "A. Quaas", "Zoë Weg"] {
        let add = json!({ "customerId": customer, "name": name, "phone": "17" });
        added.push(shop.run("addContact", add).await["id"].clone());
    }
    let merge = json!({ "contactId": added[0], "duplicateId": added[1] });
    shop.run("mergeContacts", merge).await;
    shop.run("eraseContact", json!({ "contactId": added[2], "reason": "request 17" })).await;
}

/// Every record of an organization: what its history comes to is its row.
async fn add_up(app: &TestApp, slug: &str, organization: Uuid) -> Result<(), String> {
    let client = app.administrator().within(slug);
    let facts = facts(app).await;
    let streams = streams(&facts);
    let mut features = Vec::new();
    for ((_, feature, id), facts) in streams.iter().filter(|((of, ..), _)| *of == organization) {
        let known = RECORDS.iter().find(|(known, ..)| known == feature);
        let known = known.ok_or_else(|| format!("{feature} is not looked at"))?;
        features.push(known.0);
        let row = row(app, *known, organization, *id).await;
        let told = told(app, &client, *known, *id, facts.len()).await;
        if row != told {
            return Err(format!("{feature} {id}: {told:?} is not {row:?}"));
        }
    }
    features.sort_unstable();
    features.dedup();
    // A random history may go without warehouses and credit notes.
    if features.len() < RECORDS.len() - 2 {
        return Err(format!("only {features:?} are looked at"));
    }
    Ok(())
}

/// What all changes of a record come to, page by page.
async fn told(
    app: &TestApp,
    client: &Client,
    (feature, _, _, field): (&str, &str, Option<&str>, &str),
    id: Uuid,
    facts: usize,
) -> Card {
    let record = match feature {
        "organizations" => field.to_owned(),
        "credit" => {
            let customer = "select customer_id from read.credit where credit_id = $1";
            let found = app.database.connect().await.query_one(customer, &[&id]).await;
            let customer: Uuid = found.expect("a credit").get(0);
            format!("{field}(id: \"{customer}\") {{ record: credit")
        }
        _ => format!("{field}(id: \"{id}\")"),
    };
    let (mut card, mut version, mut from) = (Card::new(), 0, String::new());
    loop {
        let page = match feature {
            "credit" => of_credit(client, &record, &from).await,
            _ => page(client, &record, &format!("first: 7 {from}")).await,
        };
        for node in nodes(&page) {
            version += 1;
            assert_eq!(node["version"], version, "{feature} {id}");
            for change in node["changes"].as_array().into_iter().flatten() {
                let part = change["part"].as_str().map(|part| format!("{part} "));
                let key = part.unwrap_or_default() + &text(&change["field"]);
                let before = card.remove(&key);
                let [was, is] = ["before", "after"].map(|side| change[side].as_str().map(plain));
                assert_eq!(was, before, "{feature} {id}: {key} of version {version}");
                assert_ne!(was, is, "{feature} {id}: {key} of version {version}");
                card.extend(is.map(|is| (key, is)));
            }
        }
        if page["pageInfo"]["hasNextPage"] == false {
            assert_eq!(version as usize, facts, "{feature} {id}");
            return card;
        }
        from = format!("after: {}", page["pageInfo"]["endCursor"]);
    }
}

async fn of_credit(client: &Client, record: &str, from: &str) -> Value {
    let query = format!(
        "{{ customer: {record} {{ history(first: 7 {from}) {{ {} }} }} }} }}",
        super::SHOWN
    );
    client.ask(&query, json!({})).await["customer"]["record"]["history"].clone()
}

/// What the read model shows of a record.
async fn row(
    app: &TestApp,
    (view, id_column, children, _): (&str, &str, Option<&str>, &str),
    organization: Uuid,
    id: Uuid,
) -> Card {
    let client = app.database.connect().await;
    let mut card = Card::new();
    for (view, key) in [(view, None)].into_iter().chain(children.map(|view| (view, Some("line")))) {
        let part = key.map_or("''".to_owned(), |key| format!("'{key} ' || {key} || ' '"));
        let fields = format!(
            "select {part}, field.key, field.value from read.{view} as shown, \
             lateral jsonb_each_text(to_jsonb(shown)) as field \
             where organization_id = $1 and {id_column} = $2 and field.value is not null \
             and field.key not in ('organization_id', '{id_column}', 'line', 'version', \
                'position', 'changed_at')"
        );
        for field in client.query(&fields, &[&organization, &id]).await.expect("the row") {
            let (part, column, value): (String, String, String) =
                (field.get(0), field.get(1), field.get(2));
            let field = part + &camel_case(&column);
            match serde_json::from_str(&value) {
                Ok(Value::Object(texts)) => of_texts(&field, &texts, &mut card),
                _ => drop(card.insert(field, plain(&value))),
            }
        }
    }
    assert!(!card.is_empty(), "{view} {id} is not there");
    card
}

fn of_texts(field: &str, texts: &serde_json::Map<String, Value>, card: &mut Card) {
    for (locale, text) in texts {
        for (name, value) in text.as_object().into_iter().flatten() {
            card.extend(
                value.as_str().map(|text| (format!("{field}.{locale}.{name}"), text.to_owned())),
            );
        }
    }
}

/// Numbers without zeros at their end, times in one form: columns keep neither.
fn plain(text: &str) -> String {
    if let Ok(number) = text.parse::<Decimal>() {
        return number.normalize().to_string();
    }
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Micros, true),
        Err(_) => text.to_owned(),
    }
}
