//! Claims about contacts, through the front door: what is known of persons, and that nobody reads
//! it any more once they are erased. Which rules commands obey stands beside them.

pub(crate) mod erasing;
mod keys;

use harness::{Shop, TestApp, test};
use serde_json::{Value, json};

const CARD: &str = "query($id: ID!, $at: String) { contact(id: $id, atLeast: $at) {
    name email phone address role status statusReason mergedInto version customer { name } } }";

/// A shop with a customer.
async fn shop(app: &TestApp, slug: &str) -> (Shop, String) {
    let shop = Shop::open(&app.administrator(), slug).await;
    let customer = shop.customer("Bolt & Co", json!(null)).await;
    (shop, customer)
}

/// Anna Quaas, who purchases for a customer.
fn anna(customer: &str) -> Value {
    json!({
        "customerId": customer, "name": "Anna Quaas", "email": "Anna@Quaas.example",
        "phone": "+41 44 123 45 67", "address": "Quaasgasse 7\n8000 Zürich", "role": "purchasing",
    })
}

async fn card(shop: &Shop, done: &Value) -> Value {
    let variables = json!({ "id": done["id"], "at": done["position"] });
    shop.client.ask(CARD, variables).await["contact"].clone()
}

#[test]
fn a_contact_is_added_changed_and_found() {
    test(async |app| {
        let (shop, customer) = shop(app, "acme").await;
        let added = shop.run("addContact", anna(&customer)).await;
        let expected = json!({
            "name": "Anna Quaas", "email": "Anna@Quaas.example", "phone": "+41 44 123 45 67",
            "address": "Quaasgasse 7\n8000 Zürich", "role": "purchasing", "status": "ACTIVE",
            "statusReason": null, "mergedInto": null, "version": 1,
            "customer": { "name": "Bolt & Co" },
        });
        assert_eq!(card(&shop, &added).await, expected);
        let change = json!({ "contactId": added["id"], "name": "Anna Berg", "phone": "" });
        let changed = shop.run("changeContact", change).await;
        let now = card(&shop, &changed).await;
        assert_eq!((&now["name"], &now["phone"]), (&json!("Anna Berg"), &json!(null)));
        assert_eq!((&now["email"], &now["version"]), (&expected["email"], &json!(2)));
        let other = json!({ "customerId": customer, "name": "Bert" });
        let other = shop.run("addContact", other).await;
        let list = "query($filter: ContactsFilter, $at: String) {
            contacts(filter: $filter, atLeast: $at) { edges { node { name } } } }";
        for (filter, names) in [
            (json!({}), vec!["Bert", "Anna Berg"]),
            (json!({ "email": { "eq": "anna@quaas.EXAMPLE" } }), vec!["Anna Berg"]),
            (
                json!({ "customerId": { "eq": customer }, "status": { "eq": "ACTIVE" } }),
                vec!["Bert", "Anna Berg"],
            ),
            (json!({ "status": { "eq": "ERASED" } }), vec![]),
            (json!({ "email": { "eq": "anna@quaas.example\u{0}" } }), vec![]),
            (json!({ "customerId": { "eq": other["id"] } }), vec![]),
        ] {
            let variables = json!({ "filter": filter, "at": other["position"] });
            let found = shop.client.ask(list, variables).await;
            let edges = found["contacts"]["edges"].as_array().unwrap().clone();
            let found: Vec<&str> =
                edges.iter().map(|edge| edge["node"]["name"].as_str().unwrap()).collect();
            assert_eq!(found, names, "{filter}");
        }
    });
}

#[test]
fn two_contacts_that_are_one_person_are_merged() {
    test(async |app| {
        let (shop, customer) = shop(app, "acme").await;
        let short = json!({ "customerId": customer, "name": "A. Quaas", "role": "sales" });
        let kept = shop.run("addContact", short).await;
        let duplicate = shop.run("addContact", anna(&customer)).await;
        let merge = json!({ "contactId": kept["id"], "duplicateId": duplicate["id"] });
        let merged = shop.run("mergeContacts", merge.clone()).await;
        let now = card(&shop, &merged).await;
        assert_eq!(now["name"], "A. Quaas", "what it had stays");
        assert_eq!((&now["role"], &now["email"]), (&json!("sales"), &json!("Anna@Quaas.example")));
        let gone = json!({ "id": duplicate["id"], "position": merged["position"] });
        let gone = card(&shop, &gone).await;
        assert_eq!((&gone["status"], &gone["mergedInto"]), (&json!("MERGED"), &kept["id"]));
        assert_eq!((&gone["name"], &gone["email"]), (&json!(null), &json!(null)));
        let (code, _) = shop.refused("mergeContacts", merge).await;
        assert_eq!(code, "WRONG_STATE");
        let change = json!({ "contactId": duplicate["id"], "role": "x" });
        let (_, told) = shop.refused("changeContact", change).await;
        assert!(told.contains(kept["id"].as_str().unwrap()), "{told}");
    });
}

#[test]
fn another_organization_neither_sees_nor_touches_a_contact() {
    test(async |app| {
        let (acme, customer) = shop(app, "acme").await;
        let (bolt, _) = shop(app, "bolt").await;
        let added = acme.run("addContact", anna(&customer)).await;
        assert_eq!(card(&bolt, &added).await, json!(null));
        for (mutation, input) in [
            ("changeContact", json!({ "contactId": added["id"], "role": "x" })),
            ("eraseContact", json!({ "contactId": added["id"], "reason": "x" })),
            ("addContact", anna(&customer)),
        ] {
            let (code, _) = bolt.refused(mutation, input).await;
            assert_eq!(code, "NOT_FOUND", "{mutation}");
        }
        assert_eq!(card(&acme, &added).await["name"], "Anna Quaas");
    });
}

#[test]
fn a_repeated_request_adds_nobody_twice_and_another_one_under_its_key_is_refused() {
    test(async |app| {
        let (shop, customer) = shop(app, "acme").await;
        let add = |name: &str, key: &str| {
            let mut input = anna(&customer);
            input["name"] = json!(name);
            input["idempotencyKey"] = json!(key);
            input
        };
        let first = shop.run("addContact", add("Anna", "k1")).await;
        let again = shop.run("addContact", add("Anna", "k1")).await;
        assert_eq!((&again["id"], &again["repeated"]), (&first["id"], &json!(true)));
        assert_eq!(card(&shop, &again).await["name"], "Anna");
        let (code, _) = shop.refused("addContact", add("Bert", "k1")).await;
        assert_eq!(code, "IDEMPOTENCY_KEY_REUSED");
        let keys = "select count(*) from log.person_keys where organization_id <> person_id";
        let keys = app.database.connect().await.query_one(keys, &[]).await.unwrap();
        assert_eq!(keys.get::<_, i64>(0), 1, "nobody who was not added has a key");
    });
}

#[test]
fn the_contacts_of_a_customer_are_found_in_the_log_by_its_tag() {
    test(async |app| {
        use events::log::Selection;
        use futures_util::StreamExt;
        let (shop, customer) = shop(app, "acme").await;
        let other = shop.customer("Other", json!(null)).await;
        let ours = shop.run("addContact", anna(&customer)).await;
        shop.run("addContact", anna(&other)).await;
        let selection = Selection {
            organization: Some(events::words::OrganizationId::of_slug("acme").0),
            tag: Some(format!("customer:{customer}")),
            ..Selection::default()
        };
        let pages: Vec<_> = app.parts.log.read(selection, 10).collect().await;
        let facts: Vec<_> = pages.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(facts.len(), 1);
        assert_eq!(facts[0].stream.id.to_string(), ours["id"].as_str().unwrap());
    });
}
