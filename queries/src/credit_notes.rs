//! Credit notes: one, a list, their lines.

use std::collections::HashMap;

use events::access::Access;
use projections::credit_notes::CreditNotes;
pub use projections::credit_notes::{CreditNoteLineRow, CreditNoteRow};
use uuid::Uuid;

use crate::page::{Conditions, Cursor, Listed, Page, PageArgs};
use crate::{QueryError, Reader, Seen};

/// What these queries read, and what stands in their records.
pub const READS: &[&str] = &["credit_notes", "orders", "customers", "credit"];

/// Which credit notes. Everything that is set has to fit.
#[derive(Debug, Clone, Default)]
pub struct CreditNoteFilter {
    /// Of this customer.
    pub customer_id: Option<Uuid>,
    /// About this order.
    pub order_id: Option<Uuid>,
}

impl Listed for CreditNoteRow {
    const FEATURE: &'static str = "credit_notes";
    const TIME: &'static str = "posted_at";

    fn cursor(&self) -> Cursor {
        Cursor { at: self.posted_at, id: self.credit_note_id }
    }
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

    /// A page of credit notes, the latest first.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn credit_notes(
        &self,
        access: &Access,
        filter: &CreditNoteFilter,
        page: &PageArgs,
    ) -> Result<Page<Seen<CreditNoteRow>>, QueryError> {
        let mut conditions = Conditions::new();
        conditions.equal("customer_id", &filter.customer_id);
        conditions.equal("order_id", &filter.order_id);
        self.page(access, conditions, page).await
    }
}
