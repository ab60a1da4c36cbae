//! Lists where named fields are wanted: serde would take their elements for the fields, in order.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

use super::Sendable;

/// The JSON Schema of a command, made once.
pub(super) fn schema<C: Sendable>() -> Arc<Json> {
    static SCHEMAS: LazyLock<RwLock<HashMap<TypeId, Arc<Json>>>> = LazyLock::new(RwLock::default);
    let key = TypeId::of::<C>();
    if let Some(schema) = SCHEMAS.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return schema.clone();
    }
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<C>();
    let schema = Arc::new(schema.to_value());
    let mut schemas = SCHEMAS.write().unwrap_or_else(PoisonError::into_inner);
    schemas.entry(key).or_insert(schema).clone()
}

/// The path of the first list that stands where an object is wanted.
pub(super) fn misplaced_list(root: &Json, schema: &Json, value: &Json) -> Option<String> {
    let schema = resolved(root, schema);
    match value {
        Json::Array(_) if schema.get("properties").is_some() => Some(String::new()),
        Json::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            let below = misplaced_list(root, schema.get("items")?, item)?;
            Some(format!("[{index}]{below}"))
        }),
        Json::Object(fields) => fields.iter().find_map(|(name, field)| {
            let below = misplaced_list(root, schema.get("properties")?.get(name)?, field)?;
            Some(format!(".{name}{below}"))
        }),
        _ => None,
    }
}

/// The schema that a reference, or an optional one, stands for.
fn resolved<'a>(root: &'a Json, schema: &'a Json) -> &'a Json {
    if let Some(any) = schema.get("anyOf").and_then(Json::as_array) {
        let some = any.iter().find(|schema| schema.get("type") != Some(&"null".into()));
        return some.map_or(schema, |some| resolved(root, some));
    }
    let reference = schema.get("$ref").and_then(Json::as_str);
    let name = reference.and_then(|reference| reference.rsplit('/').next());
    name.and_then(|name| root.get("$defs")?.get(name)).unwrap_or(schema)
}

#[cfg(test)]
mod tests {
    use commands::customers::open::OpenCustomer;
    use commands::orders::place::PlaceOrder;
    use serde_json::json;

    use super::*;

    fn found<C: Sendable>(value: &Json) -> Option<String> {
        let schema = schema::<C>();
        misplaced_list(&schema, &schema, value)
    }

    #[test]
    fn a_list_in_place_of_fields_is_found_however_deep() {
        let order = json!({ "lines": [{ "quantity": "1" }, ["id", "1", null, null]] });
        assert_eq!(found::<PlaceOrder>(&order).as_deref(), Some(".lines[1]"));
        assert_eq!(found::<OpenCustomer>(&json!({ "terms": [30] })).as_deref(), Some(".terms"));
        assert_eq!(found::<OpenCustomer>(&json!([])).as_deref(), Some(""));
    }

    #[test]
    fn lists_where_lists_are_wanted_are_let_through() {
        let order = json!({ "lines": [{ "quantity": "1" }], "rounding": null });
        assert_eq!(found::<PlaceOrder>(&order), None);
    }
}
