//! Filters as GraphQL inputs: a type a list, made of the fields that it declares.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::registry::{MetaTypeId, Registry};
use async_graphql::{InputType, InputValueResult, Value};
use queries::fields::{Field, Kind};
use queries::filter::{Filter, Test, Value as Held};

use super::Shown;
use super::fields::{self, word};
use crate::error::{ApiError, Code};
use crate::graphql::registered::{input, keep};

/// Which records of a list; or why what was given says it of none.
pub(in crate::graphql) struct FilterOf<T> {
    pub(super) filter: Result<Filter, ApiError>,
    of: PhantomData<fn() -> T>,
}

/// What can be asked of a field: the name, whether it takes a list, and what it means.
type Operator = (&'static str, Takes, &'static str);

#[derive(Clone, Copy, PartialEq)]
enum Takes {
    One,
    Several,
    Text,
    Truth,
}

const EQUAL: &[Operator] = &[
    ("eq", Takes::One, "It is this."),
    ("ne", Takes::One, "It is not this; what is null is not."),
];
const IN: Operator = ("in", Takes::Several, "It is one of these.");
const ORDERED: &[Operator] = &[
    ("lt", Takes::One, "It is less, or before."),
    ("lte", Takes::One, "It is this, or less, or before."),
    ("gt", Takes::One, "It is more, or after."),
    ("gte", Takes::One, "It is this, or more, or after."),
];
const TEXTS: &[Operator] = &[
    ("contains", Takes::Text, "This stands in it, in these very letters; nothing is a wildcard."),
    ("startsWith", Takes::Text, "It begins with this, in these very letters."),
];
const NULL: Operator = ("isNull", Takes::Truth, "It is null; or, if this is false, it is not.");

fn operators(kind: Kind) -> Vec<Operator> {
    let (ordered, texts): (&[Operator], &[Operator]) = match kind {
        Kind::Id | Kind::Word(_) | Kind::Truth => (&[], &[]),
        Kind::Text => (ORDERED, TEXTS),
        Kind::Whole | Kind::Number | Kind::Day | Kind::Time => (ORDERED, &[]),
    };
    [EQUAL, &[IN], ordered, texts, &[NULL]].concat()
}

/// The type of what may be asked of a field: `DateTimeFilter`.
fn tests<T: Shown>(registry: &mut Registry, field: &Field) -> String {
    let sort = fields::sort::<T>(registry, field);
    let operators = operators(field.kind).into_iter().map(|(name, takes, about)| {
        let sort = match takes {
            Takes::One => sort.clone(),
            Takes::Several => format!("[{sort}!]"),
            Takes::Text => "String".to_owned(),
            Takes::Truth => "Boolean".to_owned(),
        };
        (name.to_owned(), sort, about.to_owned())
    });
    let about = Some("What is to be true of a field. All that is said has to be.");
    keep(registry, input(&format!("{sort}Filter"), about, operators))
}

impl<T: Shown> InputType for FilterOf<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        format!("{}Filter", T::RECORDS).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::InputObject, |registry| {
            let name = Self::type_name().into_owned();
            let joining = [
                ("and", format!("[{name}!]"), "All of these let it through."),
                ("or", format!("[{name}!]"), "One of these lets it through."),
                ("not", name.clone(), "This does not let it through."),
            ];
            let joining =
                joining.map(|(field, sort, about)| (field.to_owned(), sort, about.to_owned()));
            let fields: Vec<_> = T::LIST
                .fields
                .iter()
                .map(|field| {
                    let name = fields::name::<T>(field);
                    (name, tests::<T>(registry, field), field.about.to_owned())
                })
                .collect();
            input(
                &name,
                Some(
                    "Which of them: all that is said has to be true. Say nothing instead of null.",
                ),
                fields.into_iter().chain(joining),
            )
        })
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let filter = filter::<T>("filter", &value.unwrap_or_default());
        Ok(Self { filter, of: PhantomData })
    }

    fn to_value(&self) -> Value {
        Value::Null
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

fn refused(path: &str, message: impl std::fmt::Display) -> ApiError {
    ApiError::new(Code::InvalidInput, format!("{path}: {message}")).at(path)
}

/// The fields of an object, none of them null: a condition that somebody forgot to fill in must not
/// let everything through.
fn entries<'a>(
    path: &str,
    value: &'a Value,
) -> Result<impl Iterator<Item = (String, &'a str, &'a Value)>, ApiError> {
    let Value::Object(object) = value else {
        return Err(refused(path, "named fields are wanted: {…}"));
    };
    if let Some((name, _)) = object.iter().find(|(_, value)| **value == Value::Null) {
        let path = format!("{path}.{name}");
        let message = "null says nothing; leave it out, or ask with `isNull`";
        return Err(refused(&path, message));
    }
    let path = path.to_owned();
    Ok(object.iter().map(move |(name, value)| (format!("{path}.{name}"), name.as_str(), value)))
}

