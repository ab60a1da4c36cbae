//! Claims about facts of other programs: those of older shapes are brought to today's, what is said
//! beyond a shape is ignored and kept.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use events::Event;
use events::words::Position;
use harness::app::scratch;
use harness::golden::assert_golden;
use harness::{TestApp, root, test};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::export::export;

use super::frozen::{Frozen, all_names, assert_rows, frozen, insert, insert_keys};

const FOLDER: &str = "tests/fixtures/upcasts";

/// An old payload, and what the steps make of it; `UPDATE_GOLDEN=1` writes the latter.
#[derive(Serialize, Deserialize)]
struct Upcast {
    stored: Value,
    #[serde(default)]
    today: Value,
}

/// The fact types of the golden files, and their versions.
fn kept() -> BTreeSet<(String, i16)> {
    let files = fs::read_dir(root().join(FOLDER)).expect("the folder of old payloads");
    let name = |file: fs::DirEntry| file.file_name().to_string_lossy().into_owned();
    let kept = files.map(|file| {
        let name = name(file.expect("a file"));
        let parts = name.strip_suffix(".json").and_then(|stem| stem.rsplit_once('.'));
        let (fact_type, version) = parts.unwrap_or_else(|| panic!("{name}: <type>.<version>.json"));
        (fact_type.to_owned(), version.parse().expect("a version"))
    });
    kept.collect()
}

#[test]
fn every_old_version_of_every_fact_type_has_golden_payloads() {
    let old = Event::fact_types().flat_map(|(_, fact_type)| {
        (1..fact_type.schema_version).map(|version| (fact_type.name.to_owned(), version))
    });
    assert_eq!(kept(), old.collect(), "files of {FOLDER} (left), and old versions (right) differ");
}

#[test]
fn old_payloads_become_what_they_became() {
    for (name, version) in kept() {
        let path = format!("{FOLDER}/{name}.{version}.json");
        let text = fs::read_to_string(root().join(&path)).expect("a file of old payloads");
        let mut upcasts: Vec<Upcast> = serde_json::from_str(&text).expect("old payloads");
        assert!(!upcasts.is_empty(), "{path} has none");
        let known = Event::fact_types().find(|(_, fact_type)| fact_type.name == name);
        let (feature, fact_type) = known.expect("a fact type of this program");
        for upcast in &mut upcasts {
            let stored = upcast.stored.to_string();
            let today = Event::upcast(feature, &name, version, stored.as_bytes());
            let today = today.unwrap_or_else(|error| panic!("{path}: {error}: {stored}"));
            upcast.today = serde_json::from_slice(&today).expect("JSON");
            let old = Event::decode(feature, &name, version, stored.as_bytes());
            assert!(old.is_ok(), "{path}: {old:?}");
            let new = Event::decode(feature, &name, fact_type.schema_version, &today);
            assert_eq!(old, new, "{path}: {stored}");
        }
        let made = serde_json::to_string_pretty(&upcasts).expect("JSON");
        assert_golden(&path, &format!("{made}\n"));
    }
}

/// The same value with one more field in every object of it.
fn extended(value: &Value, field: &str, with: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let inside =
                |(name, value): (&String, &Value)| (name.clone(), extended(value, field, with));
            let mut fields: Map<_, _> = fields.iter().map(inside).collect();
            fields.insert(field.to_owned(), with.clone());
            Value::Object(fields)
        }
        Value::Array(all) => all.iter().map(|value| extended(value, field, with)).collect(),
        other => other.clone(),
    }
}

/// The same, of a fact as it is stored.
fn extend(fact: &mut Frozen, field: &str, with: &Value) {
    for text in [&mut fact.data, &mut fact.meta] {
        let value = serde_json::from_str(text).expect("JSON");
        *text = extended(&value, field, with).to_string();
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]*", inner, 0..4)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_field_that_this_program_does_not_know_is_ignored_and_kept_at_every_level(
        // Names of today's fields begin with a letter.
        field in "_[a-z_]{0,12}|\\PC{0,3} ", value in any_value(),
    ) {
        for fact in all_names().iter().flat_map(|name| frozen(name)) {
            let (kind, version) = (fact.r#type.as_str(), fact.schema_version);
            let plain = Event::decode(&fact.feature, kind, version, fact.data.as_bytes());
            let before = Event::upcast(&fact.feature, kind, version, fact.data.as_bytes());
            let before = serde_json::from_slice(&before.expect("an old fact")).expect("JSON");
            let mut newer = Frozen { data: fact.data.clone(), meta: fact.meta.clone(), ..fact };
            extend(&mut newer, &field, &value);
            let (kind, data) = (newer.r#type.as_str(), newer.data.as_bytes());
            prop_assert_eq!(Event::decode(&newer.feature, kind, version, data), plain);
            let after = Event::upcast(&newer.feature, kind, version, data).expect("an old fact");
            let after: Value = serde_json::from_slice(&after).expect("JSON");
            prop_assert_eq!(after, extended(&before, &field, &value));
        }
    }
}

/// What a later program would say beside what this one knows.
const LATER: &str = "of_a_later_program";

/// How often that is said in the files of a folder.
fn said(folder: &Path) -> usize {
    let entries =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let said = entries.map(|path| match path.is_dir() {
        true => said(&path),
        false => fs::read_to_string(&path).expect("text").matches(LATER).count(),
    });
    said.sum()
}

#[test]
fn a_log_that_says_more_than_this_program_knows_keeps_it_and_makes_the_same_rows() {
    for name in all_names() {
        let mut facts = frozen(&name);
        for fact in &mut facts {
            extend(fact, LATER, &serde_json::json!({ "why": [1.5, null, "ü"] }));
        }
        test(async |app: &TestApp| {
            insert_keys(&app.database, &name).await;
            insert(&app.database, &facts).await;
            let stored = app.parts.log.read_all(Position(0), 10_000).await.expect("the facts");
            for (stored, fact) in stored.iter().zip(&facts) {
                assert_eq!(
                    (&*stored.data, &*stored.meta),
                    (fact.data.as_bytes(), fact.meta.as_bytes())
                );
            }
            app.settled().await;
            assert_rows(app, &name).await;
            let place = scratch();
            export(&app.database.url, &place.path().join("to"), "ndjson", &[]);
            let all = facts.iter().flat_map(|fact| [&fact.data, &fact.meta]);
            let all: usize = all.map(|text| text.matches(LATER).count()).sum();
            assert_eq!(said(place.path()), all, "{name}: what is exported");
        });
    }
}

#[test]
fn no_object_of_a_fact_is_closed_to_fields_of_newer_programs() {
    for (feature, schema) in Event::schemas() {
        let text = schema.as_value().to_string();
        // Facts are told by their type, the one field of the outermost object.
        let types = Event::fact_types().filter(|(known, _)| *known == feature).count();
        let closed = text.matches("\"additionalProperties\":false").count();
        assert_eq!(closed, types, "{feature}: a type of its facts has `deny_unknown_fields`");
    }
}
