//! How the facts of a feature are declared, encoded and decoded. Not the facts themselves: those
//! stand in the features' files.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::upcast::{self, Object, Step};

use crate::personal::Sealable;

/// The facts of one feature: an enum, made by [`facts!`](crate::facts).
pub trait Facts:
    Serialize + DeserializeOwned + JsonSchema + Clone + PartialEq + std::fmt::Debug + Send + Sync
{
    /// The feature's word, the same in every room.
    const FEATURE: &'static str;
    /// Every fact type of the feature.
    const TYPES: &'static [FactType];

    /// This fact's type.
    fn fact_type(&self) -> &'static FactType;

    /// What it is tagged with: `customer:<id>`, say. For conditions across streams and for reading.
    fn tags(&self) -> Vec<Cow<'static, str>> {
        Vec::new()
    }

    /// What in it belongs to persons.
    fn personal(&mut self) -> Vec<&mut dyn Sealable> {
        Vec::new()
    }
}

/// A fact type and its current shape.
#[derive(Debug, Clone, Copy)]
pub struct FactType {
    /// What happened, in the past: `order.placed`.
    pub name: &'static str,
    /// The version of the shape that this program writes.
    pub schema_version: i16,
    /// The steps from each older version to the next, the first version's first.
    pub steps: &'static [Step],
}

impl FactType {
    /// A type, as [`facts!`](crate::facts) declares it.
    ///
    /// # Panics
    /// Unless there is a step for each version but the first. `facts!` evaluates it as a constant,
    /// so this is found when the program is compiled.
    #[must_use]
    pub const fn new(name: &'static str, schema_version: i16, steps: &'static [Step]) -> Self {
        let complete = schema_version >= 1 && steps.len() == (schema_version - 1) as usize;
        assert!(complete, "`from [...]` has to name a step for each version but the first");
        Self { name, schema_version, steps }
    }
}

/// A stored fact that this program cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No feature of this program declares it.
    #[error("unknown fact type `{0}`; it was written by a newer millrace: update this one")]
    UnknownType(String),
    /// Its shape is newer than this program.
    #[error("`{name}` has schema version {found}, this program knows {known}; update it")]
    NewerVersion {
        /// The fact type.
        name: String,
        /// What is stored.
        found: i16,
        /// What this program knows.
        known: i16,
    },
    /// Its bytes do not have the shape of its type.
    #[error("`{name}` does not have its shape: {reason}")]
    Malformed {
        /// The fact type.
        name: String,
        /// What is wrong and where.
        reason: String,
    },
}

impl DecodeError {
    /// Whether a newer program can read it.
    #[must_use]
    pub fn is_of_newer_program(&self) -> bool {
        matches!(self, Self::UnknownType(_) | Self::NewerVersion { .. })
    }
}

/// The bytes stored in `data`: the JSON object of the fact's fields.
///
/// Serde writes an enum as `{"order.placed":{…}}`; the type has a column of its own, so only the
/// inner object is kept.
pub(crate) fn encode<F: Facts>(fact: &F) -> Vec<u8> {
    let tagged = serde_json::to_vec(fact).unwrap_or_default();
    let start = fact.fact_type().name.len() + 4;
    let end = tagged.len().saturating_sub(1);
    tagged.get(start..end).map(<[u8]>::to_vec).unwrap_or_default()
}

/// The fact that [`encode`], or that of an older program, stored.
pub(crate) fn decode<F: Facts>(
    name: &str,
    schema_version: i16,
    data: &[u8],
) -> Result<F, DecodeError> {
    let fact_type = readable::<F>(name, schema_version)?;
    let read = if schema_version < fact_type.schema_version {
        let fact = stepped(fact_type, schema_version, data)?;
        serde_json::from_value(Value::Object(Object::from_iter([(name.to_owned(), fact.into())])))
    } else {
        let mut tagged = Vec::with_capacity(data.len() + name.len() + 6);
        tagged.extend_from_slice(b"{\"");
        tagged.extend_from_slice(name.as_bytes());
        tagged.extend_from_slice(b"\":");
        tagged.extend_from_slice(data);
        tagged.push(b'}');
        serde_json::from_slice(&tagged)
    };
    read.map_err(|error| malformed(name, &error))
}

/// The bytes of a fact in today's shape, with whatever they say beyond it; those of a fact that was
/// written in today's shape are given back untouched.
pub(crate) fn upcast<'a, F: Facts>(
    name: &str,
    schema_version: i16,
    data: &'a [u8],
) -> Result<Cow<'a, [u8]>, DecodeError> {
    let fact_type = readable::<F>(name, schema_version)?;
    if schema_version == fact_type.schema_version {
        return Ok(Cow::Borrowed(data));
    }
    let fact = stepped(fact_type, schema_version, data)?;
    serde_json::to_vec(&fact).map(Cow::Owned).map_err(|error| malformed(name, &error))
}

