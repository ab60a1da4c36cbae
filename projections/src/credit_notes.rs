//! The rows of `read.credit_notes` and `read.credit_note_lines`.

use chrono::{DateTime, NaiveDate, Utc};
use events::credit_notes::{CreditNoteEvent, CreditNotePosted};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::search::{Field, Searched, Weight};
use crate::{At, Kept, Record, micros, word};

crate::table! {
    /// A credit note as it is now. Amounts are what is given back: not below zero.
    record CreditNoteRow in "credit_notes" by credit_note_id found by words {
        /// The credit note.
        credit_note_id: Uuid,
        /// The series that the number is unique in.
        series: String,
        /// Its number within the series.
        number: String,
        /// Who gets the credit.
        customer_id: Uuid,
        /// The customer's name as it was.
        customer_name: String,
        /// The order that it credits, if it refers to one.
        order_id: Option<Uuid>,
        /// The customer's own reference.
        reference: Option<String>,
        /// Why it was given, if that was said.
        reason: Option<String>,
        /// `posted`.
        status: String,
        /// When it was posted.
        posted_at: DateTime<Utc>,
        /// The day it counts for, in the organization's zone.
        business_date: NaiveDate,
        /// The currency of the amounts.
        currency: String,
        /// Where it rounds: `line` or `total`.
        rounding_place: String,
        /// How it rounds: `half_up` or `half_even`.
        rounding_how: String,
        /// The sum of the lines before rounding.
        gross: Decimal,
        /// What the customer owes less.
        net: Decimal,
        /// How many lines it has.
        line_count: i32,
    }
}

crate::table! {
    /// A line of a credit note, as it was posted.
    child CreditNoteLineRow in "credit_note_lines" by credit_note_id, line {
        /// The credit note.
        credit_note_id: Uuid,
        /// Its number within the credit note, from 1.
        line: i32,
        /// The product.
        product_id: Uuid,
        /// Its SKU as it was.
        sku: String,
        /// Its name as it was.
        name: String,
        /// The unit of quantity and price.
        unit: String,
        /// How many are credited.
        quantity: Decimal,
        /// What is given back for one unit.
        unit_price: Decimal,
        /// `list` or `stated`.
        price_source: String,
        /// Quantity × unit price.
        gross: Decimal,
        /// What the line gives back: rounded, if the credit note rounds per line.
        net: Decimal,
        /// The currency of the amounts.
        currency: String,
        /// The position of the fact that posted it.
        position: i64,
    }
}

/// Folds credit notes.
pub struct CreditNotes;

impl Record for CreditNotes {
    const NAME: &'static str = "credit_notes";
    const VERSION: i32 = 4;
    const TABLES: &'static str = include_str!("credit_notes/rows.sql");

    type Fact = CreditNoteEvent;
    type Row = CreditNoteRow;
    type Child = CreditNoteLineRow;

    fn evolve(
        _: Option<Kept<CreditNoteRow, CreditNoteLineRow>>,
        fact: &CreditNoteEvent,
        at: &At,
    ) -> Option<Kept<CreditNoteRow, CreditNoteLineRow>> {
        let CreditNoteEvent::Posted(posted) = fact;
        let mut note = Kept { row: row(posted, at), children: lines(posted, at) };
        note.row.status = fact.moves_to().map(|status| word(&status)).unwrap_or_default();
        Some(note)
    }
}

fn row(posted: &CreditNotePosted, at: &At) -> CreditNoteRow {
    CreditNoteRow {
        organization_id: at.organization.0,
        credit_note_id: at.stream_id,
        series: posted.series.clone(),
        number: posted.number.clone(),
        customer_id: posted.customer_id.0,
        customer_name: posted.customer_name.clone(),
        order_id: posted.order_id.map(|order| order.0),
        reference: posted.reference.clone(),
        reason: posted.reason.clone(),
        status: String::new(),
        posted_at: micros(posted.posted_at),
        business_date: posted.business_date,
        currency: posted.currency.to_string(),
        rounding_place: word(&posted.rounding.place),
        rounding_how: word(&posted.rounding.how),
        gross: posted.gross.0,
        net: posted.net.0,
        line_count: i32::try_from(posted.lines.len()).unwrap_or(i32::MAX),
        version: at.version,
        position: at.position.0,
        changed_at: at.recorded_at,
    }
}

fn lines(posted: &CreditNotePosted, at: &At) -> Vec<CreditNoteLineRow> {
    let lines = posted.lines.iter();
    let row = lines.map(|line| CreditNoteLineRow {
        organization_id: at.organization.0,
        credit_note_id: at.stream_id,
        line: i32::try_from(line.line).unwrap_or(i32::MAX),
        product_id: line.product_id.0,
        sku: line.sku.clone(),
        name: line.name.clone(),
        unit: line.unit.0.clone(),
        quantity: line.quantity.0,
        unit_price: line.unit_price.0,
        price_source: word(&line.price_source),
        gross: line.gross.0,
        net: line.net.0,
        currency: posted.currency.to_string(),
        position: at.position.0,
    });
    row.collect()
}

impl Searched for CreditNoteRow {
    fn fields(&self) -> Vec<Field<'_>> {
        let fields = [
            Field::always("number", Weight::A, &self.number),
            Field::always("customerName", Weight::C, &self.customer_name),
            Field::of("reference", Weight::C, &self.reference),
            Field::of("reason", Weight::D, &self.reason),
        ];
        fields.into_iter().flatten().collect()
    }
}
