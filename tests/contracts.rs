//! Claims about contracts: what others rely on is generated, committed, and changes only on
//! purpose. And a log that was written once is readable for ever.

pub(crate) mod frozen;
mod states;
mod upcasts;

use std::collections::BTreeSet;
use std::fs;

use events::Event;
use harness::golden::assert_golden;
use harness::{root, test};

#[test]
fn the_shapes_of_facts_are_as_committed() {
    let schemas = Event::schemas();
    for (feature, schema) in &schemas {
        let text = serde_json::to_string_pretty(schema).expect("a schema as JSON");
        assert_golden(&format!("events/schemas/{feature}.json"), &format!("{text}\n"));
    }
    let features: BTreeSet<String> =
        schemas.iter().map(|(feature, _)| format!("{feature}.json")).collect();
    let files = fs::read_dir(root().join("events/schemas")).expect("events/schemas");
    let files: BTreeSet<String> = files
        .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(files, features, "files of events/schemas (left) and features (right) differ");
}

#[test]
fn every_field_of_a_fact_is_described() {
    for (feature, schema) in Event::schemas() {
        let mut silent = Vec::new();
        undescribed(schema.as_value(), feature, &mut silent);
        assert!(silent.is_empty(), "without a description: {silent:?}");
    }
}

/// The paths of properties without a description.
fn undescribed(schema: &serde_json::Value, path: &str, silent: &mut Vec<String>) {
    let children = schema.as_object().into_iter().flatten();
    for (key, value) in children {
        let path = format!("{path}.{key}");
        if key == "properties" {
            for (name, property) in value.as_object().into_iter().flatten() {
                // A fact's type stands in the variant that it wraps.
                if property.get("description").is_none() && !name.contains('.') {
                    silent.push(format!("{path}.{name}"));
                }
            }
        }
        undescribed(value, &path, silent);
    }
    for (index, value) in schema.as_array().into_iter().flatten().enumerate() {
        undescribed(value, &format!("{path}[{index}]"), silent);
    }
}

#[test]
fn every_table_view_and_column_of_the_database_is_described() {
    test(async |app| {
        // Column 0 is the table or view itself. Not ours: the list of migrations, in `public`.
        let silent = "select format('%s, column %s', c.oid::regclass, at) from pg_class as c, \
            generate_series(0, c.relnatts::int) as at \
            where relkind in ('r', 'v') and relnamespace::regnamespace::text not like 'pg\\_%' \
                and relnamespace::regnamespace::text not in ('information_schema', 'public') \
                and col_description(c.oid, at) is null order by 1";
        let rows = app.database.connect().await.query(silent, &[]).await.expect("the catalogue");
        let silent: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert!(silent.is_empty(), "without a comment: {silent:#?}");
    });
}

#[test]
fn the_graphql_schema_is_as_committed() {
    assert_golden("gateway/schema.graphql", &gateway::graphql::sdl());
}

#[test]
fn the_default_configuration_is_as_committed() {
    assert_golden("gateway/config.default.toml", &gateway::config::default_toml());
}
