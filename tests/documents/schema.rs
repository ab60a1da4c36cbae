//! The schema as introspection tells it: what may be asked, and with what.

use std::collections::BTreeMap;

use harness::Client;
use serde_json::{Value, json};

const ASKING: &str = "query {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      name kind isOneOf possibleTypes { name } enumValues { name }
      fields { name type { ...of } args { name type { ...of } } }
      inputFields { name type { ...of } }
    }
  }
}
fragment of on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
}";

/// What a field gives, or an argument takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Named(String),
    List(Box<Self>),
    NonNull(Box<Self>),
}

impl Kind {
    fn of(told: &Value) -> Self {
        let inner = || Box::new(Self::of(&told["ofType"]));
        match told["kind"].as_str() {
            Some("NON_NULL") => Self::NonNull(inner()),
            Some("LIST") => Self::List(inner()),
            _ => Self::Named(text(&told["name"])),
        }
    }

    /// The type without lists and marks.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::List(inner) | Self::NonNull(inner) => inner.name(),
        }
    }

    /// As a document writes it.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::List(inner) => format!("[{}]", inner.written()),
            Self::NonNull(inner) => format!("{}!", inner.written()),
        }
    }

    pub(super) fn must_be(&self) -> bool {
        matches!(self, Self::NonNull(_))
    }
}

/// An argument, or a field of an input.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// A field of an object or interface.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) args: Vec<Input>,
}

/// A type: what it is not, it has none of.
#[derive(Debug, Clone, Default)]
pub(super) struct Type {
    pub(super) fields: Vec<Field>,
    pub(super) inputs: Vec<Input>,
    pub(super) takes_one: bool,
    pub(super) values: Vec<String>,
    pub(super) possible: Vec<String>,
}

/// Everything that may be asked.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) types: BTreeMap<String, Type>,
    /// What operations begin with, and the types that they begin from.
    pub(super) roots: Vec<(&'static str, String)>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn each<T>(value: &Value, of: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().into_iter().flatten().map(of).collect()
}

fn input(told: &Value) -> Input {
    Input { name: text(&told["name"]), kind: Kind::of(&told["type"]) }
}

impl Schema {
    /// That of the gateway.
    pub(super) async fn of(client: &Client) -> Self {
        let told = client.ask(ASKING, json!({})).await["__schema"].clone();
        let types = each(&told["types"], |told| {
            let field = |told: &Value| Field {
                name: text(&told["name"]),
                kind: Kind::of(&told["type"]),
                args: each(&told["args"], input),
            };
            let named = |told: &Value| text(&told["name"]);
            let known = Type {
                fields: each(&told["fields"], field),
                inputs: each(&told["inputFields"], input),
                takes_one: told["isOneOf"] == true,
                values: each(&told["enumValues"], named),
                possible: each(&told["possibleTypes"], named),
            };
            (named(told), known)
        });
        let kinds = ["query", "mutation", "subscription"];
        let roots = kinds.map(|kind| (kind, text(&told[format!("{kind}Type")]["name"])));
        Self { types: types.into_iter().collect(), roots: roots.into() }
    }

    /// Whether something is selected from it.
    pub(super) fn has_fields(&self, name: &str) -> bool {
        self.types.get(name).is_some_and(|known| !known.fields.is_empty())
    }
}
