//! Credit notes: one, a list, their lines.

use std::collections::HashMap;

use events::access::Access;
use projections::credit_notes::CreditNotes;
pub use projections::credit_notes::{CreditNoteLineRow, CreditNoteRow};
use uuid::Uuid;

use crate::fields::{Kind, List, Listed, field};
use crate::sort::Direction;
use crate::{QueryError, Reader, Seen};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["credit_notes", "orders", "customers", "credit"];

impl Listed for CreditNoteRow {
    type Record = CreditNotes;

    const LIST: &'static List = &List {
        feature: "credit_notes",
        table: "credit_notes",
        fields: &[
            field("credit_note_id", Kind::Id, "The credit note."),
            field("number", Kind::Text, "Its number within its series."),
            field("customer_id", Kind::Id, "Whose it is."),
            field("order_id", Kind::Id, "The order that it is about, if it is about one.")
                .nullable(),
            field("posted_at", Kind::Time, "When it was posted."),
            field("business_date", Kind::Day, "The day it counts for, in the organization's zone."),
            field("net", Kind::Number, "What the customer owes less: above zero."),
            field("changed_at", Kind::Time, "When its last fact was recorded."),
        ],
        sorted: &[("posted_at", Direction::Descending)],
        sums: &[
            field("gross", Kind::Number, "The sum of the lines before rounding: above zero."),
            field("net", Kind::Number, "What the customers owe less: above zero."),
            field("line_count", Kind::Whole, "How many lines."),
        ],
        groups: &[
            field("currency", Kind::Text, "The currency of the amounts (ISO 4217)."),
            field("customer_id", Kind::Id, "Whose they are."),
        ],
    };
}

impl Reader {
    /// A credit note.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn credit_note(
        &self,
        access: &Access,
        id: Uuid,
    ) -> Result<Option<Seen<CreditNoteRow>>, QueryError> {
        self.record::<CreditNotes>(access, "credit_notes", id).await
    }

    /// Several, by id.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn credit_notes_by_id(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Seen<CreditNoteRow>>, QueryError> {
        self.records::<CreditNotes>(access, "credit_notes", ids).await
    }

    /// The lines of credit notes, by credit note, each in order.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn credit_note_lines(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Seen<CreditNoteLineRow>>>, QueryError> {
        self.children::<CreditNotes>(access, "credit_notes", ids).await
    }
}
