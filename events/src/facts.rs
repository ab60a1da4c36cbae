//! How the facts of a feature are declared, encoded and decoded. Not the facts themselves: those
//! stand in the features' files.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactType {
    /// What happened, in the past: `order.placed`.
    pub name: &'static str,
    /// The version of the shape that this program writes.
    pub schema_version: i16,
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

/// The fact that [`encode`] stored.
pub(crate) fn decode<F: Facts>(
    name: &str,
    schema_version: i16,
    data: &[u8],
) -> Result<F, DecodeError> {
    let known = F::TYPES
        .iter()
        .find(|known| known.name == name)
        .ok_or_else(|| DecodeError::UnknownType(name.to_owned()))?;
    if schema_version > known.schema_version {
        return Err(DecodeError::NewerVersion {
            name: name.to_owned(),
            found: schema_version,
            known: known.schema_version,
        });
    }
    let mut tagged = Vec::with_capacity(data.len() + name.len() + 6);
    tagged.extend_from_slice(b"{\"");
    tagged.extend_from_slice(name.as_bytes());
    tagged.extend_from_slice(b"\":");
    tagged.extend_from_slice(data);
    tagged.push(b'}');
    serde_json::from_slice(&tagged).map_err(|error| DecodeError::Malformed {
        name: name.to_owned(),
        reason: error.to_string(),
    })
}

/// Declares the facts of a feature, one row each: fields, type name, schema version and, where the
/// fact moves the record to another state of its life, that state, and the field that says why.
///
/// ```ignore
/// facts! {
///     /// What happens to a customer account.
///     CustomerEvent of "customers" with CustomerStatus;
///     /// It may not order any more.
///     Held { reason: String } "customer.held" 1 => OnHold because reason;
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
            $(=> $to:ident $(because $why:ident)?)?; )+
    ) => {
        $crate::facts! {
            $(#[$doc])*
            $facts of $feature $(, has $($what),+)?;
            $( $(#[$fact_doc])* $fact $body $name $version; )+
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
        $( $(#[$fact_doc:meta])* $fact:ident $body:tt $name:literal $version:literal; )+
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
                $( $crate::facts::FactType { name: $name, schema_version: $version }, )+
            ];

            fn fact_type(&self) -> &'static $crate::facts::FactType {
                match self {
                    $( Self::$fact { .. } => {
                        const TYPE: &$crate::facts::FactType =
                            &$crate::facts::FactType { name: $name, schema_version: $version };
                        TYPE
                    } )+
                }
            }

            $( $( $crate::facts!(@has $what); )+ )?
        }
    };
}
