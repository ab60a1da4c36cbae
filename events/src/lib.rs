//! What happened: every fact of the business on one page. The log that keeps them is in `log`.

pub mod access;
pub mod contacts;
pub mod credit;
pub mod credit_notes;
pub mod customers;
pub mod facts;
pub mod log;
pub mod orders;
pub mod organizations;
pub mod parked;
pub mod personal;
pub mod products;
pub mod reservations;
pub mod series;
pub mod stock;
pub mod upcast;
pub mod warehouses;
pub mod words;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use schemars::{Schema, SchemaGenerator};
use uuid::Uuid;

use crate::facts::{DecodeError, FactType, Facts};
use crate::log::RawFact;
use crate::personal::Sealable;
use crate::words::{Meta, OrganizationId, Position};

/// Declares [`Event`] and what follows from the list of features.
macro_rules! events {
    ($( $(#[$doc:meta])* $variant:ident($facts:ty) ),+ $(,)?) => {
        /// Anything that can happen in the business.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $( $(#[$doc])* $variant($facts), )+
        }

        impl Event {
            /// The feature's word.
            #[must_use]
            pub fn feature(&self) -> &'static str {
                match self { $( Self::$variant(_) => <$facts>::FEATURE, )+ }
            }

            /// The fact's type.
            #[must_use]
            pub fn fact_type(&self) -> &'static FactType {
                match self { $( Self::$variant(fact) => fact.fact_type(), )+ }
            }

            /// The bytes to store in `data`: a JSON object.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                match self { $( Self::$variant(fact) => facts::encode(fact), )+ }
            }

            /// What the fact is tagged with.
            #[must_use]
            pub fn tags(&self) -> Vec<Cow<'static, str>> {
                match self { $( Self::$variant(fact) => fact.tags(), )+ }
            }

            /// What in the fact belongs to persons.
            pub fn personal(&mut self) -> Vec<&mut dyn Sealable> {
                match self { $( Self::$variant(fact) => fact.personal(), )+ }
            }

            /// The fact in stored bytes.
            ///
            /// # Errors
            /// If this program does not know the type or its version, or the bytes lack its shape.
            pub fn decode(
                feature: &str, name: &str, schema_version: i16, data: &[u8],
            ) -> Result<Self, DecodeError> {
                match feature {
                    $( <$facts>::FEATURE => {
                        facts::decode(name, schema_version, data).map(Self::$variant)
                    } )+
                    _ => Err(DecodeError::UnknownType(name.to_owned())),
                }
            }

            /// The bytes of a stored fact in the shape that this program writes, with whatever they
            /// say beyond it.
            ///
            /// # Errors
            /// If this program does not know the type or its version, or the bytes of an older
            /// version are no JSON object.
            pub fn upcast<'a>(
                feature: &str, name: &str, schema_version: i16, data: &'a [u8],
            ) -> Result<Cow<'a, [u8]>, DecodeError> {
                match feature {
                    $( <$facts>::FEATURE => {
                        facts::upcast::<$facts>(name, schema_version, data)
                    } )+
                    _ => Err(DecodeError::UnknownType(name.to_owned())),
                }
            }

            /// Every fact type, with its feature's word.
            pub fn fact_types() -> impl Iterator<Item = (&'static str, &'static FactType)> {
                let features = [ $( (<$facts>::FEATURE, <$facts>::TYPES), )+ ];
                let types = |(feature, types): (_, &'static [FactType])| {
                    types.iter().map(move |fact_type| (feature, fact_type))
                };
                features.into_iter().flat_map(types)
            }

            /// The JSON Schema of every feature's facts, by the feature's word.
            #[must_use]
            pub fn schemas() -> Vec<(&'static str, Schema)> {
                vec![ $( (
                    <$facts>::FEATURE,
                    SchemaGenerator::default().into_root_schema_for::<$facts>(),
                ), )+ ]
            }
        }

        $(
            impl From<$facts> for Event {
                fn from(fact: $facts) -> Self {
                    Self::$variant(fact)
                }
            }

            impl<'a> TryFrom<&'a Event> for &'a $facts {
                type Error = ();
                fn try_from(event: &'a Event) -> Result<Self, ()> {
                    match event {
                        Event::$variant(fact) => Ok(fact),
                        _ => Err(()),
                    }
                }
            }
        )+
    };
}

events! {
    /// An organization, the tenant.
    Organization(organizations::OrganizationEvent),
    /// A customer account.
    Customer(customers::CustomerEvent),
    /// A contact.
    Contact(contacts::ContactEvent),
    /// A customer's credit.
    Credit(credit::CreditEvent),
    /// A product.
    Product(products::ProductEvent),
    /// A warehouse.
    Warehouse(warehouses::WarehouseEvent),
    /// A stock item.
    Stock(stock::StockEvent),
    /// An order.
    Order(orders::OrderEvent),
    /// A credit note.
    CreditNote(credit_notes::CreditNoteEvent),
    /// A series of document numbers.
    Series(series::SeriesEvent),
    /// A fact that a read model could not take in.
    Parked(parked::ParkedEvent),
    /// A thing of which there is only one.
    Reservation(reservations::ReservationEvent),
}

/// A fact as the log gives it back.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its place in the log.
    pub position: Position,
    /// The tenant that it belongs to.
    pub organization: OrganizationId,
    /// The stream that it belongs to: the record's id.
    pub stream_id: Uuid,
    /// Its place in the stream, from 1.
    pub version: i64,
    /// Its own id.
    pub event_id: Uuid,
    /// What happened.
    pub event: Event,
    /// Who, through which command, for which request.
    pub meta: Meta,
    /// The database's clock under the tail lock.
    pub recorded_at: DateTime<Utc>,
}

impl TryFrom<&RawFact> for Meta {
    type Error = DecodeError;

    fn try_from(raw: &RawFact) -> Result<Self, DecodeError> {
        serde_json::from_slice(&raw.meta).map_err(|error| DecodeError::Malformed {
            name: raw.fact_type.clone(),
            reason: format!("meta: {error}"),
        })
    }
}

impl TryFrom<&RawFact> for Recorded {
    type Error = DecodeError;

    fn try_from(raw: &RawFact) -> Result<Self, DecodeError> {
        let event = Event::decode(&raw.feature, &raw.fact_type, raw.schema_version, &raw.data)?;
        Ok(Self {
            position: raw.position,
            organization: OrganizationId(raw.stream.organization),
            stream_id: raw.stream.id,
            version: raw.version,
            event_id: raw.event_id,
            event,
            meta: Meta::try_from(raw)?,
            recorded_at: raw.recorded_at,
        })
    }
}
