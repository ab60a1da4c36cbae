//! What decisions need to know of a credit note.

pub mod post;

use events::credit_notes::{CreditNoteEvent, CreditNoteStatus};
use serde::{Deserialize, Serialize};

use crate::state::State;

/// A credit note, as decisions see it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct CreditNote {
    /// None: there is no such credit note.
    pub status: Option<CreditNoteStatus>,
}

impl State for CreditNote {
    type Fact = CreditNoteEvent;
    const NAME: &'static str = "credit_note";
    const VERSION: i32 = 1;

    fn evolve(&mut self, fact: &CreditNoteEvent) {
        self.status = fact.moves_to().or(self.status);
    }
}
