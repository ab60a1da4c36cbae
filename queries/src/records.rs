//! Records by their ids, with their child rows: as they are now, or as of the moment of the access.
//! Every query of single records goes through here, so that it answers both; those of now may be
//! kept in mind.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use events::access::Access;
use events::words::OrganizationId;
use projections::fold::{Fold, KeptOf};
use projections::table::{RecordTable, SumTable, Table};
use uuid::Uuid;

use crate::boundary::{boundary, of_organization};
use crate::cache::Part;
use crate::{QueryError, Reader};

/// Rows, each to be shared.
type Rows<T> = Vec<Arc<T>>;

/// A row, and by which access it was read: what it refers to is read by the same one.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen<T> {
    row: Arc<T>,
    access: Access,
}

impl<T> Seen<T> {
    /// What was read by this access.
    pub(crate) fn by(access: &Access, row: impl Into<Arc<T>>) -> Self {
        Self { row: row.into(), access: *access }
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
        Ok(self.records::<R>(access, feature, &[id]).await?.remove(&id))
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
        let boundary = boundary(access, feature)?;
        let rows = self.rows_of::<R>(access.organization, ids).await?;
        let reached = rows.into_iter().filter(|(_, row)| boundary.fits(&**row));
        Ok(reached.map(|(id, row)| (id, Seen::by(access, row))).collect())
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
        let boundary = boundary(access, feature)?;
        let children = self.children_of::<R>(access.organization, ids).await?;
        let seen = |(id, rows): (Uuid, Arc<Rows<R::Child>>)| {
            let rows = rows.iter().filter(|row| boundary.fits(&***row));
            (id, rows.map(|row| Seen::by(access, row.clone())).collect())
        };
        Ok(children.into_iter().map(seen).collect())
    }

    /// The rows of records of an organization, as they are kept in mind or else stored. They are
    /// for whoever asks next too: whoever shows them looks at the boundary of each access.
    pub(crate) async fn rows_of<R: Fold>(
        &self,
        organization: OrganizationId,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<R::Row>>, QueryError> {
        let shelf = self.cache.shelf(R::NAME, Part::Row);
        let looked = shelf.map(|shelf| shelf.look::<R::Row>(organization.0, ids));
        let (mut found, unknown) = looked.unwrap_or_else(|| (HashMap::new(), ids.to_vec()));
        if unknown.is_empty() {
            return Ok(found);
        }
        let kept = shelf.map(|shelf| (shelf, shelf.ticket()));
        let keep = |id, known, bytes| {
            if let Some((shelf, ticket)) = &kept {
                shelf.keep::<R::Row>(ticket, (organization.0, id), (known, bytes));
            }
        };
        let condition = format!("{} = any($1)", R::Row::KEY[1]);
        let all = of_organization(organization);
        let about = (R::NAME, &all);
        for stored in self.within_boundary::<R::Row>(about, &condition, &[&unknown]).await? {
            let row = Arc::new(R::Row::read(&stored)?);
            let id = row.key().1;
            keep(id, Some(row.clone()), bytes_of::<R::Row>(&stored));
            found.insert(id, row);
        }
        for id in unknown.into_iter().filter(|id| !found.contains_key(id)) {
            keep(id, None, 0);
        }
        Ok(found)
    }

    /// As [`Self::rows_of`], of child rows, each record's in order.
    async fn children_of<R: Fold>(
        &self,
        organization: OrganizationId,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<Rows<R::Child>>>, QueryError> {
        let shelf = self.cache.shelf(R::NAME, Part::Children);
        let looked = shelf.map(|shelf| shelf.look::<Rows<R::Child>>(organization.0, ids));
        let (mut found, unknown) = looked.unwrap_or_else(|| (HashMap::new(), ids.to_vec()));
        if unknown.is_empty() {
            return Ok(found);
        }
        let ticket = shelf.map(|shelf| (shelf, shelf.ticket()));
        let (id, key) = (R::Child::KEY[1], R::Child::KEY[1..].join(", "));
        let condition = format!("{id} = any($1) order by {key}");
        let mut read: HashMap<Uuid, (Rows<R::Child>, usize)> = HashMap::new();
        let all = of_organization(organization);
        let about = (R::NAME, &all);
        for stored in self.within_boundary::<R::Child>(about, &condition, &[&unknown]).await? {
            let child = R::Child::read(&stored)?;
            let (rows, bytes) = read.entry(child.key().1).or_default();
            *bytes += bytes_of::<R::Child>(&stored);
            rows.push(Arc::new(child));
        }
        for id in unknown {
            let (rows, bytes) =
                read.remove(&id).map_or((None, 0), |(rows, bytes)| (Some(Arc::new(rows)), bytes));
            if let Some((shelf, ticket)) = &ticket {
                shelf.keep(ticket, (organization.0, id), (rows.clone(), bytes));
            }
            found.extend(rows.map(|rows| (id, rows)));
        }
        Ok(found)
    }
}

/// What a row takes in memory, about: itself, and its texts, which stand apart.
fn bytes_of<T>(stored: &tokio_postgres::Row) -> usize {
    // What is shared is counted, and JSON takes more than its text.
    2 * size_of::<usize>() + size_of::<T>() + 2 * stored.raw_size_bytes()
}
