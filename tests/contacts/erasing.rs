//! Claims about erasing: what belonged to the person is nowhere, what belongs to others stays.

use commands::contacts::add::AddContact;
use commands::contacts::change::ChangeContact;
use commands::contacts::erase::EraseContact;
use commands::contacts::merge::MergeContacts;
use commands::{CommandError, Kind};
use events::contacts::ContactId;
use gateway::config::Config;
use harness::app::scratch;
use harness::program::{millrace, outcome};
use harness::{Desk, TestApp, duckdb, schema_of, test, test_with};
use serde_json::json;

use super::{anna, card, shop};

/// What belongs to Anna, and what belongs to Bert.
const ANNAS: [&str; 5] = ["Anna Quaas", "Anna@Quaas", "44 123 45 67", "Quaasgasse", "Anna Berg"];
const BERTS: [&str; 4] = ["Bert Immer", "bert@immer", "44 765 43 21", "Immergasse"];

/// Every row of every table of the database, and of the statistics about them, as text; where bytes
/// are text, that text too.
pub(crate) async fn everything_stored(app: &TestApp) -> String {
    let client = app.database.connect().await;
    client.batch_execute("analyze").await.expect("statistics");
    let tables = "select format('%I.%I', schemaname, tablename) from pg_tables \
        where schemaname not in ('pg_catalog', 'information_schema') \
        union all select 'pg_catalog.pg_stats'";
    let mut all = String::new();
    for table in client.query(tables, &[]).await.expect("the tables") {
        let table: String = table.get(0);
        // Bytes show as hexadecimal digits, unless they are told to show as text.
        for output in ["hex", "escape"] {
            let rows = format!("select t::text from {table} as t");
            client.batch_execute(&format!("set bytea_output = {output}")).await.expect("a setting");
            for row in client.query(&rows, &[]).await.expect("the rows") {
                all.push_str(row.get(0));
                all.push('\n');
            }
        }
    }
    all
}

/// Waits until the states of so many contacts have been kept.
async fn snapshots(app: &TestApp, contacts: i64) {
    let client = app.database.connect().await;
    let kept = "select count(*) from log.snapshots where state = 'contact'";
    for _ in 0..1_000 {
        if client.query_one(kept, &[]).await.expect("the snapshots").get::<_, i64>(0) == contacts {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no snapshots of contacts are kept");
}

fn found<'a>(stored: &str, values: &[&'a str]) -> Vec<&'a str> {
    let (stored, mut found) = (stored.to_lowercase(), Vec::new());
    for value in values {
        let hexadecimal: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        if stored.contains(&value.to_lowercase()) || stored.contains(&hexadecimal) {
            found.push(*value);
        }
    }
    found
}

#[test]
fn an_erased_persons_values_are_nowhere_in_the_database_and_everybody_elses_stay() {
    let mut config = Config::default();
    config.executor.snapshot_facts = 1;
    test_with(config, async |app| {
        let (shop, customer) = shop(app, "acme").await;
        let annas = shop.run("addContact", anna(&customer)).await;
        let rename = json!({ "contactId": annas["id"], "name": "Anna Berg" });
        shop.run("changeContact", rename).await;
        let duplicate = shop.run("addContact", anna(&customer)).await;
        let bert = json!({
            "customerId": customer, "name": "Bert Immer", "email": "bert@immer.example",
            "phone": "+41 44 765 43 21", "address": "Immergasse 1",
        });
        let berts = shop.run("addContact", bert).await;
        app.settled().await;
        snapshots(app, 3).await;
        // In the rows: those of the duplicate have the name of old too.
        let before = everything_stored(app).await;
        assert_eq!(found(&before, &ANNAS), ANNAS);
        assert_eq!(found(&before, &BERTS), BERTS);
        let merge = json!({ "contactId": annas["id"], "duplicateId": duplicate["id"] });
        shop.run("mergeContacts", merge).await;
        let erase = json!({ "contactId": annas["id"], "reason": "request 17" });
        let erased = shop.run("eraseContact", erase.clone()).await;
        app.settled().await;
        let after = everything_stored(app).await;
        assert_eq!(found(&after, &ANNAS), Vec::<&str>::new());
        assert_eq!(found(&after, &BERTS), BERTS);
        let gone = card(&shop, &erased).await;
        assert_eq!(
            (&gone["status"], &gone["statusReason"]),
            (&json!("ERASED"), &json!("request 17"))
        );
        assert_eq!(
            [&gone["name"], &gone["email"], &gone["phone"], &gone["address"]],
            [&json!(null); 4]
        );
        assert_eq!(gone["customer"]["name"], "Bolt & Co", "what happened stays");
        let bert = json!({ "id": berts["id"], "position": erased["position"] });
        assert_eq!(card(&shop, &bert).await["name"], "Bert Immer");
        for (mutation, input) in [
            ("eraseContact", erase),
            ("changeContact", json!({ "contactId": annas["id"], "name": "Anna" })),
        ] {
            assert_eq!(shop.refused(mutation, input).await.0, "WRONG_STATE", "{mutation}");
        }
        let client = app.database.connect().await;
        crate::log::chain::check(&client).await;
    });
}

