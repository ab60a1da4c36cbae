//! The moment that a query of a record may name: a time or a position.

use async_graphql::OneofObject;
use chrono::{DateTime, Utc};
use queries::as_of;

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
