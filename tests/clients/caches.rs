//! Claims about clients that keep what they are shown, each record once: urql with graphcache, and
//! Relay. What they are told of the schema is the schema itself.

use harness::{TestApp, node, test};
use serde_json::{Value, json};

use super::traded;

/// Types without an `id`: clients keep them with what they stand in, and are right to. Others would
/// be mixed with their neighbours there. What a list adds up to, and what happens to it, is an
/// answer, kept with what was asked.
const VALUES: [(&str, &str); 9] = [
    ("Facet", "is counted for one search, and never changes"),
    ("FacetValue", "is counted for one search, and never changes"),
    ("FactCause", "is told with its fact, and never changes"),
    ("FactChange", "is told with its fact, and never changes"),
    ("Highlight", "is told with its hit, and never changes"),
    ("HighlightPart", "is told with its hit, and never changes"),
    ("Money", "is an amount: what has it changes as a whole"),
    ("ProjectionLag", "is told anew, all of them, with each change"),
    ("SystemStatus", "is told anew with each change"),
];

async fn told(app: &TestApp, script: &str) -> Value {
    let lines = node::lines(app, script, true).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["warnings"], json!([]));
    lines[0].clone()
}

#[test]
fn urql_keeps_each_record_once_and_has_nothing_to_warn_of() {
    test(async |app| {
        traded(app).await;
        let told = told(app, "urql.mjs").await;
        let values = told["values"].as_array().expect("a list").iter().filter_map(Value::as_str);
        let is_told_once = |name: &&str| VALUES.iter().any(|(value, _)| value == name);
        let told_of_lists = |name: &&str| name.ends_with("Aggregate") || name.ends_with("Change");
        let values: Vec<&str> =
            values.filter(|name| is_told_once(name) || !told_of_lists(name)).collect();
        assert_eq!(values, VALUES.map(|(name, _)| name), "without an id");
    });
}

#[test]
fn relay_compiles_pages_refetches_and_has_nothing_to_warn_of() {
    test(async |app| {
        traded(app).await;
        told(app, "relay.mjs").await;
    });
}