/// The type of this name, if this program can read that version of it.
fn readable<F: Facts>(name: &str, schema_version: i16) -> Result<&'static FactType, DecodeError> {
    let fact_type = F::TYPES
        .iter()
        .find(|known| known.name == name)
        .ok_or_else(|| DecodeError::UnknownType(name.to_owned()))?;
    if schema_version < 1 {
        return Err(malformed(name, &format_args!("{schema_version} is no schema version")));
    }
    if schema_version > fact_type.schema_version {
        return Err(DecodeError::NewerVersion {
            name: name.to_owned(),
            found: schema_version,
            known: fact_type.schema_version,
        });
    }
    Ok(fact_type)
}

/// The fields of a fact of an older version, in today's shape.
fn stepped(fact_type: &FactType, from: i16, data: &[u8]) -> Result<Object, DecodeError> {
    let fact = serde_json::from_slice(data).map_err(|error| malformed(fact_type.name, &error))?;
    Ok(upcast::run(fact_type.steps, from, fact))
}

fn malformed(name: &str, reason: &dyn std::fmt::Display) -> DecodeError {
    DecodeError::Malformed { name: name.to_owned(), reason: reason.to_string() }
}

/// Declares the facts of a feature, one row each: fields, type name, schema version and, where the
/// type had other shapes before, the steps from each version to the next ([`Step`]); where the fact
/// moves the record to another state of its life, that state, and the field that says why.
///
/// ```ignore
/// facts! {
///     /// What happens to a customer account.
///     CustomerEvent of "customers" with CustomerStatus;
///     /// It may not order any more.
///     Held { reason: String } "customer.held" 2 from [a_reason_is_given] => OnHold because reason;
/// }
/// ```
///
/// Behind the status may stand `, has tags` or `, has personal, tags`: then the enum has methods
/// `tagged` and `sealable` that [`Facts::tags`] and [`Facts::personal`] ask.
#[macro_export]
macro_rules! facts {
    (
        $(#[$doc:meta])*
        $facts:ident of $feature:literal with $status:ty $(, has $($what:ident),+)?;
        $( $(#[$fact_doc:meta])* $fact:ident $body:tt $name:literal $version:literal
            $(from [$($step:path),+])? $(=> $to:ident $(because $why:ident)?)?; )+
    ) => {
        $crate::facts! {
            $(#[$doc])*
            $facts of $feature $(, has $($what),+)?;
            $( $(#[$fact_doc])* $fact $body $name $version $(from [$($step),+])?; )+
        }

        impl $facts {
            /// The state of its life that the fact moves the record to.
            #[must_use]
            pub fn moves_to(&self) -> Option<$status> {
                match self {
                    $( Self::$fact { .. } => $crate::facts!(@state $status $(, $to)?), )+
                }
            }

            /// Why it does so, if the fact says.
            #[must_use]
            pub fn because(&self) -> Option<&str> {
                match self {
                    $( $( $( Self::$fact { $why, .. } => Some($why), )? )? )+
                    _ => None,
                }
            }
        }
    };
    (@state $status:ty) => { None };
    (@state $status:ty, $to:ident) => { Some(<$status>::$to) };
    (@has tags) => {
        fn tags(&self) -> Vec<std::borrow::Cow<'static, str>> {
            self.tagged()
        }
    };
    (@has personal) => {
        fn personal(&mut self) -> Vec<&mut dyn $crate::personal::Sealable> {
            self.sealable()
        }
    };
    (
        $(#[$doc:meta])*
        $facts:ident of $feature:literal $(, has $($what:ident),+)?;
        $( $(#[$fact_doc:meta])* $fact:ident $body:tt $name:literal $version:literal
            $(from [$($step:path),+])?; )+
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $facts {
            $( $(#[$fact_doc])* #[serde(rename = $name)] $fact $body, )+
        }

        impl $crate::facts::Facts for $facts {
            const FEATURE: &'static str = $feature;
            const TYPES: &'static [$crate::facts::FactType] = &[
                $( $crate::facts::FactType::new($name, $version, &[$($($step),+)?]), )+
            ];

            fn fact_type(&self) -> &'static $crate::facts::FactType {
                match self {
                    $( Self::$fact { .. } => {
                        const TYPE: &$crate::facts::FactType =
                            &$crate::facts::FactType::new($name, $version, &[$($($step),+)?]);
                        TYPE
                    } )+
                }
            }

            $( $( $crate::facts!(@has $what); )+ )?
        }
    };
}
