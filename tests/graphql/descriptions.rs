//! Claims about what the schema says of itself, as clients and GraphiQL read it.

use std::collections::BTreeSet;

use harness::test;
use serde_json::{Value, json};

const SCHEMA: &str = "{ __schema {
    types { name kind description
        fields(includeDeprecated: true) { name description args { name description }
            type { name kind ofType { name } } }
        inputFields { name description } enumValues(includeDeprecated: true) { name description }
        possibleTypes { name } }
    directives { name description args { name description } } } }";

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value[name].as_array().into_iter().flatten()
}

fn name(value: &Value) -> &str {
    value["name"].as_str().expect("a name")
}

/// The places at and below something that do not say what they are, ending so.
fn silent(place: &str, thing: &Value, end: &str, found: &mut Vec<String>) {
    let place = format!("{place}{}", name(thing));
    let said = thing["description"].as_str().unwrap_or_default().trim();
    if said.is_empty() || !said.ends_with(end) {
        found.push(format!("{place}: {said:?}"));
    }
    for below in ["fields", "inputFields", "enumValues", "args"] {
        for thing in list(thing, below) {
            silent(&format!("{place}."), thing, end, found);
        }
    }
}

#[test]
fn every_type_field_argument_and_value_is_described() {
    test(async |app| {
        let schema = app.administrator().ask(SCHEMA, json!({})).await["__schema"].clone();
        let (mut found, mut looked_at) = (Vec::new(), 0);
        for thing in list(&schema, "types") {
            // What the specification itself has.
            if !name(thing).starts_with("__") {
                looked_at += 1;
                silent("", thing, ".", &mut found);
            }
        }
        // Of the standard's directives async-graphql speaks without full stops.
        for thing in list(&schema, "directives") {
            silent("@", thing, "", &mut found);
        }
        assert!(looked_at > 100, "{looked_at} types");
        assert!(
            found.is_empty(),
            "without a description, or not in sentences:\n{}",
            found.join("\n")
        );
    });
}

/// What has an id for clients to keep it by, and nothing more is to be had by that.
const SHOWN_ALONE: [&str; 7] = [
    "CreditNoteLine",
    "Fact",
    "OrderLine",
    "ParkedFact",
    "SalesByCustomer",
    "SalesByMonth",
    "SalesByProduct",
];

/// Whether a type has a field `id: ID!`.
fn has_an_id(thing: &Value) -> bool {
    list(thing, "fields").any(|field| {
        let sort = &field["type"];
        name(field) == "id" && sort["kind"] == "NON_NULL" && sort["ofType"]["name"] == "ID"
    })
}

#[test]
fn every_record_with_an_id_is_a_node() {
    test(async |app| {
        let schema = app.administrator().ask(SCHEMA, json!({})).await["__schema"].clone();
        let objects = list(&schema, "types").filter(|thing| thing["kind"] == "OBJECT");
        let records: BTreeSet<&str> = objects
            .filter(|thing| has_an_id(thing))
            .map(name)
            .filter(|name| !SHOWN_ALONE.contains(name))
            .collect();
        let node = list(&schema, "types").find(|thing| name(thing) == "Node").expect("Node");
        let nodes: BTreeSet<&str> = list(node, "possibleTypes").map(name).collect();
        assert_eq!(nodes, records);
        assert!(nodes.contains("Order") && has_an_id(node), "{nodes:?}");
    });
}
