//! Records by their ids, with their child rows: as they are now, or as of the moment of the access.
//! Every query of single records goes through here, so that it answers both.

use std::collections::HashMap;
use std::ops::Deref;

use events::access::Access;
use projections::fold::{Fold, KeptOf};
use projections::table::{RecordTable, SumTable, Table};
use uuid::Uuid;

use crate::{QueryError, Reader};

/// A row, and by which access it was read: what it refers to is read by the same one.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen<T> {
    row: T,
    access: Access,
}

impl<T> Seen<T> {
    /// What was read by this access.
    pub(crate) fn by(access: &Access, row: T) -> Self {
        Self { row, access: *access }
    }

    /// By which access it was read.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }
}

impl<T: RecordTable> Seen<T> {
    /// The read model and the id of the record.
    #[must_use]
    pub fn record(&self) -> (&'static str, Uuid) {
        (T::NAME, self.row.key().1)
    }
}

impl<T: SumTable> Seen<T> {
    /// The read model of the sums.
    #[must_use]
    pub fn summed(&self) -> &'static str {
        T::NAME
    }
}

impl<T> Deref for Seen<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.row
    }
}

impl Reader {
    /// The features of the records with these ids, whatever they are: ids are unique in an
    /// organization. The log knows them, whether the records can be read by now or not.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn features(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, String>, QueryError> {
        Ok(self.vault.log().features(access.organization.0, ids).await?)
    }

    /// A record.
    pub(crate) async fn record<R: Fold>(
        &self,
        access: &Access,
        feature: &'static str,
        id: Uuid,
    ) -> Result<Option<Seen<R::Row>>, QueryError> {
        if access.as_of.is_some() {
            return Ok(self.records::<R>(access, feature, &[id]).await?.remove(&id));
        }
        let condition = format!("{} = $1", R::Row::KEY[1]);
        self.row(access, feature, &condition, &[&id]).await
    }

    /// Several, by id.
    pub(crate) async fn records<R: Fold>(
        &self,
        access: &Access,
        feature: &'static str,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Seen<R::Row>>, QueryError> {
        if let Some(as_of) = access.as_of {
            let kept = self.folded::<R>(access, feature, ids, as_of).await?;
            let row = |(id, kept): (Uuid, KeptOf<R>)| (id, Seen::by(access, kept.row));
            return Ok(kept.into_iter().map(row).collect());
        }
        let condition = format!("{} = any($1)", R::Row::KEY[1]);
        let rows: Vec<Seen<R::Row>> = self.rows(access, feature, &condition, &[&ids]).await?;
        Ok(rows.into_iter().map(|row| (row.key().1, row)).collect())
    }

    /// The child rows of records, by record, each in order.
    pub(crate) async fn children<R: Fold>(
        &self,
        access: &Access,
        feature: &'static str,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Seen<R::Child>>>, QueryError> {
        if let Some(as_of) = access.as_of {
            let kept = self.folded::<R>(access, feature, ids, as_of).await?;
            let seen = |child| Seen::by(access, child);
            let children =
                |(id, kept): (Uuid, KeptOf<R>)| (id, kept.children.into_iter().map(seen).collect());
            return Ok(kept.into_iter().map(children).collect());
        }
        let (id, key) = (R::Child::KEY[1], R::Child::KEY[1..].join(", "));
        let condition = format!("{id} = any($1) order by {key}");
        let mut children: HashMap<Uuid, Vec<Seen<R::Child>>> = HashMap::new();
        for child in self.rows::<R::Child>(access, feature, &condition, &[&ids]).await? {
            children.entry(child.key().1).or_default().push(child);
        }
        Ok(children)
    }
}
