//! What the fields of lists are called in the schema, and the types of their values.

use async_graphql::registry::Registry;
use async_graphql::{InputType, OutputType, Value};
use queries::fields::{Field, Kind};

use super::Shown;
use crate::graphql::registered::{camel_case, named as known};
use crate::graphql::scalars::{Date, Decimal};

/// What a field is called: `placedAt`; the id, `id`.
pub(super) fn name<T: Shown>(field: &Field) -> String {
    if field.column == T::LIST.id().column {
        return "id".to_owned();
    }
    camel_case(field.column)
}

/// What a field is called in an enumeration: `PLACED_AT`.
pub(super) fn constant<T: Shown>(field: &Field) -> String {
    if field.column == T::LIST.id().column { "ID".to_owned() } else { field.column.to_uppercase() }
}

/// The field that a word of an enumeration names.
pub(super) fn named<T: Shown>(
    fields: &'static [Field],
    value: Option<&Value>,
) -> Option<&'static Field> {
    let word = word(value?)?;
    fields.iter().find(|field| constant::<T>(field) == word)
}

/// A word of an enumeration. Among variables it is a text.
pub(super) fn word(value: &Value) -> Option<&str> {
    match value {
        Value::Enum(word) => Some(word.as_str()),
        Value::String(word) => Some(word),
        _ => None,
    }
}

/// The type of a field's values: `ID`; of words, the enumeration that the record's field has too.
pub(super) fn sort<T: Shown>(registry: &mut Registry, field: &Field) -> String {
    match field.kind {
        Kind::Id => "ID".to_owned(),
        Kind::Text => "String".to_owned(),
        Kind::Word(_) => {
            let name = camel_case(field.column);
            let (first, rest) = name.split_at(1);
            format!("{}{}{rest}", T::RECORD, first.to_uppercase())
        }
        Kind::Truth => "Boolean".to_owned(),
        Kind::Whole => "Int".to_owned(),
        Kind::Number => known(registry, <Decimal as OutputType>::create_type_info),
        Kind::Day => known(registry, <Date as OutputType>::create_type_info),
        Kind::Time => {
            known(registry, <chrono::DateTime<chrono::Utc> as InputType>::create_type_info)
        }
    }
}
