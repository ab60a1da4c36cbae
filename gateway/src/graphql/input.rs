//! The GraphQL input of any command: its type is made of the command's JSON Schema, its value goes
//! to the command through serde. So a command's fields, and what they mean, are said once.

mod shape;

use std::borrow::Cow;

use async_graphql::registry::{MetaType, MetaTypeId, Registry};
use async_graphql::{InputType, InputValueResult, Value};
use commands::Command;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::registered::{self, named};
use super::scalars::{Date, Decimal};
use crate::error::{ApiError, Code};

/// A command that the world can send.
pub(super) trait Sendable: Command + DeserializeOwned + JsonSchema {}
impl<C: Command + DeserializeOwned + JsonSchema> Sendable for C {}

/// The name of a command's type: `PlaceOrder`.
pub(super) fn name<C>() -> &'static str {
    let path = std::any::type_name::<C>();
    path.rsplit("::").next().unwrap_or(path)
}

/// A command in the input of a mutation, with what every command may carry.
pub(super) struct Input<C> {
    /// The command; or why the input is none.
    pub(super) command: Result<C, ApiError>,
    pub(super) key: Option<String>,
    pub(super) expected_version: Option<i64>,
}

impl<C: Sendable> InputType for Input<C> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        format!("{}Input", name::<C>()).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let schema = shape::schema::<C>();
        let types = Types { definitions: schema.get("$defs").cloned().unwrap_or_default() };
        registry.create_input_type::<Self, _>(MetaTypeId::InputObject, |registry| {
            let mut fields = types.fields(registry, &schema);
            fields.extend(COMMON.map(|(name, sort, about)| {
                (name.to_owned(), sort.to_owned(), Some(about.to_owned()))
            }));
            registered::input(&Self::type_name(), description(&schema), fields)
        })
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let mut json = value.unwrap_or_default().into_json()?;
        if !json.is_object() {
            let message = format!("`input` has to be the fields of a {}", name::<C>());
            return Err(async_graphql::InputValueError::custom(message));
        }
        let mut take = |name| json.as_object_mut().and_then(|object| object.remove(name));
        let key = take("idempotencyKey").and_then(|key| key.as_str().map(str::to_owned));
        let expected_version = take("expectedVersion").and_then(|version| version.as_i64());
        let schema = shape::schema::<C>();
        let misplaced = shape::misplaced_list(&schema, &schema, &json).map(|path| {
            let path = path.trim_start_matches('.').to_owned();
            let message = format!("{path}: a list, where named fields are wanted: {{…}}");
            ApiError::new(Code::InvalidInput, message).at(path)
        });
        let command = misplaced.map_or(Ok(json), Err);
        let command = command.and_then(|json| {
            serde_path_to_error::deserialize(json).map_err(|error| {
                let path = error.path().to_string();
                let message = error.into_inner().to_string();
                let error = ApiError::new(Code::InvalidInput, format!("{path}: {message}"));
                error.at(path)
            })
        });
        Ok(Self { command, key, expected_version })
    }

    fn to_value(&self) -> Value {
        Value::Null
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

/// What every command may carry.
const COMMON: [(&str, &str, &str); 2] = [
    (
        "idempotencyKey",
        "String",
        "Makes a repeat of this request harmless: it gets the first outcome. Also as a header.",
    ),
    (
        "expectedVersion",
        "Int",
        "The version that you know of the record; refused with what changed, if it is another.",
    ),
];

/// Types of the registry that no Rust type stands behind: made of a schema's definitions.
struct Types {
    definitions: Json,
}

impl Types {
    /// The fields of an object: name, type, description.
    fn fields(
        &self,
        registry: &mut Registry,
        schema: &Json,
    ) -> Vec<(String, String, Option<String>)> {
        let required = schema.get("required").and_then(Json::as_array);
        let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|r| r == name));
        let properties = schema.get("properties").and_then(Json::as_object);
        let field = |(name, property): (&String, &Json)| {
            let mut sort = self.sort(registry, property);
            if is_required(name) && !nullable(property) {
                sort.push('!');
            }
            (name.clone(), sort, description(property).map(str::to_owned))
        };
        properties.into_iter().flatten().map(field).collect()
    }

    /// The GraphQL type of a schema, without the mark of what is required.
    fn sort(&self, registry: &mut Registry, schema: &Json) -> String {
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            let name = reference.rsplit('/').next().unwrap_or(reference);
            return self.defined(registry, name);
        }
        if let Some(any) = schema.get("anyOf").and_then(Json::as_array) {
            let some = any.iter().find(|schema| schema.get("type") != Some(&"null".into()));
            return some.map_or_else(|| "String".to_owned(), |some| self.sort(registry, some));
        }
        let is = |sort: &str| match schema.get("type") {
            Some(Json::Array(sorts)) => sorts.iter().any(|found| found == sort),
            found => found == Some(&sort.into()),
        };
        if is("array") {
            let items = schema.get("items").cloned().unwrap_or_default();
            return format!("[{}!]", self.sort(registry, &items));
        }
        match schema.get("format").and_then(Json::as_str) {
            Some("uuid") => "ID".to_owned(),
            Some("decimal") => named(registry, <Decimal as InputType>::create_type_info),
            Some("date") => named(registry, <Date as InputType>::create_type_info),
            Some("date-time") => {
                named(registry, <chrono::DateTime<chrono::Utc> as InputType>::create_type_info)
            }
            _ if is("boolean") => "Boolean".to_owned(),
            _ if is("integer") => "Int".to_owned(),
            _ => "String".to_owned(),
        }
    }

    /// The type of a definition: an enumeration, or an object, named `…Input` then.
    fn defined(&self, registry: &mut Registry, name: &str) -> String {
        let schema = self.definitions.get(name).cloned().unwrap_or_default();
        let enumeration = enumeration(name, &schema);
        let name = match &enumeration {
            Some(_) => name.to_owned(),
            None => format!("{}Input", name.trim_end_matches("Input")),
        };
        if !registry.types.contains_key(&name) {
            let meta = enumeration.unwrap_or_else(|| {
                let fields = self.fields(registry, &schema);
                registered::input(&name, description(&schema), fields)
            });
            registry.types.insert(name.clone(), meta);
        }
        name
    }
}

/// An enumeration of words, if the schema is one. GraphQL shows them in capitals.
fn enumeration(name: &str, schema: &Json) -> Option<MetaType> {
    let words: Vec<(&str, Option<&str>)> = match (schema.get("oneOf"), schema.get("enum")) {
        (Some(Json::Array(all)), _) => {
            let word = |one: &'_ Json| one.get("const").and_then(Json::as_str).is_some();
            if !all.iter().all(word) {
                return None;
            }
            all.iter()
                .filter_map(|one| Some((one.get("const")?.as_str()?, description(one))))
                .collect()
        }
        (_, Some(Json::Array(all))) => {
            all.iter().filter_map(|one| Some((one.as_str()?, None))).collect()
        }
        _ => return None,
    };
    let words =
        words.into_iter().map(|(word, about)| (word.to_uppercase(), about.map(str::to_owned)));
    Some(registered::enumeration(name, description(schema), words))
}

fn nullable(schema: &Json) -> bool {
    let null = Json::from("null");
    let any = schema.get("anyOf").and_then(Json::as_array);
    schema.get("type").and_then(Json::as_array).is_some_and(|sorts| sorts.contains(&null))
        || any.is_some_and(|any| any.iter().any(|schema| schema.get("type") == Some(&null)))
}

fn description(schema: &Json) -> Option<&str> {
    schema.get("description").and_then(Json::as_str)
}
