//! Numbers in series. A series is opened by its first document, which says by stating a number or
//! none whether numbers are stated or counted: that never changes. Counted numbers have no gaps,
//! for the number, and the document that has it, are one append.

use events::series::{Numbering, SeriesEvent, SeriesId};
use events::words::OrganizationId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Decision;
use crate::documents::NUMBER_CHARACTERS_MAX;
use crate::rejection::{Rejection, text};
use crate::reservations::Claim;
use crate::state::{Needs, State, States};

/// A series, as decisions see it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Series {
    /// Where its numbers come from; none: there is no such series yet.
    pub numbering: Option<Numbering>,
    /// The last number that was counted.
    pub last: u64,
}

impl State for Series {
    type Fact = SeriesEvent;
    const NAME: &'static str = "series";
    const VERSION: i32 = 1;

    fn evolve(&mut self, fact: &SeriesEvent) {
        match fact {
            SeriesEvent::Opened { numbering, .. } => self.numbering = Some(*numbering),
            SeriesEvent::Numbered { number, .. } => self.last = *number,
        }
    }
}

/// A document that wants a number in a series: the one that it states, or the next one.
pub(crate) struct Numbered<'a> {
    /// What kind of document: `credit_note`.
    pub(crate) kind: &'static str,
    /// As what a stated number is claimed: `credit_note_number`.
    pub(crate) claim: &'static str,
    pub(crate) series: &'a str,
    pub(crate) stated: Option<&'a str>,
}

impl Numbered<'_> {
    fn id(&self, organization: OrganizationId) -> SeriesId {
        SeriesId::of(organization, self.kind, self.series)
    }

    pub(crate) fn needs(&self, organization: OrganizationId, needs: &mut Needs) {
        needs.name::<Series>(self.id(organization));
        if let Some(number) = self.stated {
            self.with_claim(number, |claim| claim.needs(organization, needs));
        }
    }

    fn with_claim<T>(&self, number: &str, then: impl FnOnce(Claim<'_>) -> T) -> T {
        then(Claim { kind: self.claim, parts: &[self.series, number], field: "number" })
    }

    /// Gives the document its number, and the series what that does to it.
    pub(crate) fn give(
        &self,
        organization: OrganizationId,
        states: &States,
        holder: impl Into<Uuid>,
        decision: &mut Decision,
    ) -> Result<String, Rejection> {
        let (id, holder) = (self.id(organization), holder.into());
        let series = states.get::<Series>(id)?;
        let wanted = if self.stated.is_some() { Numbering::Stated } else { Numbering::Counted };
        match series.numbering {
            None => {
                let (kind, name) = (self.kind.to_owned(), text("series", self.series, 40)?);
                decision.push(id, SeriesEvent::Opened { kind, name, numbering: wanted });
            }
            Some(numbering) if numbering != wanted => return Err(self.refused(numbering)),
            Some(_) => {}
        }
        let Some(stated) = self.stated else {
            let number = series.last + 1;
            decision.push(id, SeriesEvent::Numbered { number, holder });
            return Ok(number.to_string());
        };
        let number = text("number", stated, NUMBER_CHARACTERS_MAX)?;
        self.with_claim(stated, |claim| claim.claim(organization, states, holder, decision))?;
        Ok(number)
    }

    fn refused(&self, numbering: Numbering) -> Rejection {
        let series = self.series;
        let message = match numbering {
            Numbering::Counted => format!(
                "series `{series}` counts its numbers; leave the number out, or choose another \
                 series",
            ),
            Numbering::Stated => format!(
                "the numbers of series `{series}` are stated; state one, or choose another series",
            ),
        };
        Rejection::invalid("number", message)
    }
}
