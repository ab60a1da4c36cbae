//! What has changed behind a position that somebody was told up to: found in the log where it was
//! not announced, read in the read model as it is now, and compared with what it was then, which
//! its facts tell.

use std::collections::HashMap;
use std::sync::Arc;

use events::facts::Facts;
use events::log::StreamKey;
use events::parked::ParkedEvent;
use events::words::{OrganizationId, Position};
use projections::Record;
use projections::table::Cell;
use uuid::Uuid;

use super::hub::{Pending, Untold};
use super::queue::{Before, Changed, Watched};
use crate::fields::Listed;
use crate::folding::Course;
use crate::{QueryError, Reader, ReaderLimits};

/// Records with more facts are not folded to know what they were.
const FOLDED_VERSIONS_MAX: i64 = 200;
/// Decisions by which a record goes on whose own facts are old.
const PARKED: &str = ParkedEvent::FEATURE;

/// How far back somebody may resume.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resume {
    /// Facts that are looked at.
    facts_max: i64,
    /// Records that are told.
    records_max: usize,
}

impl ReaderLimits {
    pub(super) fn live_resume(&self) -> Resume {
        let facts_max = i64::try_from(self.live_resume_facts_max).unwrap_or(i64::MAX);
        Resume { facts_max, records_max: self.live_resume_records_max }
    }
}

/// What is to be looked at for those who watch in an organization.
pub(super) struct Work<T> {
    pub(super) organization: Uuid,
    pub(super) group: u64,
    pub(super) pending: Pending,
    /// Records as they were told last, as far as that is known.
    pub(super) known: HashMap<Uuid, Option<Arc<T>>>,
}

/// What was found.
pub(super) enum Looked<T> {
    /// Too much to be told.
    TooMuch,
    /// These, in order of position.
    Changes {
        changes: Vec<Changed<T>>,
        /// Records that are ahead of what can be read as a whole, as they were pending.
        later: HashMap<Uuid, Position>,
        /// What is still to be looked for, once all that is read has come so far.
        untold: Option<Untold>,
    },
}

impl<T: Listed> Work<T> {
    /// Looks at the records, as far as all that is read has come to a position.
    pub(super) async fn look(
        &self,
        reader: &Reader,
        to: Position,
        resume: Resume,
    ) -> Result<Looked<T>, QueryError> {
        if self.pending.everything {
            return Ok(Looked::TooMuch);
        }
        let (mut ids, mut untold) = (self.pending.changed.clone(), None);
        if let Some(Untold { since, until }) = self.pending.untold {
            // The rows may be further by now than what is read as a whole, and not by more.
            let until = match until {
                Some(until) => until,
                None => reader.vault.log().head().await?,
            };
            untold = (until > to).then_some(Untold { since: to, until: Some(until) });
            let found = reader.changed_since::<T>(self.organization, (since, to), resume).await?;
            let Some(found) = found else { return Ok(Looked::TooMuch) };
            for id in found {
                let known = ids.entry(id).or_insert(since);
                *known = since.min(*known);
            }
        }
        let wanted: Vec<Uuid> = ids.keys().copied().collect();
        if wanted.is_empty() {
            return Ok(Looked::Changes { changes: Vec::new(), later: HashMap::new(), untold });
        }
        let organization = OrganizationId(self.organization);
        let mut rows = reader.rows_of::<T::Record>(organization, &wanted).await?;
        let (mut changes, mut later) = (Vec::with_capacity(ids.len()), HashMap::new());
        let mut folded: HashMap<Position, Vec<Uuid>> = HashMap::new();
        for (id, since) in ids {
            let after = rows.remove(&id);
            let at = after.as_deref().map_or(to, position);
            if at > to {
                later.insert(id, since);
                continue;
            }
            let version = after.as_deref().map_or(1, version);
            let before = match self.known.get(&id) {
                Some(known) => Before::Known(known.clone()),
                // Its only fact is one of those that are told now.
                None if version == 1 && at > since && after.is_some() => Before::Known(None),
                None => {
                    if version <= FOLDED_VERSIONS_MAX {
                        folded.entry(since).or_default().push(id);
                    }
                    Before::Unknown
                }
            };
            // One that goes on after a decision has old facts alone.
            changes.push(Changed { id, position: at.max(since), before, after });
        }
        for (since, ids) in folded {
            let mut before = reader.were::<T>(organization, &ids, since).await?;
            for change in &mut changes {
                if let Some(before) = before.remove(&change.id) {
                    change.before = Before::Known(before);
                }
            }
        }
        changes.sort_unstable_by_key(|change| (change.position, change.id));
        Ok(Looked::Changes { changes, later, untold })
    }
}

