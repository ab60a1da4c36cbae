//! Rows put together again: a document is complete with its last row, wherever in the file that
//! stands, and becomes a command. The same file makes the same commands, whenever it is read.

use std::collections::HashMap;

use commands::credit_notes::post::{CreditNoteLineInput, PostCreditNote};
use commands::orders::place::{OrderLineInput, PlaceOrder};
use events::customers::CustomerId;
use events::products::ProductId;
use events::words::{Quantity, UnitPrice};
use tokio::sync::mpsc;

use super::ImportError;
use super::mapping::{Mapping, Moment};
use super::row::{Kind, Row};
use super::survey::Survey;
use super::task::Task;

/// A document, whole.
#[derive(Debug)]
pub struct Document {
    /// Its index in the survey.
    pub index: u32,
    /// When it was placed: its first row decides.
    pub placed: Moment,
    /// The buyer's own reference: the first row that has one decides.
    pub reference: Option<String>,
    /// Its lines, in the order of the file.
    pub lines: Vec<Line>,
}

/// A line of a document.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// The line of the file.
    pub line: u64,
    /// Its product, by index in the survey.
    pub product: u32,
    /// How many.
    pub quantity: Quantity,
    /// The price of one.
    pub unit_price: UnitPrice,
}

/// Reads the file, and sends every document that is taken once it is complete.
///
/// # Errors
/// If the file cannot be read, or is not what the survey saw.
pub fn send(
    task: &Task,
    survey: &Survey,
    documents: &mpsc::Sender<Document>,
) -> Result<(), ImportError> {
    let mut open: HashMap<u32, Document> = HashMap::new();
    let changed = || ImportError::Work("the file was changed while it was imported".to_owned());
    task.each_row(|_, row| {
        let Ok(row) = row else { return Ok(()) };
        let Some(belongs) = survey.taken(task, &row) else { return Ok(()) };
        let index = belongs.document;
        let document = open.entry(index).or_insert_with(|| Document {
            index,
            placed: row.placed,
            reference: None,
            lines: Vec::new(),
        });
        document.push(&row, belongs.product);
        if document.lines.len() < survey.documents.at(index).rows as usize {
            return Ok(());
        }
        let document = open.remove(&index).ok_or_else(changed)?;
        // Nobody receives any more: whoever did knows why.
        documents.blocking_send(document).map_err(|_| ImportError::Work("stopped".to_owned()))
    })?;
    if open.is_empty() { Ok(()) } else { Err(changed()) }
}

impl Document {
    fn push(&mut self, row: &Row<'_>, product: u32) {
        if self.reference.is_none() && !row.reference.is_empty() {
            self.reference = Some(row.reference.to_owned());
        }
        let (line, quantity, unit_price) = (row.line, row.quantity, row.unit_price);
        self.lines.push(Line { line, product, quantity, unit_price });
    }

    /// The command that places it as an order.
    #[must_use]
    pub fn order(
        &self,
        number: &str,
        mapping: &Mapping,
        customer_id: CustomerId,
        product_id: impl Fn(u32) -> ProductId,
    ) -> PlaceOrder {
        let line = |line: &Line| OrderLineInput {
            product_id: product_id(line.product),
            quantity: line.quantity,
            unit_price: Some(line.unit_price),
            warehouse_id: None,
        };
        PlaceOrder {
            customer_id,
            lines: self.lines.iter().map(line).collect(),
            number: Some(number.to_owned()),
            series: Some(mapping.documents.series.clone()),
            reference: self.reference.clone(),
            placed_at: Some(self.placed.at),
            business_date: Some(self.placed.day),
            rounding: Some(mapping.documents.rounding),
            credit_override: None,
        }
    }

    /// The command that posts it as a credit note.
    #[must_use]
    pub fn credit_note(
        &self,
        number: &str,
        mapping: &Mapping,
        customer_id: CustomerId,
        product_id: impl Fn(u32) -> ProductId,
    ) -> PostCreditNote {
        let line = |line: &Line| CreditNoteLineInput {
            product_id: product_id(line.product),
            quantity: line.quantity,
            unit_price: Some(line.unit_price),
        };
        PostCreditNote {
            customer_id,
            lines: self.lines.iter().map(line).collect(),
            order_id: None,
            number: Some(number.to_owned()),
            series: Some(mapping.documents.series.clone()),
            reference: self.reference.clone(),
            reason: None,
            posted_at: Some(self.placed.at),
            business_date: Some(self.placed.day),
            rounding: Some(mapping.documents.rounding),
        }
    }
}

impl Kind {
    /// What its ids and keys are made with.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Order => "orders",
            Self::CreditNote => "credit_notes",
        }
    }
}