/// What an export in this format holds, as text.
fn exported(app: &TestApp, format: &str) -> String {
    let folder = scratch();
    let mut command = millrace(&["export", "facts", "--format", format]);
    command.arg("--to").arg(folder.path()).env("DATABASE_URL", &app.database.url);
    let (code, _, errors) = outcome(&mut command);
    assert_eq!(code, 0, "{errors}");
    let query = match format {
        "parquet" => "select t::text from read_parquet('**/*.parquet') as t",
        _ => "select content from read_text('**/*.ndjson')",
    };
    let rows = duckdb::rows(folder.path(), query).into_iter().flatten().flatten();
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_export_holds_nothing_of_any_person_and_all_of_the_facts() {
    test(async |app| {
        let (shop, customer) = shop(app, "acme").await;
        let annas = shop.run("addContact", anna(&customer)).await;
        let bert = json!({ "customerId": customer, "name": "Bert Immer", "role": "sales" });
        shop.run("addContact", bert).await;
        let erase = json!({ "contactId": annas["id"], "reason": "request 17" });
        shop.run("eraseContact", erase).await;
        for format in ["parquet", "ndjson"] {
            let text = exported(app, format);
            assert_eq!(found(&text, &ANNAS), Vec::<&str>::new());
            assert_eq!(found(&text, &BERTS), Vec::<&str>::new(), "ciphertext stays ciphertext");
            for there in ["contact.added", "contact.erased", "request 17", "sales", "Bolt & Co"] {
                assert!(text.contains(there), "{there} in {text}");
            }
        }
    });
}

/// Folds a read model again from the first fact.
async fn folded_again(app: &TestApp) -> String {
    let client = app.database.connect().await;
    let rows = "select coalesce(string_agg(to_jsonb(r)::text, E'\\n' order by contact_id), '') \
        from read.contacts as r";
    let before: String = client.query_one(rows, &[]).await.unwrap().get(0);
    let empty = format!(
        "begin; truncate {}.contacts; \
         update projections.parts as p set position = 0, epoch = epoch + 1 \
         from projections.builds as b where b.build = p.build and b.name = 'contacts'; commit",
        schema_of("contacts"),
    );
    client.batch_execute(&empty).await.unwrap();
    let another = crate::projector::Another::start(app).await;
    another.end(app).await;
    let after: String = client.query_one(rows, &[]).await.unwrap().get(0);
    assert_eq!(after, before, "a fresh fold (left) and the rows (right)");
    after
}

#[test]
fn rows_that_are_folded_anew_hold_nothing_of_who_was_erased() {
    test(async |app| {
        let (shop, customer) = shop(app, "acme").await;
        let annas = shop.run("addContact", anna(&customer)).await;
        let bert = json!({ "customerId": customer, "name": "Bert Immer" });
        shop.run("addContact", bert).await;
        let erase = json!({ "contactId": annas["id"], "reason": "request 17" });
        shop.run("eraseContact", erase).await;
        app.settled().await;
        let rows = folded_again(app).await;
        assert_eq!(found(&rows, &ANNAS), Vec::<&str>::new());
        assert!(rows.contains("Bert Immer"));
    });
}

fn anna_of(customer: events::customers::CustomerId) -> AddContact {
    AddContact {
        customer_id: customer,
        name: "Anna Quaas".to_owned(),
        email: Some("Anna@Quaas.example".to_owned()),
        phone: None,
        address: None,
        role: None,
    }
}

#[test]
fn whoever_changes_or_merges_while_somebody_erases_leaves_nothing_readable() {
    test(async |app| {
        let here = Desk::open(app, "acme").await;
        let there = here.elsewhere(app).await;
        let customer = here.customer("Bolt & Co").await;
        let mut late = 0;
        for round in 0..25 {
            let contact = ContactId(here.run(anna_of(customer)).await.id);
            let other = ContactId(here.run(anna_of(customer)).await.id);
            let change = ChangeContact {
                contact_id: contact,
                name: Some("Anna Berg".to_owned()),
                email: None,
                phone: Some("+41 44 123 45 67".to_owned()),
                address: None,
                role: None,
            };
            let reason = "request 17".to_owned();
            let erase = EraseContact { contact_id: contact, reason: reason.clone() };
            let merge = MergeContacts { contact_id: contact, duplicate_id: other };
            let (eraser, changer) = if round % 2 == 0 { (&here, &there) } else { (&there, &here) };
            let (erased, changed, merged) = tokio::join!(
                eraser.attempt(erase),
                changer.attempt(change),
                changer.attempt(merge),
            );
            assert!(erased.is_ok(), "{erased:?}");
            for refused in [changed.err(), merged.as_ref().err().cloned()].into_iter().flatten() {
                let CommandError::Rejected(rejection) = refused else { panic!("{refused:?}") };
                assert_eq!(rejection.kind, Kind::WrongState);
                late += 1;
            }
            if merged.is_err() {
                here.run(EraseContact { contact_id: other, reason }).await;
            }
        }
        app.settled().await;
        let stored = everything_stored(app).await;
        assert_eq!(found(&stored, &ANNAS), Vec::<&str>::new());
        assert!(late < 50, "some came before the erasure");
        let keys = "select count(*) from log.person_keys \
            where wrapped is not null and organization_id <> person_id";
        let alive: i64 = app.database.connect().await.query_one(keys, &[]).await.unwrap().get(0);
        assert_eq!(alive, 0, "every key is gone");
    });
}
