//! What a fact changed in a record and its child rows: field by field, before and after, as text
//! that people read. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::Record;
use crate::fold::KeptOf;
use crate::table::{Compared, RecordTable};

/// Columns that every fact changes.
const STAMPED: [&str; 3] = ["version", "position", "changed_at"];

/// A field that a fact changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The child row that the field stands in, by its key: `line 2`. None: the record's own row.
    pub part: Option<String>,
    /// The column; where it holds an object, with the path in it: `texts.de.name`.
    pub field: String,
    /// What it held; none: nothing.
    pub before: Option<String>,
    /// What it holds; none: nothing.
    pub after: Option<String>,
}

/// What changed from one record to the other, the record's own fields first. What a record is found
/// by, and what every fact stamps, is left out.
#[must_use]
pub fn between<R: Record>(before: Option<&KeptOf<R>>, after: Option<&KeptOf<R>>) -> Vec<Change> {
    let mut changes = Vec::new();
    let [own, owns] = [before, after].map(|kept| kept.map(|kept| &kept.row));
    of_row(None, own, owns, &mut changes);
    let [before, after] =
        [before, after].map(|kept| kept.map_or(&[][..], |kept| kept.children.as_slice()));
    if before != after {
        of_children::<R::Child>(before, after, &mut changes);
    }
    changes
}

fn of_children<C: RecordTable>(before: &[C], after: &[C], changes: &mut Vec<Change>) {
    let by_key = |row| (key(row), row);
    let was: HashMap<String, &C> = before.iter().map(by_key).collect();
    let mut left: HashSet<&str> = was.keys().map(String::as_str).collect();
    for row in after {
        let key = key(row);
        left.remove(key.as_str());
        of_row(Some(&key), was.get(&key).copied(), Some(row), changes);
    }
    for row in before {
        let key = key(row);
        if left.contains(key.as_str()) {
            of_row(Some(&key), Some(row), None, changes);
        }
    }
}

/// What tells a child row from the others of its record: `line 2`.
fn key<C: RecordTable>(row: &C) -> String {
    let own = C::KEY.get(2..).unwrap_or_default();
    let mut key = C::compared(None, Some(row));
    key.retain(|compared| own.contains(&compared.column));
    let told = |Compared { column, after, .. }: &Compared| {
        format!("{column} {}", text(after).unwrap_or_default())
    };
    key.iter().map(told).collect::<Vec<_>>().join(", ")
}

fn of_row<T: RecordTable>(
    part: Option<&str>,
    before: Option<&T>,
    after: Option<&T>,
    changes: &mut Vec<Change>,
) {
    for Compared { column, before, after } in T::compared(before, after) {
        if T::KEY.contains(&column) || STAMPED.contains(&column) {
            continue;
        }
        let mut fields: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
        for (side, value) in [before, after].iter().enumerate() {
            leaves(column.to_owned(), value, &mut |field, text| {
                fields.entry(field).or_default()[side] = Some(text);
            });
        }
        for (field, [before, after]) in fields {
            if before != after {
                changes.push(Change { part: part.map(str::to_owned), field, before, after });
            }
        }
    }
}

/// What a value holds, by path: objects are gone into, for a text of one language is a field too.
fn leaves(path: String, value: &Value, found: &mut impl FnMut(String, String)) {
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            leaves(format!("{path}.{name}"), value, found);
        }
    } else if let Some(text) = text(value) {
        found(path, text);
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
