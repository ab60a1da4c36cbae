//! Types of the schema that no Rust type stands behind, and how names are spelt in it. Of what they
//! are made, those say who make them: `input` of commands, `lists` of lists.

use async_graphql::registry::{MetaEnumValue, MetaField, MetaInputValue, MetaType, Registry};

/// A column as GraphQL spells it, with whatever path follows it: `onHand` for `on_hand`.
pub(super) fn camel_case(field: &str) -> String {
    let (column, path) = field.split_at(field.find('.').unwrap_or(field.len()));
    let mut words = column.split('_');
    let mut spelt = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        spelt.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        spelt.push_str(letters.as_str());
    }
    spelt + path
}

/// The name of a type that has a Rust type, without the mark of what is required.
pub(super) fn named(registry: &mut Registry, create: fn(&mut Registry) -> String) -> String {
    create(registry).trim_end_matches('!').to_owned()
}

/// An input type with these fields: name, type, description.
pub(super) fn input<A: Into<Option<String>>>(
    name: &str,
    about: Option<&str>,
    fields: impl IntoIterator<Item = (String, String, A)>,
) -> MetaType {
    let field = |(name, sort, about): (String, String, A)| {
        let value = MetaInputValue {
            name: name.clone(),
            description: about.into(),
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
        description: about.map(str::to_owned),
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
pub(super) fn enumeration<A: Into<Option<String>>>(
    name: &str,
    about: Option<&str>,
    words: impl IntoIterator<Item = (String, A)>,
) -> MetaType {
    let value = |(name, about): (String, A)| {
        let value = MetaEnumValue {
            name: name.clone(),
            description: about.into(),
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
        description: about.map(str::to_owned),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_spelt_as_graphql_spells_fields_and_a_path_in_it_stays() {
        for (column, field) in [
            ("status", "status"),
            ("on_hand", "onHand"),
            ("list_price_currency", "listPriceCurrency"),
            ("texts.de_CH.name", "texts.de_CH.name"),
        ] {
            assert_eq!(camel_case(column), field);
        }
    }
}
