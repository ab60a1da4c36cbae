//! Words that many facts use: ids, money, quantities, who acts. What one feature alone needs stands
//! in that feature's file.

mod derived;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use derived::derived;

/// Declares a UUID newtype: `id!(/** An order. */ OrderId);`
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        #[serde(transparent)]
        #[schemars(inline)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id!(
    /// A tenant. Nothing ever crosses organizations.
    OrganizationId
);

/// The namespace of every id that Millrace derives (UUIDv5) from what a thing is.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6d69_6c6c_7261_6365_8000_0000_0000_0001);

impl OrganizationId {
    /// The organization with this slug: found by what it is, so a slug is unique by construction.
    #[must_use]
    pub fn of_slug(slug: &str) -> Self {
        Self(derived(&NAMESPACE, slug.as_bytes()))
    }

    /// An id derived (UUIDv5) from the parts that say what the thing is, within this organization.
    #[must_use]
    pub fn derive(self, kind: &str, parts: &[&[u8]]) -> Uuid {
        let mut name = Vec::with_capacity(64);
        for part in std::iter::once(kind.as_bytes()).chain(parts.iter().copied()) {
            name.extend_from_slice(&(part.len() as u64).to_be_bytes());
            name.extend_from_slice(part);
        }
        derived(&self.0, &name)
    }
}

/// A place in the log: 1 is the first fact, without gaps. Zero is "before everything".
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub i64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Declares a decimal newtype: a string in JSON, exact; which ones are taken is its parser's say.
macro_rules! decimal {
    ($(#[$doc:meta])* $name:ident by $parse:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Decimal);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                $parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(DecimalVisitor($parse)).map(Self)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": "decimal" })
            }
        }
    };
}

decimal!(
    /// An amount of some currency that the context names. Computed ones are finer than what they
    /// are computed of: a quantity × a price has up to twelve decimals.
    Amount by parse_exact
);
decimal!(
    /// The price of one unit, in some currency that the context names; up to six decimals.
    UnitPrice by parse_decimal
);
decimal!(
    /// How much of some unit that the context names; up to six decimals.
    Quantity by parse_decimal
);

const DIGITS_BEFORE_POINT_MAX: u32 = 12;
const DIGITS_BEHIND_POINT_MAX: u32 = 6;

/// More than this many digits before the point are not taken, nor made.
#[must_use]
pub fn is_too_large(value: Decimal) -> bool {
    value.abs() >= Decimal::from(10_u64.pow(DIGITS_BEFORE_POINT_MAX))
}

fn parse_exact(text: &str) -> Result<Decimal, String> {
    let value = Decimal::from_str_exact(text)
        .map_err(|_| format!("`{text}` is not a decimal number; write it like \"12.50\""))?;
    if is_too_large(value) {
        return Err(format!(
            "`{text}` has more than {DIGITS_BEFORE_POINT_MAX} digits before the point"
        ));
    }
    Ok(value)
}

fn parse_decimal(text: &str) -> Result<Decimal, String> {
    let value = parse_exact(text)?;
    if value.normalize().scale() > DIGITS_BEHIND_POINT_MAX {
        return Err(format!("`{text}` has more than {DIGITS_BEHIND_POINT_MAX} decimals"));
    }
    Ok(value)
}

struct DecimalVisitor(fn(&str) -> Result<Decimal, String>);

impl de::Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number as a string, such as \"12.50\" (a float is never exact)")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        (self.0)(text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Decimal, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Decimal, E> {
        self.visit_str(&value.to_string())
    }
}

/// A currency of ISO 4217 that has a minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Decimals of the minor unit: EUR 2, JPY 0, BHD 3.
    #[must_use]
    pub fn minor_digits(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = String;
    fn from_str(code: &str) -> Result<Self, String> {
        iso_currency::Currency::from_code(code)
            .filter(|currency| currency.exponent().is_some())
            .map(Self)
            .ok_or_else(|| format!("unknown currency `{code}`; use an ISO 4217 code such as EUR"))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Currency {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "iso-4217" })
    }
}

/// A unit of measure, such as `piece` or `kg`.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Unit(pub String);

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a document rounds to the currency's minor unit, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rounding {
    /// Per line, or once per total.
    #[serde(default)]
    pub place: RoundingPlace,
    /// Which way a half goes.
    #[serde(default)]
    pub how: RoundingHow,
}

/// Where a document rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundingPlace {
    /// Every line, then the sum of the rounded lines.
    #[default]
    #[serde(alias = "LINE")]
    Line,
    /// Only the total.
    #[serde(alias = "TOTAL")]
    Total,
}

/// Which way a half goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundingHow {
    /// Away from zero, as ERPs do.
    #[default]
    #[serde(alias = "HALF_UP")]
    HalfUp,
    /// To the even neighbour, as banks do.
    #[serde(alias = "HALF_EVEN")]
    HalfEven,
}

impl RoundingHow {
    /// Rounds to the minor unit of `currency`.
    #[must_use]
    pub fn round(self, value: Decimal, currency: Currency) -> Decimal {
        let strategy = match self {
            Self::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Self::HalfEven => RoundingStrategy::MidpointNearestEven,
        };
        let mut rounded = value.round_dp_with_strategy(currency.minor_digits(), strategy);
        rounded.rescale(currency.minor_digits());
        rounded
    }
}

/// Who does something: stands in every fact's `meta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The holder of the administrator's token.
    Administrator,
}

impl Actor {
    /// A stable id: idempotency keys are scoped to it.
    #[must_use]
    pub fn id(self) -> Uuid {
        match self {
            Self::Administrator => derived(&NAMESPACE, b"actor administrator"),
        }
    }
}

/// What every fact carries beside its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// Who did it.
    pub actor: Actor,
    /// The command that decided it, such as `orders.place`.
    pub command: Cow<'static, str>,
    /// Joins everything that one request caused: the id in the request's span.
    pub correlation: Uuid,
    /// The fact that caused this one, if a reaction did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<Uuid>,
    /// On the first fact of an append alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestMeta>,
}

/// What the first fact of a command's append remembers, so that a repeat gets the first outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestMeta {
    /// SHA-256 of the command and its fields, in hexadecimal.
    pub fingerprint: String,
    /// How many facts the command appended, all behind each other.
    pub facts: u32,
}
