//! Logs that were written once, byte for byte as they were stored. Whatever the program becomes,
//! it reads them, and makes of them the rows it made then. `UPDATE_GOLDEN=1` writes a log that is
//! missing, and the rows anew; a log that is there is never written again.

mod history;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use events::log::RawFact;
use events::words::Position;
use events::{Event, Recorded};
use harness::golden::assert_golden;
use harness::{TestApp, TestDatabase, root, test};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The log that `UPDATE_GOLDEN=1` writes if it is missing. When a fact type is added or changes
/// its shape: the next number.
const NEWEST: &str = "step-5";

/// A fact as it is stored; its data and meta are text, for JSON is.
#[derive(Serialize, Deserialize)]
pub(crate) struct Frozen {
    pub(crate) position: i64,
    pub(crate) organization_id: Uuid,
    pub(crate) feature: String,
    pub(crate) stream_id: Uuid,
    pub(crate) version: i64,
    pub(crate) event_id: Uuid,
    pub(crate) r#type: String,
    pub(crate) schema_version: i16,
    pub(crate) data: String,
    pub(crate) meta: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

impl From<RawFact> for Frozen {
    fn from(raw: RawFact) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("JSON is UTF-8");
        Self {
            position: raw.position.0,
            organization_id: raw.stream.organization,
            feature: raw.feature,
            stream_id: raw.stream.id,
            version: raw.version,
            event_id: raw.event_id,
            r#type: raw.fact_type,
            schema_version: raw.schema_version,
            data: text(raw.data),
            meta: text(raw.meta),
            recorded_at: raw.recorded_at,
        }
    }
}

/// A person's key as it is stored; none: the person is erased.
#[derive(Serialize, Deserialize)]
struct FrozenKey {
    organization_id: Uuid,
    person_id: Uuid,
    master: String,
    wrapped: Option<Vec<u8>>,
}

/// The keys of the persons of whom a frozen log speaks; the first logs speak of nobody.
fn frozen_keys(name: &str) -> Vec<FrozenKey> {
    let text = fs::read_to_string(folder().join(format!("{name}.keys.ndjson")));
    let lines = text.unwrap_or_default();
    lines.lines().map(|line| serde_json::from_str(line).expect("a frozen key")).collect()
}

/// The keys that are stored, a line a key.
async fn keys(app: &TestApp) -> String {
    let keys = "select organization_id, person_id, master, wrapped from log.person_keys \
        order by organization_id, person_id";
    let rows = app.database.connect().await.query(keys, &[]).await.expect("the keys");
    let lines = rows.iter().map(|row| {
        let (organization_id, person_id) = (row.get(0), row.get(1));
        let key = FrozenKey { organization_id, person_id, master: row.get(2), wrapped: row.get(3) };
        serde_json::to_string(&key).expect("a line") + "\n"
    });
    lines.collect()
}

fn folder() -> PathBuf {
    root().join("tests/fixtures/logs")
}

/// The names of all frozen logs.
fn names() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let logs = names.filter(|name| !name.ends_with(".keys.ndjson"));
    logs.filter_map(|name| Some(name.strip_suffix(".ndjson")?.to_owned())).collect()
}

/// A frozen log; written now if it is missing and golden files are being updated.
pub(crate) fn frozen(name: &str) -> Vec<Frozen> {
    let file = folder().join(format!("{name}.ndjson"));
    if !file.exists() && name == NEWEST && std::env::var_os("UPDATE_GOLDEN").is_some() {
        test(async |app| {
            history::make(app).await;
            let facts = app.parts.log.read_all(Position(0), 10_000).await.expect("the facts");
            let lines = facts.into_iter().map(|raw| {
                let line = serde_json::to_string(&Frozen::from(raw)).expect("a line");
                format!("{line}\n")
            });
            fs::create_dir_all(folder()).expect("the folder of frozen logs");
            // Several tests may find it missing at once: the first one's stays.
            let own = folder().join(format!("{name}.{}", std::process::id()));
            fs::write(&own, lines.collect::<String>()).expect("writing the frozen log");
            let kept = fs::hard_link(&own, &file);
            if kept.is_ok() {
                let keys = keys(app).await;
                fs::write(folder().join(format!("{name}.keys.ndjson")), keys).expect("its keys");
            }
            fs::remove_file(&own).expect("removing the draft");
            assert!(kept.is_ok() || file.exists(), "{kept:?}");
        });
    }
    let text = fs::read_to_string(&file).unwrap_or_else(|error| {
        panic!("{}: {error}; UPDATE_GOLDEN=1 writes it", file.display());
    });
    text.lines().map(|line| serde_json::from_str(line).expect("a frozen fact")).collect()
}

pub(crate) fn all_names() -> BTreeSet<String> {
    let mut names = names();
    names.insert(NEWEST.to_owned());
    names
}