impl Reader {
    /// Tells a subscriber first what he has missed: he was told up to the first position, and is
    /// told from the second on.
    pub(super) async fn catch_up<T: Listed>(
        &self,
        watched: &Watched<T>,
        (after, until): (Position, Position),
    ) -> Result<(), QueryError> {
        if after >= until {
            return Ok(());
        }
        let (organization, resume) = (watched.access.organization, self.limits().live_resume());
        let ids = self.changed_since::<T>(organization.0, (after, until), resume).await?;
        let Some(ids) = ids else {
            watched.reload(until);
            return Ok(());
        };
        if ids.is_empty() {
            return Ok(());
        }
        let mut rows = self.rows_of::<T::Record>(organization, &ids).await?;
        for id in ids {
            let row = rows.remove(&id);
            let at = row.as_deref().map_or(until, position);
            if at > until {
                // It comes with what follows.
                watched.is_unsure_of(id);
            } else {
                watched.hear_again(id, row, at.max(after));
            }
        }
        Ok(())
    }

    /// Which records of a read model have facts behind a position and up to another; none, if they
    /// are too many, or it cannot be told by their facts.
    async fn changed_since<T: Listed>(
        &self,
        organization: Uuid,
        (after, until): (Position, Position),
        resume: Resume,
    ) -> Result<Option<Vec<Uuid>>, QueryError> {
        if until.0.saturating_sub(after.0) > resume.facts_max {
            return Ok(None);
        }
        let feature = <<T::Record as Record>::Fact as Facts>::FEATURE;
        let limit = i64::try_from(resume.records_max.saturating_add(1)).unwrap_or(i64::MAX);
        let (log, features) = (self.vault.log(), [feature, PARKED]);
        let found = log.changed_streams(organization, &features, (after, until), limit).await?;
        if found.len() > resume.records_max || found.iter().any(|(of, _)| of == PARKED) {
            return Ok(None);
        }
        Ok(Some(found.into_iter().map(|(_, id)| id).collect()))
    }

    /// What records were as of a position, each that can be folded.
    async fn were<T: Listed>(
        &self,
        organization: OrganizationId,
        ids: &[Uuid],
        as_of: Position,
    ) -> Result<HashMap<Uuid, Option<Arc<T>>>, QueryError> {
        let stream = |id: &Uuid| StreamKey { organization: organization.0, id: *id };
        let mut courses: Vec<Course<T::Record>> =
            ids.iter().map(|id| Course::new(stream(id), i64::MAX)).collect();
        self.fold_all(&mut courses, as_of, |_| ()).await?;
        let folded = ids.iter().zip(courses).filter(|(_, course)| course.failed.is_none());
        Ok(folded.map(|(id, course)| (*id, course.record.map(|kept| Arc::new(kept.row)))).collect())
    }
}

fn position<T: Listed>(row: &T) -> Position {
    Position(whole(row, "position"))
}

fn version<T: Listed>(row: &T) -> i64 {
    whole(row, "version")
}

/// A column that every record has.
fn whole<T: Listed>(row: &T, column: &str) -> i64 {
    match row.cell(column) {
        Some(Cell::Whole(number)) => number,
        _ => i64::MAX,
    }
}
