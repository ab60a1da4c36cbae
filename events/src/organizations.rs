//! What happens to an organization, the tenant. Not who may act in it: see `access`.

use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::Currency;

/// Where an organization stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationStatus {
    /// It may act.
    Active,
}

crate::facts! {
    /// What happens to an organization.
    OrganizationEvent of "organizations" with OrganizationStatus;
    /// It exists from now on.
    Registered {
        /// Its short name in URLs and headers; its id derives from it.
        slug: String,
        /// Its name.
        name: String,
        /// The currency that its customers get unless they state another.
        currency: Currency,
        /// The IANA zone in which its business days begin and end.
        #[schemars(with = "String")]
        time_zone: Tz,
    } "organization.registered" 1 => Active;
}