#[test]
fn every_fact_type_occurs_in_a_frozen_log() {
    let logs: Vec<Frozen> = all_names().iter().flat_map(|name| frozen(name)).collect();
    let missing: Vec<_> = Event::fact_types()
        .filter(|(feature, wanted)| {
            !logs.iter().any(|fact| {
                (fact.feature.as_str(), fact.r#type.as_str()) == (*feature, wanted.name)
                    && fact.schema_version == wanted.schema_version
            })
        })
        .collect();
    assert!(missing.is_empty(), "in no frozen log: {missing:?}; let NEWEST name a new one");
}

#[test]
fn every_fact_of_a_frozen_log_is_read_and_still_has_its_shape() {
    for name in all_names() {
        for fact in frozen(&name) {
            let place = format!("{name} at {}", fact.position);
            let (kind, version) = (fact.r#type.as_str(), fact.schema_version);
            let event = Event::decode(&fact.feature, kind, version, fact.data.as_bytes());
            let event = event.unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!((event.feature(), event.fact_type().name), (fact.feature.as_str(), kind));
            if event.fact_type().schema_version == version {
                let again = String::from_utf8(event.encode()).expect("JSON is UTF-8");
                assert_eq!(again, fact.data, "{place}: written again it is not what it was");
            }
        }
    }
}

#[test]
fn a_frozen_log_makes_the_rows_that_it_made() {
    for name in all_names() {
        let facts = frozen(&name);
        test(async |app| {
            insert_keys(&app.database, &name).await;
            insert(&app.database, &facts).await;
            let stored = app.parts.log.read_all(Position(0), 10_000).await.expect("the facts");
            assert_eq!(stored.len(), facts.len());
            for (raw, fact) in stored.iter().zip(&facts) {
                Recorded::try_from(raw).expect("a readable fact");
                assert_eq!(
                    (&raw.data, &raw.meta),
                    (&fact.data.clone().into_bytes(), &fact.meta.clone().into_bytes(),)
                );
            }
            app.settled().await;
            assert_rows(app, &name).await;
        });
    }
}

/// Puts facts into an empty log as they stand, in one batch.
pub(crate) async fn insert(database: &TestDatabase, facts: &[Frozen]) {
    let mut client = database.connect().await;
    let transaction = client.transaction().await.expect("a transaction");
    let statement = "insert into log.events (position, organization_id, feature, stream_id, \
        version, event_id, type, schema_version, data, meta, recorded_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    for fact in facts {
        let (data, meta) = (fact.data.as_bytes(), fact.meta.as_bytes());
        transaction
            .execute(
                statement,
                &[
                    &fact.position,
                    &fact.organization_id,
                    &fact.feature,
                    &fact.stream_id,
                    &fact.version,
                    &fact.event_id,
                    &fact.r#type,
                    &fact.schema_version,
                    &data,
                    &meta,
                    &fact.recorded_at,
                ],
            )
            .await
            .expect("inserting a frozen fact");
    }
    let batch = "insert into log.batches select max(position), min(position), max(recorded_at), \
        ''::bytea from log.events";
    transaction.execute(batch, &[]).await.expect("inserting the batch");
    transaction.commit().await.expect("the commit");
}

/// Fails unless the rows are those that this frozen log makes.
pub(crate) async fn assert_rows(app: &TestApp, name: &str) {
    let rows = rows(app, name == NEWEST).await;
    assert_golden(&format!("tests/fixtures/logs/{name}.rows.json"), &rows);
}

/// Puts the keys of a frozen log's persons into a database that has none of them.
pub(crate) async fn insert_keys(database: &TestDatabase, name: &str) {
    let client = database.connect().await;
    let statement = "insert into log.person_keys (organization_id, person_id, master, wrapped, \
        erased_at) values ($1, $2, $3, $4, case when $4::bytea is null then now() end)";
    for FrozenKey { organization_id, person_id, master, wrapped } in frozen_keys(name) {
        let inserted =
            client.execute(statement, &[&organization_id, &person_id, &master, &wrapped]).await;
        inserted.expect("inserting a frozen key");
    }
}

/// Every row of every view of `read`, as JSON; numbers with the digits that they have. The newest
/// log tries every view; older ones know nothing of what came later.
async fn rows(app: &TestApp, every_view: bool) -> String {
    let client = app.database.connect().await;
    client.batch_execute("set time zone 'UTC'").await.expect("the time zone");
    let views = "select table_name::text from information_schema.views \
        where table_schema = 'read' order by table_name::text collate \"C\"";
    let mut tables = Vec::new();
    for view in client.query(views, &[]).await.expect("the views") {
        let view: String = view.get(0);
        let query = format!(
            "select j from (select to_jsonb(r)::text as j from read.{view} as r) as t \
             order by j collate \"C\""
        );
        let rows = client.query(&query, &[]).await.expect("the rows");
        assert!(!rows.is_empty() || !every_view, "read.{view} is empty: {NEWEST} does not try it");
        if rows.is_empty() {
            tables.push(format!("  \"{view}\": []"));
            continue;
        }
        let rows: Vec<String> =
            rows.iter().map(|row| format!("    {}", row.get::<_, &str>(0))).collect();
        tables.push(format!("  \"{view}\": [\n{}\n  ]", rows.join(",\n")));
    }
    format!("{{\n{}\n}}\n", tables.join(",\n"))
}
