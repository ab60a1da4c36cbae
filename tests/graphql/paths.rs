//! Every way from a list of the schema to what stands in its records, as queries that take how many
//! records (`$n`). What they cost is claimed in `statements`.

use std::collections::HashMap;

use harness::Client;
use serde_json::{Value, json};

/// How many fields lead on from the records of a list, one after another.
const STEPS_MAX: usize = 3;
/// The schema, as far as it is needed.
const INTROSPECTION: &str = "{ __schema { queryType { name } types { name kind fields { name \
    args { name type { kind } defaultValue } type { ...T } } } } } \
    fragment T on __Type { kind name ofType { kind name ofType { kind name \
    ofType { kind name ofType { kind name } } } } }";

/// A field: its name, whether it takes `first`, and the name and the kind of its type.
#[derive(Clone)]
struct Field {
    name: String,
    is_paged: bool,
    of: String,
    kind: String,
}

/// The fields of every type that can be asked for without further ado.
pub(super) struct Schema {
    query: String,
    types: HashMap<String, Vec<Field>>,
}

fn field(field: &Value) -> Option<Field> {
    let args = field["args"].as_array().expect("arguments");
    let takes = |arg: &Value| arg["type"]["kind"] == "NON_NULL" && arg["defaultValue"].is_null();
    if args.iter().any(takes) {
        return None;
    }
    let mut of = &field["type"];
    while !of["ofType"].is_null() {
        of = &of["ofType"];
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let is_paged = args.iter().any(|arg| arg["name"] == "first");
    let (name, of, kind) = (text(&field["name"]), text(&of["name"]), text(&of["kind"]));
    Some(Field { name, is_paged, of, kind })
}

impl Schema {
    pub(super) async fn ask(client: &Client) -> Self {
        let told = client.ask(INTROSPECTION, json!({})).await;
        let name = |of: &Value| of["name"].as_str().unwrap_or_default().to_owned();
        let types = told["__schema"]["types"].as_array().expect("types");
        let fields = |of: &Value| -> Vec<Field> {
            of["fields"].as_array().map_or(Vec::new(), |all| all.iter().filter_map(field).collect())
        };
        let types = types.iter().map(|of| (name(of), fields(of))).collect();
        Self { query: name(&told["__schema"]["queryType"]), types }
    }

    fn fields(&self, of: &str) -> &[Field] {
        self.types.get(of).map_or(&[], Vec::as_slice)
    }

    /// Where a field leads: of a connection, to its nodes.
    fn target(&self, field: &Field) -> (bool, String) {
        let nodes = self.fields(&field.of).iter().find(|inner| inner.name == "nodes");
        nodes.map_or((false, field.of.clone()), |nodes| (true, nodes.of.clone()))
    }

    /// A query for every way.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        for list in self.fields(&self.query).iter().filter(|field| field.is_paged) {
            let (through_nodes, of) = self.target(list);
            for inner in self.selections(&of, STEPS_MAX, &mut vec![of.clone()]) {
                let inner = if through_nodes { format!("nodes {{ {inner} }}") } else { inner };
                paths.push(format!("query($n: Int!) {{ {}(first: $n) {{ {inner} }} }}", list.name));
            }
        }
        paths
    }

    /// All that is no object, and each object with all of the same: a type only once on a way.
    fn selections(&self, of: &str, steps: usize, way: &mut Vec<String>) -> Vec<String> {
        let (objects, plain): (Vec<_>, Vec<_>) =
            self.fields(of).iter().partition(|field| field.kind == "OBJECT");
        let plain: Vec<&str> = plain
            .into_iter()
            .filter(|field| ["SCALAR", "ENUM"].contains(&field.kind.as_str()))
            .map(|field| field.name.as_str())
            .collect();
        let mut all: Vec<String> =
            Some(plain.join(" ")).filter(|all| !all.is_empty()).into_iter().collect();
        for field in objects.into_iter().filter(|_| steps > 0) {
            let (through_nodes, target) = self.target(field);
            if way.contains(&target) {
                continue;
            }
            way.push(target.clone());
            for inner in self.selections(&target, steps - 1, way) {
                let inner = if through_nodes { format!("nodes {{ {inner} }}") } else { inner };
                all.push(format!("{} {{ {inner} }}", field.name));
            }
            way.pop();
        }
        all
    }
}
