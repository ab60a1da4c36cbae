//! What records add up to, in GraphQL: types a list, made of the numbers and groups that it
//! declares.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::parser::types::Field as Selected;
use async_graphql::registry::{MetaTypeId, Registry};
use async_graphql::resolver_utils::{ContainerType, resolve_container};
use async_graphql::{
    Context, ContextSelectionSet, Enum, ID, InputType, InputValueError, InputValueResult,
    OutputType, Positioned, ServerResult, SimpleObject, Value,
};
use queries::aggregates::{Aggregation, Every, Group, Periods, Sums};
use queries::fields::{Field, Kind};
use queries::filter::Value as Held;

use super::fields::{self, constant, named};
use super::{FilterOf, Shown, filtered};
use crate::error::ApiError;
use crate::graphql::registered::{enumeration, input, keep, object};
use crate::graphql::scalars::{Date, Decimal};

/// What was asked for.
pub(super) fn asked<T: Shown>(
    filter: Option<FilterOf<T>>,
    every: Option<PeriodOf<T>>,
    groups: Option<Vec<GroupBy<T>>>,
) -> Result<Aggregation, ApiError> {
    Ok(Aggregation {
        filter: filtered(filter)?,
        periods: every.map(|every| every.periods),
        groups: groups.into_iter().flatten().map(|group| group.field).collect(),
    })
}

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum Period {
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A calendar month.
    Month,
}

impl From<Period> for Every {
    fn from(period: Period) -> Self {
        match period {
            Period::Day => Self::Day,
            Period::Week => Self::Week,
            Period::Month => Self::Month,
        }
    }
}

/// Periods, by a field with days or moments.
pub(super) struct PeriodOf<T> {
    periods: Periods,
    of: PhantomData<fn() -> T>,
}

fn dated(field: &&'static Field) -> bool {
    matches!(field.kind, Kind::Day | Kind::Time)
}

impl<T: Shown> InputType for PeriodOf<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        format!("{}Every", T::RECORDS).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::InputObject, |registry| {
            let dates = T::LIST.fields.iter().filter(dated);
            let words = dates.map(|field| (constant::<T>(field), field.about.to_owned()));
            let about = Some("By what records can be put into periods.");
            let dates = format!("{}Date", T::RECORDS);
            let dates = keep(registry, enumeration(&dates, about, words));
            let period = <Period as InputType>::create_type_info(registry);
            let fields = [
                ("period", period, "How long each is."),
                ("of", format!("{dates}!"), "By what. Moments count by the organization's clock."),
            ];
            input(
                &Self::type_name(),
                Some("Periods: each is a group of its own."),
                fields.map(|(name, sort, about)| (name.to_owned(), sort, about.to_owned())),
            )
        })
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let Some(Value::Object(mut object)) = value else {
            return Err(InputValueError::expected_type(value.unwrap_or_default()));
        };
        let period = object.swap_remove("period");
        let period: Period = InputType::parse(period).map_err(InputValueError::propagate)?;
        let field = named::<T>(T::LIST.fields, object.get("of")).filter(dated);
        let field = field.ok_or_else(|| InputValueError::custom("`of` is no such field"))?;
        Ok(Self { periods: Periods { field, every: period.into() }, of: PhantomData })
    }

    fn to_value(&self) -> Value {
        Value::Null
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

/// What tells groups apart.
pub(super) struct GroupBy<T> {
    field: &'static Field,
    of: PhantomData<fn() -> T>,
}

impl<T: Shown> InputType for GroupBy<T> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        format!("{}Group", T::RECORDS).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::Enum, |_| {
            let groups = T::LIST.groups.iter();
            let words = groups.map(|field| (constant::<T>(field), field.about.to_owned()));
            enumeration(&Self::type_name(), Some("What can tell groups apart."), words)
        })
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match named::<T>(T::LIST.groups, value.as_ref()) {
            Some(field) => Ok(Self { field, of: PhantomData }),
            None => Err(InputValueError::expected_type(value.unwrap_or_default())),
        }
    }

    fn to_value(&self) -> Value {
        Value::Enum(async_graphql::Name::new(constant::<T>(self.field)))
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }
}

/// A group of records, and what they add up to.
pub(super) struct GroupOf<T> {
    group: Group,
    of: PhantomData<fn() -> T>,
}

impl<T> GroupOf<T> {
    pub(super) fn new(group: Group) -> Self {
        Self { group, of: PhantomData }
    }
}

/// What a number of several records comes to.
#[derive(SimpleObject)]
struct NumberAggregate {
    /// All of them together; null, if no record has one.
    sum: Option<Decimal>,
    /// The least; null, if no record has one.
    min: Option<Decimal>,
    /// The greatest; null, if no record has one.
    max: Option<Decimal>,
}

impl From<Sums> for NumberAggregate {
    fn from(Sums { sum, min, max }: Sums) -> Self {
        Self { sum: sum.map(Decimal), min: min.map(Decimal), max: max.map(Decimal) }
    }
}

const PERIOD: &str = "The first day of the period; null, if none were asked for.";

impl<T: Shown> OutputType for GroupOf<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Aggregate", T::RECORDS).into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
            let date = <Option<Date> as OutputType>::create_type_info(registry);
            let count = <i64 as OutputType>::create_type_info(registry);
            let sums = <NumberAggregate as OutputType>::create_type_info(registry);
            let measure = T::LIST.measure();
            let mut fields = vec![
                ("period".to_owned(), date, PERIOD.to_owned()),
                ("count".to_owned(), count, "How many records.".to_owned()),
            ];
            for field in T::LIST.groups {
                let (name, sort) = (fields::name::<T>(field), fields::sort::<T>(registry, field));
                let about = match measure == Some(field) {
                    true => format!("{} It always tells groups apart.", field.about),
                    false => format!("{} Null, if it was not asked to tell apart.", field.about),
                };
                fields.push((name, sort, about));
            }
            for field in T::LIST.sums {
                fields.push((fields::name::<T>(field), sums.clone(), field.about.to_owned()));
            }
            object(&Self::type_name(), "A group of records, and what they add up to.", fields)
        })
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        _field: &Positioned<Selected>,
    ) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

impl<T: Shown> ContainerType for GroupOf<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        let name = ctx.item.node.name.node.as_str();
        let selected = ctx.with_selection_set(&ctx.item.node.selection_set);
        let shown = match name {
            "period" => self.group.period.map(Date).resolve(&selected, ctx.item).await?,
            "count" => self.group.count.resolve(&selected, ctx.item).await?,
            _ => {
                let is = |field: &&Field| fields::name::<T>(field) == name;
                if let Some(field) = T::LIST.groups.iter().find(is) {
                    let mut keys = self.group.keys.iter();
                    let key = keys.find(|(column, _)| *column == field.column);
                    return Ok(Some(shown(field, key.and_then(|(_, held)| held.as_ref()))));
                }
                let mut sums = T::LIST.sums.iter().zip(&self.group.sums);
                let Some((_, sums)) = sums.find(|(field, _)| is(field)) else {
                    return Ok(None);
                };
                NumberAggregate::from(*sums).resolve(&selected, ctx.item).await?
            }
        };
        Ok(Some(shown))
    }
}

fn shown(field: &Field, held: Option<&Held>) -> Value {
    match (field.kind, held) {
        (Kind::Word(_), Some(Held::Text(word))) => {
            Value::Enum(async_graphql::Name::new(word.to_ascii_uppercase()))
        }
        (_, Some(Held::Text(text))) => Value::String(text.clone()),
        (_, Some(Held::Id(id))) => Value::String(ID::from(*id).0),
        _ => Value::Null,
    }
}
