//! What the schema says of what many of its parts have in common: arguments, pages, payloads,
//! records. What is one part's own is described where it is declared, and counts before this.

use async_graphql::registry::{MetaField, MetaType, Registry};
use async_graphql::{InputType, InputValueError, InputValueResult, Value};

/// Describes everything that is registered by now and says nothing of itself: to be registered
/// last.
pub(super) struct Descriptions;

/// Arguments by name, of any field.
const ARGUMENTS: &[(&str, &str)] = &[
    ("after", "Only what stands behind this cursor, which a page of the same list gave you."),
    ("asOf", "As of this moment of the past. Null: as it is now. Not together with `atLeast`."),
    (
        "atLeast",
        "A position that a write gave you: what it did is seen. It is waited for; if that takes \
         too long, the error is PENDING. Null: that of the header `Millrace-Position`, if it is \
         sent.",
    ),
    ("before", "Only what stands before this cursor, which a page of the same list gave you."),
    ("facets", "The fields to count the values of, among the hits. Null: none."),
    ("every", "In which periods. Null: in none."),
    ("filter", "Which of them. Null: all."),
    (
        "first",
        "The first so many. Null, with `last` null too: 20, unless set otherwise. At most 100, \
         unless set otherwise.",
    ),
    ("groupBy", "What tells groups apart besides. Null: nothing."),
    ("id", "The record's id."),
    ("input", "What is to be done."),
    ("last", "The last so many, in the list's order; not together with `first`."),
    ("query", "As somebody types it; an empty one finds nothing."),
    ("sort", "By which fields. Null: in the list's own order."),
    ("locale", "The language (BCP 47), such as `de` or `de-CH`."),
];

/// Fields by name, of objects.
const FIELDS: &[(&str, &str)] = &[
    ("changedAt", "When its last fact was recorded, by the database's clock, in UTC."),
    (
        "id",
        "Its id (a UUID): for `node`, and wherever an argument names such a record. No other \
         record of the organization has the same one.",
    ),
    ("status", "Where it stands in its life."),
];

/// Fields by name, of every page.
const PAGES: &[(&str, &str)] = &[
    ("edges", "The records of the page, in order, each with its cursor."),
    ("nodes", "The records of the page, in order."),
    ("pageInfo", "Where the page begins and ends, and whether the list goes on."),
];

/// Fields by name, of every record of a page.
const EDGES: &[(&str, &str)] = &[
    ("cursor", "The record's place in the list, for `after` and `before`. It does not expire."),
    ("node", "The record."),
];

const PAGE_INFO: &[(&str, &str)] = &[
    ("endCursor", "The cursor of its last record; null, if it has none."),
    (
        "hasNextPage",
        "Whether the list goes on behind it. Paging backward: whether `before` is set.",
    ),
    (
        "hasPreviousPage",
        "Whether the list has some before it. Paging forward: whether `after` is set.",
    ),
    ("startCursor", "The cursor of its first record; null, if it has none."),
];

const DIRECTIVES: &[(&str, &str)] =
    &[("if", "Whether."), ("url", "Where the scalar is specified.")];

const ID: &str = "An id, in a text. Ids of records are UUIDs.";

const DATE_TIME: &str = "A moment, as RFC 3339 writes it, shown in UTC: \
    \"2026-03-01T12:00:00Z\". Any offset is understood. What is kept is exact to the microsecond.";

fn describe(registry: &mut Registry) {
    registry.set_description("DateTime", DATE_TIME);
    registry.set_description("ID", ID);
    registry.set_description("PageInfo", "Where a page begins and ends.");
    for directive in registry.directives.values_mut() {
        for argument in directive.args.values_mut() {
            fill(&mut argument.description, DIRECTIVES, &argument.name);
        }
    }
    let registered = registry.types.iter_mut().filter(|(name, _)| !name.starts_with("__"));
    for (name, meta) in registered {
        let MetaType::Object { description, fields, .. } = meta else { continue };
        let own = match (name.strip_suffix("Connection"), name.strip_suffix("Edge")) {
            (Some(listed), _) => {
                let listed = listed.strip_suffix("Search").unwrap_or(listed);
                *description = Some(format!("A page of a list, of the type `{listed}`."));
                PAGES
            }
            (_, Some(listed)) => {
                let listed = listed.strip_suffix("Search").unwrap_or(listed);
                *description = Some(format!("A record of a page, of the type `{listed}`."));
                EDGES
            }
            _ if name == "PageInfo" => PAGE_INFO,
            _ => &[],
        };
        for field in fields.values_mut() {
            describe_field(field, own);
        }
    }
}

fn describe_field(field: &mut MetaField, own: &[(&str, &str)]) {
    // What async-graphql says of pages is its own.
    if let Some(said) = described(own, &field.name) {
        field.description = Some(said);
    }
    fill(&mut field.description, FIELDS, &field.name);
    for argument in field.args.values_mut() {
        fill(&mut argument.description, ARGUMENTS, &argument.name);
    }
}

fn fill(description: &mut Option<String>, table: &[(&str, &str)], name: &str) {
    if description.is_none() {
        *description = described(table, name);
    }
}

fn described(table: &[(&str, &str)], name: &str) -> Option<String> {
    let found = table.iter().find(|(named, _)| *named == name);
    found.map(|(_, said)| (*said).to_owned())
}

/// To be registered is all that it is for: async-graphql hands its registry only to types.
impl InputType for Descriptions {
    type RawValueType = Self;

    fn type_name() -> std::borrow::Cow<'static, str> {
        "Boolean".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        describe(registry);
        Self::type_name().into_owned()
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        Err(InputValueError::expected_type(value.unwrap_or_default()))
    }

    fn to_value(&self) -> Value {
        Value::Null
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
