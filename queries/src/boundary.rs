//! What an access lets see of a feature, as a filter like any other: in SQL, and in memory for what
//! is watched or was kept.

use events::access::{Access, Level, read};

use crate::fields::ORGANIZATION;
use crate::filter::{Filter, Test, Value};
use crate::{QueryError, as_of};

/// What an access lets see of the records of a feature, as they are now.
///
/// # Errors
/// [`QueryError::Denied`], if that is nothing; [`QueryError::Invalid`], if the access is as of a
/// moment.
pub(crate) fn boundary(access: &Access, feature: &'static str) -> Result<Filter, QueryError> {
    if access.as_of.is_some() {
        return Err(as_of::of_now_alone());
    }
    let organization = Value::Id(access.organization.0);
    match access.actor.level(read(feature)) {
        None => Err(QueryError::Denied(read(feature))),
        Some(Level::Organization) => Ok(Filter::Field(&ORGANIZATION, Test::Eq(organization))),
    }
}
