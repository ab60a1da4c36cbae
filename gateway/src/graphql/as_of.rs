//! The moment that a query of a record may name: a time or a position. And the ids of records as of
//! a moment.

use async_graphql::{ID, OneofObject};
use chrono::{DateTime, Utc};
use events::access::Access;
use events::words::Position;
use queries::as_of;
use uuid::Uuid;

use super::caller::id;
use crate::error::ApiError;
use crate::position;

/// A moment in the log's past: a record, and what stands in it, is shown as it was recorded by
/// then. Who was erased since is erased in it too.
#[derive(OneofObject)]
pub(super) enum AsOf {
    /// A time that has passed, by the database's clock: what was recorded by then.
    Time(DateTime<Utc>),
    /// A position that a write gave you: what was recorded up to it.
    Position(String),
}

impl TryFrom<AsOf> for as_of::AsOf {
    type Error = ApiError;

    fn try_from(given: AsOf) -> Result<Self, ApiError> {
        Ok(match given {
            AsOf::Time(time) => Self::Time(time),
            AsOf::Position(text) => Self::Position(position::decode("asOf.position", &text)?),
        })
    }
}

/// Between a record's own id and the moment.
const AT: char = '@';

/// The id of a record that is shown. As of a moment it is another one: clients that keep records by
/// their ids would else take what was for what is.
pub(super) fn shown_id(access: Access, own: Uuid) -> ID {
    match access.as_of {
        None => own.into(),
        Some(position) => format!("{own}{AT}{}", position::encode(position)).into(),
    }
}

/// The record that such an id names, and as of when.
pub(super) fn named(field: &'static str, shown: &ID) -> Result<(Uuid, Option<Position>), ApiError> {
    let Some((own, moment)) = shown.split_once(AT) else { return Ok((id(field, shown)?, None)) };
    Ok((id(field, &own.into())?, Some(position::decode(field, moment)?)))
}
