//! Types of the schema that are made of what a list declares: no Rust type stands behind them.

use async_graphql::registry::{MetaEnumValue, MetaField, MetaInputValue, MetaType, Registry};
use async_graphql::{InputType, OutputType};
use queries::fields::{Field, Kind};

use super::Shown;
use crate::graphql::scalars::{Date, Decimal};

/// What a field is called: `placedAt`; the id, `id`.
pub(super) fn name<T: Shown>(field: &Field) -> String {
    if field.column == T::LIST.id().column {
        return "id".to_owned();
    }
    camel(field.column)
}

fn camel(column: &str) -> String {
    let mut name = String::with_capacity(column.len());
    let mut after_line = false;
    for letter in column.chars() {
        match letter {
            '_' => after_line = true,
            _ if after_line => {
                name.extend(letter.to_uppercase());
                after_line = false;
            }
            _ => name.push(letter),
        }
    }
    name
}

/// What a field is called in an enumeration: `PLACED_AT`.
pub(super) fn constant<T: Shown>(field: &Field) -> String {
    if field.column == T::LIST.id().column { "ID".to_owned() } else { field.column.to_uppercase() }
}

/// The type of a field's values: `ID`; of words, the enumeration that the record's field has too.
pub(super) fn sort<T: Shown>(registry: &mut Registry, field: &Field) -> String {
    let known = |create: fn(&mut Registry) -> String, registry: &mut Registry| {
        create(registry).trim_end_matches('!').to_owned()
    };
    match field.kind {
        Kind::Id => "ID".to_owned(),
        Kind::Text => "String".to_owned(),
        Kind::Word(_) => {
            let name = camel(field.column);
            let (first, rest) = name.split_at(1);
            format!("{}{}{rest}", T::RECORD, first.to_uppercase())
        }
        Kind::Truth => "Boolean".to_owned(),
        Kind::Whole => "Int".to_owned(),
        Kind::Number => known(<Decimal as OutputType>::create_type_info, registry),
        Kind::Day => known(<Date as OutputType>::create_type_info, registry),
        Kind::Time => {
            known(<chrono::DateTime<chrono::Utc> as InputType>::create_type_info, registry)
        }
    }
}

/// An input type with these fields: name, type, description.
pub(super) fn input(
    name: &str,
    about: &str,
    fields: impl IntoIterator<Item = (String, String, String)>,
) -> MetaType {
    let field = |(name, sort, about): (String, String, String)| {
        let value = MetaInputValue {
            name: name.clone(),
            description: Some(about),
            ty: sort,
            deprecation: Default::default(),
            default_value: None,
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            is_secret: false,
            directive_invocations: Vec::new(),
        };
        (name, value)
    };
    MetaType::InputObject {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        input_fields: fields.into_iter().map(field).collect(),
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: None,
        oneof: false,
        directive_invocations: Vec::new(),
    }
}

/// An enumeration of these words, each with its description.
pub(super) fn enumeration(
    name: &str,
    about: &str,
    words: impl IntoIterator<Item = (String, String)>,
) -> MetaType {
    let value = |(name, about): (String, String)| {
        let value = MetaEnumValue {
            name: name.clone(),
            description: Some(about),
            deprecation: Default::default(),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            directive_invocations: Vec::new(),
        };
        (name, value)
    };
    MetaType::Enum {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        enum_values: words.into_iter().map(value).collect(),
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// An object type with these fields: name, type, description.
pub(super) fn object(
    name: &str,
    about: &str,
    fields: impl IntoIterator<Item = (String, String, String)>,
) -> MetaType {
    let field = |(name, sort, about): (String, String, String)| {
        let value = MetaField {
            name: name.clone(),
            description: Some(about),
            args: Default::default(),
            ty: sort,
            deprecation: Default::default(),
            cache_control: Default::default(),
            external: false,
            requires: None,
            provides: None,
            visible: None,
            shareable: false,
            inaccessible: false,
            tags: Vec::new(),
            override_from: None,
            compute_complexity: None,
            directive_invocations: Vec::new(),
            requires_scopes: Vec::new(),
        };
        (name, value)
    };
    MetaType::Object {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        fields: fields.into_iter().map(field).collect(),
        cache_control: Default::default(),
        extends: false,
        shareable: false,
        resolvable: true,
        inaccessible: false,
        interface_object: false,
        tags: Vec::new(),
        keys: None,
        visible: None,
        is_subscription: false,
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// Keeps a type, unless there is one of its name.
pub(super) fn keep(registry: &mut Registry, meta: MetaType) -> String {
    let name = meta.name().to_owned();
    registry.types.entry(name.clone()).or_insert(meta);
    name
}
