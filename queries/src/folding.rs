//! Records folded from their facts in the log, several at once: round by round a few facts of each
//! are read in one statement, opened together, and taken in one by one. Whose facts, up to where,
//! and what becomes of the records is the callers' business.

use events::Recorded;
use events::facts::Facts;
use events::log::{RawFact, Span, StreamKey};
use events::parked::{ParkedEvent, ParkedFact, ParkedId};
use events::words::{OrganizationId, Position};
use events::{Event, log::Selection};
use futures_util::{StreamExt, pin_mut};
use projections::Record;
use projections::fold::{Fold, KeptOf};

use crate::{QueryError, Reader};

/// Facts of all records together that are in memory at once, about.
const ROUND_FACTS: usize = 4_000;
/// Decisions about a parked fact that are read at once.
const DECISIONS_PAGE: usize = 100;

/// A record on its way from its first fact.
pub(crate) struct Course<R: Fold> {
    stream: StreamKey,
    /// The version of the last fact to be taken in.
    until: i64,
    /// The version of the last one that was.
    at: i64,
    is_done: bool,
    /// What it has become.
    pub(crate) record: Option<KeptOf<R>>,
    /// Why it goes no further.
    pub(crate) failed: Option<QueryError>,
}

impl<R: Fold> Course<R> {
    /// Of a stream, up to a version.
    pub(crate) fn new(stream: StreamKey, until: i64) -> Self {
        Self { stream, until, at: 0, is_done: until <= 0, record: None, failed: None }
    }

    /// The version of the last fact that was taken in.
    pub(crate) fn at(&self) -> i64 {
        self.at
    }

    fn goes_on(&self) -> bool {
        !self.is_done && self.failed.is_none()
    }
}

/// A fact as a record takes it in.
pub(crate) struct Taking<'a, R: Fold> {
    /// The place of the record among those that are folded.
    pub(crate) course: usize,
    /// The fact.
    pub(crate) raw: &'a RawFact,
    /// What was before.
    pub(crate) before: Option<&'a KeptOf<R>>,
    /// What is after; none: the fact is skipped.
    pub(crate) after: Option<&'a Option<KeptOf<R>>>,
}

impl QueryError {
    /// Whether a single fact is to blame, for whoever reads it.
    fn is_of_a_fact(&self) -> bool {
        match self {
            Self::Unreadable(_) | Self::Unfoldable(_) => true,
            Self::Vault(error) => !error.is_of_this_process(),
            _ => false,
        }
    }
}

impl Reader {
    /// Folds records up to where each ends and up to a position; each fact of theirs is told.
    ///
    /// # Errors
    /// If the log cannot be read. What keeps one record from being folded stands with it.
    pub(crate) async fn fold_all<R: Fold>(
        &self,
        courses: &mut [Course<R>],
        until: Position,
        mut told: impl FnMut(Taking<'_, R>) + Send,
    ) -> Result<(), QueryError> {
        loop {
            let going = courses.iter().enumerate().filter(|(_, course)| course.goes_on());
            let going: Vec<usize> = going.map(|(place, _)| place).collect();
            if going.is_empty() {
                return Ok(());
            }
            let each = ROUND_FACTS.div_ceil(going.len());
            let span = |place: &usize| {
                let Course { stream, at, until, .. } = courses[*place];
                Span { stream, after: at, until }
            };
            let spans: Vec<Span> = going.iter().map(span).collect();
            let limit = i64::try_from(each).unwrap_or(i64::MAX);
            let (facts, is_all) = self.vault.log().read_streams(&spans, until, limit).await?;
            let mut counts = vec![0; going.len()];
            let opened = self.opened(facts.iter().map(|(_, raw)| raw)).await?;
            for ((place, raw), fact) in facts.iter().zip(opened) {
                counts[*place] += 1;
                let course = going[*place];
                self.take(&mut courses[course], (course, raw, fact), &mut told).await?;
            }
            for (count, place) in counts.into_iter().zip(going) {
                let course = &mut courses[place];
                course.is_done = course.at >= course.until || (is_all && count < each);
            }
        }
    }

    /// Facts, decoded, and what belongs to persons opened; or why one cannot be read.
    async fn opened<'a>(
        &self,
        raw: impl Iterator<Item = &'a RawFact>,
    ) -> Result<Vec<Result<Recorded, QueryError>>, QueryError> {
        let (mut facts, mut places, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for (place, raw) in raw.enumerate() {
            match Recorded::try_from(raw) {
                Ok(fact) => {
                    facts.push(fact);
                    places.push(place);
                    all.push(None);
                }
                Err(error) => all.push(Some(Err(error.into()))),
            }
        }
        let failed = self.vault.open(&mut facts).await?;
        for (fact, place) in facts.into_iter().zip(&places) {
            all[*place] = Some(Ok(fact));
        }
        for (index, error) in failed {
            all[places[index]] = Some(Err(error.into()));
        }
        Ok(all.into_iter().flatten().collect())
    }

    /// A record takes its next fact in, unless it has stopped.
    async fn take<R: Fold>(
        &self,
        course: &mut Course<R>,
        (place, raw, fact): (usize, &RawFact, Result<Recorded, QueryError>),
        told: &mut (impl FnMut(Taking<'_, R>) + Send),
    ) -> Result<(), QueryError> {
        // A record of another feature is none of these.
        if course.failed.is_some() || raw.feature != <R as Record>::Fact::FEATURE {
            course.at = raw.version;
            return Ok(());
        }
        if raw.version > i64::try_from(self.limits().as_of_facts_max).unwrap_or(i64::MAX) {
            course.failed = Some(self.too_long());
            return Ok(());
        }
        let before = course.record.clone();
        let fold = |fact| R::take(before, &fact).map_err(QueryError::Unfoldable);
        let after = match fact.and_then(fold) {
            Ok(after) => Some(after),
            Err(error) if error.is_of_a_fact() && self.is_skipped::<R>(raw).await? => None,
            Err(error) => {
                course.failed = Some(error);
                return Ok(());
            }
        };
        let before = course.record.as_ref();
        told(Taking { course: place, raw, before, after: after.as_ref() });
        course.at = raw.version;
        if let Some(after) = after {
            course.record = after;
        }
        Ok(())
    }

    /// Whether somebody decided that the read model goes on without this fact, where it cannot be
    /// taken in.
    async fn is_skipped<R: Fold>(&self, raw: &RawFact) -> Result<bool, QueryError> {
        let about = ParkedFact {
            projection: R::NAME.to_owned(),
            version: R::VERSION,
            stream_id: raw.stream.id,
            event_id: raw.event_id,
        };
        let organization = raw.stream.organization;
        let id = ParkedId::of(OrganizationId(organization), &about).0;
        let selection =
            Selection { stream: Some(StreamKey { organization, id }), ..Selection::default() };
        let pages = self.vault.log().read(selection, DECISIONS_PAGE);
        pin_mut!(pages);
        while let Some(page) = pages.next().await {
            let decided: Result<Vec<Recorded>, _> = page?.iter().map(Recorded::try_from).collect();
            let skipped =
                |fact: &Recorded| matches!(&fact.event, Event::Parked(ParkedEvent::Skipped { .. }));
            if decided?.iter().any(skipped) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn too_long(&self) -> QueryError {
        let message = format!(
            "the record has more than {} facts up to then, the most that are folded for a query \
             (`queries.as_of_facts_max`); `millrace replay --as-of TIME --schema NAME` makes every \
             read model as it stood at a time",
            self.limits().as_of_facts_max,
        );
        QueryError::Invalid { field: "asOf", message }
    }
}
