//! Organizations: the one that an access is for, and the only one there is, for callers who did
//! not say which.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use events::access::{Access, read};
use events::words::{Actor, OrganizationId};
pub use projections::organizations::OrganizationRow;
use projections::organizations::Organizations;
use uuid::Uuid;

use crate::{QueryError, Reader, Seen};

/// What these queries read.
pub const READS: &[&str] = &["organizations"];

impl Reader {
    /// The organization that the access is for.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn organization(
        &self,
        access: &Access,
    ) -> Result<Option<Seen<OrganizationRow>>, QueryError> {
        self.record::<Organizations>(access, "organizations", access.organization.0).await
    }

    /// The organization that the access is for, if its id is among these.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn organizations_by_id(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Seen<OrganizationRow>>, QueryError> {
        self.records::<Organizations>(access, "organizations", ids).await
    }

    /// Whether the organization that the access is for exists. One that does is remembered: it
    /// never ceases to.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn has_organization(&self, access: &Access) -> Result<bool, QueryError> {
        let known = |known: &HashSet<OrganizationId>| known.contains(&access.organization);
        if known(&self.organizations.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(true);
        }
        let exists = self.organization(access).await?.is_some();
        if exists {
            let organizations = self.organizations.write();
            let mut organizations = organizations.unwrap_or_else(PoisonError::into_inner);
            organizations.insert(access.organization);
        }
        Ok(exists)
    }

    /// The organizations that an actor may act in: at most two, to tell none, one and several.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn organizations_of(&self, actor: Actor) -> Result<Vec<OrganizationId>, QueryError> {
        if !actor.may(read("organizations")) {
            return Err(QueryError::Denied(read("organizations")));
        }
        let client = self.client().await?;
        let statement =
            client.prepare_cached("select organization_id from read.organizations limit 2").await?;
        let rows = client.query(&statement, &[]).await?;
        Ok(rows.iter().map(|row| OrganizationId(row.get::<_, Uuid>(0))).collect())
    }
}