fn filter<T: Shown>(path: &str, value: &Value) -> Result<Filter, ApiError> {
    let mut all = Vec::new();
    for (path, name, value) in entries(path, value)? {
        all.push(match name {
            "and" => Filter::All(filters::<T>(&path, value)?),
            "or" => Filter::Any(filters::<T>(&path, value)?),
            "not" => Filter::Not(Box::new(filter::<T>(&path, value)?)),
            _ => {
                let mut fields = T::LIST.fields.iter();
                let field = fields.find(|field| fields::name::<T>(field) == name);
                let field = field.ok_or_else(|| refused(&path, "there is no such field"))?;
                let tests = entries(&path, value)?;
                let tests = tests.map(|(path, name, value)| {
                    Ok(Filter::Field(field, test(&path, field, name, value)?))
                });
                Filter::All(tests.collect::<Result<_, ApiError>>()?)
            }
        });
    }
    Ok(Filter::All(all))
}

fn filters<T: Shown>(path: &str, value: &Value) -> Result<Vec<Filter>, ApiError> {
    match value {
        Value::List(several) => {
            let several = several.iter().enumerate();
            several.map(|(index, one)| filter::<T>(&format!("{path}[{index}]"), one)).collect()
        }
        one => Ok(vec![filter::<T>(path, one)?]),
    }
}

fn test(path: &str, field: &Field, name: &str, value: &Value) -> Result<Test, ApiError> {
    let one = || held(path, field.kind, value);
    let text = || match value {
        Value::String(text) => Ok(text.clone()),
        _ => Err(refused(path, "a text is wanted")),
    };
    let known = operators(field.kind).iter().any(|(known, ..)| *known == name);
    Ok(match name {
        _ if !known => return Err(refused(path, "this cannot be asked of it")),
        "eq" => Test::Eq(one()?),
        "ne" => Test::Ne(one()?),
        "in" => {
            let values = match value {
                Value::List(values) => values.iter().collect(),
                one => vec![one],
            };
            let held = values
                .into_iter()
                .enumerate()
                .map(|(index, value)| held(&format!("{path}[{index}]"), field.kind, value));
            Test::In(held.collect::<Result<_, _>>()?)
        }
        "lt" => Test::Lt(one()?),
        "lte" => Test::Lte(one()?),
        "gt" => Test::Gt(one()?),
        "gte" => Test::Gte(one()?),
        "contains" => Test::Contains(text()?),
        "startsWith" => Test::StartsWith(text()?),
        _ => match value {
            Value::Boolean(null) => Test::IsNull(*null),
            _ => return Err(refused(path, "true or false is wanted")),
        },
    })
}

/// A value of a field's kind.
fn held(path: &str, kind: Kind, value: &Value) -> Result<Held, ApiError> {
    let wrong = |wanted: &str| refused(path, format!("{wanted} is wanted"));
    Ok(match (kind, value) {
        (Kind::Id, Value::String(id)) => Held::Id(id.parse().map_err(|_| wrong("an id (a UUID)"))?),
        (Kind::Text, Value::String(text)) => Held::Text(text.clone()),
        (Kind::Word(words), value) => {
            let word = word(value).ok_or_else(|| wrong("a word"))?.to_ascii_lowercase();
            if !words.contains(&word.as_str()) {
                return Err(wrong(&words.join(" or ").to_uppercase()));
            }
            Held::Text(word)
        }
        (Kind::Truth, Value::Boolean(truth)) => Held::Truth(*truth),
        (Kind::Whole, Value::Number(number)) => {
            Held::Whole(number.as_i64().ok_or_else(|| wrong("a whole number"))?)
        }
        (Kind::Number, Value::String(number)) => {
            let number = rust_decimal::Decimal::from_str_exact(number);
            Held::Number(number.map_err(|_| wrong("a decimal number such as \"12.50\""))?)
        }
        (Kind::Day, Value::String(day)) => {
            Held::Day(day.parse().map_err(|_| wrong("a day such as \"2026-03-01\""))?)
        }
        (Kind::Time, Value::String(time)) => {
            let time = chrono::DateTime::parse_from_rfc3339(time);
            let time = time.map_err(|_| wrong("a moment such as \"2026-03-01T12:00:00Z\""))?;
            Held::time(time.to_utc())
        }
        (Kind::Number, _) => return Err(wrong("a decimal number in quotes, such as \"12.50\",")),
        _ => return Err(wrong("another value")),
    })
}
