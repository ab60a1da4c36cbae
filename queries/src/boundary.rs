//! What an access lets see of a feature, as a filter like any other: in SQL, and in memory for what
//! is watched or was kept.

use events::access::{Access, Level, read};
use events::words::OrganizationId;

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
    match access.actor.level(read(feature)) {
        None => Err(QueryError::Denied(read(feature))),
        Some(Level::Organization) => Ok(of_organization(access.organization)),
    }
}

/// Everything of an organization: for what is kept in mind, and shown to nobody before
/// [`boundary`] was asked.
pub(crate) fn of_organization(organization: OrganizationId) -> Filter {
    Filter::Field(&ORGANIZATION, Test::Eq(Value::Id(organization.0)))
}

/// Whether the access may read records of a feature at all, whatever the moment.
///
/// # Errors
/// [`QueryError::Denied`].
pub(crate) fn may_read(access: &Access, feature: &'static str) -> Result<(), QueryError> {
    match access.actor.may(read(feature)) {
        true => Ok(()),
        false => Err(QueryError::Denied(read(feature))),
    }
}
