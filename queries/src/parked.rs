//! Facts that a read model could not take in: for administrators. What is decided about them is a
//! command.

use std::sync::LazyLock;

use events::access::{Access, read};
use events::words::Position;
use projections::sinks::parking;
pub use projections::sinks::parking::Parked;
use uuid::Uuid;

use crate::{QueryError, Reader};

/// Every read model: any of them may have parked a fact.
#[must_use]
pub fn reads() -> &'static [&'static str] {
    static READS: LazyLock<Vec<&str>> =
        LazyLock::new(|| projections::all().iter().map(|known| known.name()).collect());
    &READS
}

impl Reader {
    /// The parked facts of an organization, at most a page, in order of position after one.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn parked(
        &self,
        access: &Access,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Parked>, QueryError> {
        if !access.actor.may(read("parked")) {
            return Err(QueryError::Denied(read("parked")));
        }
        let client = self.client().await?;
        let limit = i64::try_from(limit.min(self.limits().page_max)).unwrap_or(i64::MAX);
        let organization = Some(access.organization.0);
        Ok(parking::parked(&client, organization, after, limit).await?)
    }

    /// How many facts are parked, by read model.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn parked_counts(&self) -> Result<Vec<(String, i64)>, QueryError> {
        Ok(parking::counts(&*self.client().await?).await?)
    }

    /// Which of these records of a read model stopped at a fact that is parked.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn stale(
        &self,
        access: &Access,
        projection: &str,
        ids: &[Uuid],
    ) -> Result<Vec<Uuid>, QueryError> {
        let client = self.client().await?;
        Ok(parking::stale(&client, projection, access.organization.0, ids).await?)
    }

    /// Whether sums of an organization lack a fact that is parked.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn is_incomplete(
        &self,
        access: &Access,
        projection: &str,
    ) -> Result<bool, QueryError> {
        let client = self.client().await?;
        Ok(parking::is_incomplete(&client, projection, access.organization.0).await?)
    }
}
