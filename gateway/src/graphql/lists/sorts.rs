//! Orders of lists as GraphQL inputs: a type a list, made of the fields that it declares.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::registry::{MetaTypeId, Registry};
use async_graphql::{Enum, InputType, InputValueError, InputValueResult, Value};
use queries::fields::Field;
use queries::sort::Direction;

use super::Shown;
use super::fields::{constant, named, word};
use crate::graphql::registered::{enumeration, input, keep, named as known};

/// Which way a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum SortDirection {
    /// From the least to the greatest; null comes last.
    Asc,
    /// From the greatest to the least; null comes first.
    Desc,
}

/// A field to sort by, and which way.
pub(super) struct SortOf<T> {
    pub(super) field: (&'static Field, Direction),
    of: PhantomData<fn() -> T>,
}

impl<T: Shown> InputType for SortOf<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        format!("{}Sort", T::RECORDS).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::InputObject, |registry| {
            let field = field_of::<T>(registry);
            let direction = known(registry, <SortDirection as InputType>::create_type_info);
            let fields = [
                ("field", format!("{field}!"), "By which field."),
                ("direction", direction, "Which way; null: ascending."),
            ];
            input(
                &Self::type_name(),
                Some("A field to sort by. Among equals the next one decides, at last the id."),
                fields.map(|(name, sort, about)| (name.to_owned(), sort, about.to_owned())),
            )
        })
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let Some(Value::Object(object)) = value else {
            return Err(InputValueError::expected_type(value.unwrap_or_default()));
        };
        let named = named::<T>(T::LIST.fields, object.get("field"));
        let field = named.ok_or_else(|| InputValueError::custom("there is no such field"))?;
        let direction = match object.get("direction").and_then(word) {
            None | Some("ASC") => Direction::Ascending,
            Some("DESC") => Direction::Descending,
            Some(_) => return Err(InputValueError::custom("the direction is ASC or DESC")),
        };
        Ok(Self { field: (field, direction), of: PhantomData })
    }

    fn to_value(&self) -> Value {
        Value::Null
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

/// The enumeration of the fields that a list can be sorted by.
fn field_of<T: Shown>(registry: &mut Registry) -> String {
    let words = T::LIST.fields.iter().map(|field| (constant::<T>(field), field.about.to_owned()));
    let about = Some("By what records can be sorted.");
    keep(registry, enumeration(&format!("{}Field", T::RECORDS), about, words))
}
