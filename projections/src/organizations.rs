//! The rows of `read.organizations`.

use events::organizations::OrganizationEvent;
use uuid::Uuid;

use crate::table::NoChild;
use crate::{At, Kept, Record, word};

crate::table! {
    /// An organization as it is now.
    record OrganizationRow in "organizations" by id {
        /// The organization: the same as `organization_id`.
        id: Uuid,
        /// Its short name in URLs and headers.
        slug: String,
        /// Its name.
        name: String,
        /// The currency of its customers, unless they have another.
        currency: String,
        /// The IANA zone of its business days.
        time_zone: String,
        /// `active`.
        status: String,
    }
}

/// Folds organizations.
pub struct Organizations;

impl Record for Organizations {
    const NAME: &'static str = "organizations";
    const VERSION: i32 = 1;
    const TABLES: &'static str = include_str!("organizations/rows.sql");

    type Fact = OrganizationEvent;
    type Row = OrganizationRow;
    type Child = NoChild;

    fn evolve(
        _: Option<Kept<OrganizationRow, NoChild>>,
        fact: &OrganizationEvent,
        at: &At,
    ) -> Option<Kept<OrganizationRow, NoChild>> {
        match fact {
            OrganizationEvent::Registered { slug, name, currency, time_zone } => {
                let row = OrganizationRow {
                    organization_id: at.organization.0,
                    id: at.stream_id,
                    slug: slug.clone(),
                    name: name.clone(),
                    currency: currency.to_string(),
                    time_zone: time_zone.to_string(),
                    status: fact.moves_to().map(|status| word(&status)).unwrap_or_default(),
                    version: at.version,
                    position: at.position.0,
                    changed_at: at.recorded_at,
                };
                Some(row.into())
            }
        }
    }
}
