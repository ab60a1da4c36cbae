//! Credit notes: one, a list, their lines.

use std::collections::HashMap;

use events::access::Access;
pub use projections::credit_notes::{CreditNoteLineRow, CreditNoteRow};
use uuid::Uuid;

use crate::page::{Conditions, Cursor, Listed, Page, PageArgs};
use crate::{QueryError, Reader};

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
    ) -> Result<Option<CreditNoteRow>, QueryError> {
        self.row(access, "credit_notes", "credit_note_id = $2", &[&id]).await
    }

    /// The lines of credit notes, by credit note, each in order.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn credit_note_lines(
        &self,
        access: &Access,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<CreditNoteLineRow>>, QueryError> {
        let condition = "credit_note_id = any($2) order by credit_note_id, line";
        let mut lines: HashMap<Uuid, Vec<CreditNoteLineRow>> = HashMap::new();
        let rows: Vec<CreditNoteLineRow> =
            self.rows(access, "credit_notes", condition, &[&ids]).await?;
        for line in rows {
            lines.entry(line.credit_note_id).or_default().push(line);
        }
        Ok(lines)
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
    ) -> Result<Page<CreditNoteRow>, QueryError> {
        let mut conditions = Conditions::new();
        conditions.equal("customer_id", &filter.customer_id);
        conditions.equal("order_id", &filter.order_id);
        self.page(access, conditions, page).await
    }
}
