//! Scalars of the schema that GraphQL itself does not have, and types that many features show.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};

/// A decimal number as a string, exact: "12.50".
pub(super) struct Decimal(pub(super) rust_decimal::Decimal);

/// A decimal number as a string, exact: "12.50". A float is refused.
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => rust_decimal::Decimal::from_str_exact(text)
                .map(Self)
                .map_err(|_| InputValueError::custom("write it like \"12.50\"")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        // A zero that was stored has no decimals any more, one that was just computed may have.
        let shown = if self.0.is_zero() { rust_decimal::Decimal::ZERO } else { self.0 };
        Value::String(shown.to_string())
    }
}

/// A day without a time: "2026-03-01".
pub(super) struct Date(pub(super) chrono::NaiveDate);

/// A day without a time: "2026-03-01".
#[Scalar(name = "Date")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text
                .parse()
                .map(Self)
                .map_err(|_| InputValueError::custom("write it like \"2026-03-01\"")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An amount of a currency.
#[derive(SimpleObject)]
pub(super) struct Money {
    /// How much, in the currency's main unit.
    amount: Decimal,
    /// The currency (ISO 4217).
    currency: String,
}

impl Money {
    pub(super) fn new(amount: rust_decimal::Decimal, currency: &str) -> Self {
        Self { amount: Decimal(amount), currency: currency.to_owned() }
    }
}
