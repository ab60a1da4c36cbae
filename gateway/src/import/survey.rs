//! What a whole file holds: its documents, customers and products, and which documents cannot be
//! taken. Memory grows with these, never with rows. Made by reading the file once; afterwards every
//! row is judged beside the others without another look at them.

mod table;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use commands::customers::open::NAME_CHARACTERS_MAX as CUSTOMER_NAME_MAX;
use commands::documents::LINES_MAX;
use commands::products::create::NAME_CHARACTERS_MAX as PRODUCT_NAME_MAX;
use commands::rejection::text;

pub use table::Table;

use super::ImportError;
use super::mapping::{Incomplete, UnitMeant};
use super::row::{Fault, Kind, Row};
use super::task::Task;

/// A document of the file.
#[derive(Debug)]
pub struct Document {
    /// Its number.
    pub number: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// How many rows of it can be taken.
    pub rows: u32,
    /// The lines of the first and of the last of these.
    pub lines: (u64, u64),
    /// Its customer, by index.
    pub customer: u32,
    /// Why it is not taken, if it is not.
    pub refusal: Option<Box<Refusal>>,
}

/// Why a document is not taken: what is wrong with which of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The line of the row.
    pub line: u64,
    /// A key of the mapping's columns, or `row`.
    pub field: &'static str,
    /// What is wrong.
    pub reason: String,
}

/// A customer that the file names.
#[derive(Debug)]
pub struct Customer {
    /// Its number.
    pub number: Arc<str>,
    /// Its name: the first in the file that can be one.
    pub name: Option<Box<str>>,
    /// Whether a document that is taken names it.
    pub used: bool,
}

/// A product that the file names.
#[derive(Debug)]
pub struct Product {
    /// Its SKU.
    pub sku: Arc<str>,
    /// Its name: the first in the file that can be one.
    pub name: Option<Box<str>>,
    /// Its unit: the first in the file; none: no column says.
    pub unit: Option<UnitMeant>,
    /// The line that says so.
    line: u64,
    /// Whether a document that is taken names it.
    pub used: bool,
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Survey {
    /// How many rows it has.
    pub rows: u64,
    /// Its documents.
    pub documents: Table<Document>,
    /// The customers that they name.
    pub customers: Table<Customer>,
    /// The products that they name.
    pub products: Table<Product>,
}

/// What a row belongs to, by index.
#[derive(Debug, Clone, Copy)]
pub struct Belongs {
    /// Its document.
    pub document: u32,
    /// Its product.
    pub product: u32,
}

impl Survey {
    /// Reads the file once.
    ///
    /// # Errors
    /// If it cannot be read, or holds more than the limits allow.
    pub fn of(task: &Task) -> Result<Self, ImportError> {
        let mut survey = Self::default();
        task.progress.begin("bytes read", task.source.bytes);
        task.each_row(|cells, row| {
            survey.rows += 1;
            task.tell_rows(survey.rows);
            let judged = match row {
                Ok(row) => survey.enter(task, &row)?,
                Err(fault) => Err(fault),
            };
            match judged {
                Ok(()) => Ok(()),
                Err(fault) => survey.refuse(task, cells.line, fault),
            }
        })?;
        survey.refuse_long_ones();
        survey.check_open_rows(task.limits.open_rows_max)?;
        survey.keep_used(task)?;
        Ok(survey)
    }

    /// Takes in a row that can be taken by itself.
    fn enter<'a>(
        &mut self,
        task: &Task,
        row: &Row<'a>,
    ) -> Result<Result<(), Fault<'a>>, ImportError> {
        let Some(document) = self.enter_document(task, row.document, row.kind) else {
            return Err(too_many("documents", "documents_max", task.limits.documents_max));
        };
        let max = task.limits.names_max;
        let customer = self.customers.enter(&task.customer_number(row), max, |number| Customer {
            number,
            name: None,
            used: false,
        });
        let product = self.products.enter(row.product, max, |sku| Product {
            sku,
            name: None,
            unit: row.unit.cloned(),
            line: row.line,
            used: false,
        });
        let (Some(customer), Some(product)) = (customer, product) else {
            return Err(too_many("customers or products", "names_max", max));
        };
        let entry = self.documents.at_mut(document);
        if entry.rows == 0 {
            entry.customer = customer;
            entry.lines = (row.line, row.line);
        }
        if let Err(fault) = self.consistent(row, document, customer, product) {
            return Ok(Err(fault));
        }
        let entry = self.documents.at_mut(document);
        entry.rows += 1;
        entry.lines.1 = row.line;
        self.name(task, row, customer, product);
        Ok(Ok(()))
    }

    fn enter_document(&mut self, task: &Task, number: &str, kind: Kind) -> Option<u32> {
        self.documents.enter(number, task.limits.documents_max, |number| Document {
            number,
            kind,
            rows: 0,
            lines: (0, 0),
            customer: 0,
            refusal: None,
        })
    }

    /// A row that can be taken names these.
    fn name(&mut self, task: &Task, row: &Row<'_>, customer: u32, product: u32) {
        let can_be = |name: &str, max| text("name", name, max).ok().map(String::into_boxed_str);
        let customer = self.customers.at_mut(customer);
        customer.used = true;
        if customer.name.is_none() {
            let unknown = task.mapping.customers.unknown.as_ref();
            customer.name = match (row.customer, unknown) {
                (None, Some(unknown)) => can_be(&unknown.name, CUSTOMER_NAME_MAX),
                _ => can_be(row.customer_name, CUSTOMER_NAME_MAX),
            };
        }
        let product = self.products.at_mut(product);
        product.used = true;
        if product.name.is_none() {
            product.name = can_be(row.product_name, PRODUCT_NAME_MAX);
        }
    }

    /// Whether a row says the same of its document and its product as the first that spoke of them.
    fn consistent<'a>(
        &self,
        row: &Row<'a>,
        document: u32,
        customer: u32,
        product: u32,
    ) -> Result<(), Fault<'a>> {
        let (entry, product) = (self.documents.at(document), self.products.at(product));
        let fault = |field, reason| {
            Err(Fault { document: row.document, kind: Some(row.kind), field, reason })
        };
        if entry.customer != customer {
            let theirs = &self.customers.at(entry.customer).number;
            let first = entry.lines.0;
            let reason = format!("the document is customer {theirs}'s by row {first}");
            return fault("customer", reason);
        }
        if product.unit.as_ref() != row.unit {
            let unit = product.unit.as_ref().map_or("", |meant| &meant.unit.0);
            let (sku, line) = (&product.sku, product.line);
            let reason = format!("product {sku} is sold in {unit} by row {line}");
            return fault("unit", reason);
        }
        Ok(())
    }

    /// A row cannot be taken: nor can its document, unless the mapping lets that be incomplete.
    fn refuse(&mut self, task: &Task, line: u64, fault: Fault<'_>) -> Result<(), ImportError> {
        let (number, Some(kind)) = (fault.document, fault.kind) else {
            return Ok(());
        };
        if task.mapping.documents.incomplete == Incomplete::SkipRows {
            return Ok(());
        }
        let Some(document) = self.enter_document(task, number, kind) else {
            return Err(too_many("documents", "documents_max", task.limits.documents_max));
        };
        let (field, reason) = (fault.field, fault.reason);
        let refusal = || Box::new(Refusal { line, field, reason });
        self.documents.at_mut(document).refusal.get_or_insert_with(refusal);
        Ok(())
    }

    fn refuse_long_ones(&mut self) {
        for document in &mut self.documents.list {
            if document.rows as usize > LINES_MAX && document.refusal.is_none() {
                let reason = format!("{} lines; a document has at most {LINES_MAX}", document.rows);
                let (line, field) = (document.lines.0, "document");
                document.refusal = Some(Box::new(Refusal { line, field, reason }));
            }
        }
    }

    /// The rows of a document that has begun are kept until it ends. How many that may be at once
    /// is known from where documents begin and end: more than the limit are refused before anything
    /// is written.
    fn check_open_rows(&self, max: usize) -> Result<(), ImportError> {
        let taken = self.documents.list.iter().filter(|document| document.is_taken());
        let mut begins: Vec<(u64, u64, u32)> =
            taken.map(|document| (document.lines.0, document.lines.1, document.rows)).collect();
        begins.sort_unstable();
        let (mut open, mut ends) = (0_usize, BinaryHeap::<Reverse<(u64, u32)>>::new());
        for (first, last, rows) in begins {
            while let Some(Reverse((_, ended))) = ends.peek().filter(|end| end.0.0 < first) {
                open -= *ended as usize;
                ends.pop();
            }
            open += rows as usize;
            ends.push(Reverse((last, rows)));
            if open > max {
                return Err(ImportError::Usage(format!(
                    "documents are mixed in the file: around line {first}, rows of {} of them \
                     stand between each other, and {open} rows would have to be kept; sort the \
                     file by document, or raise `import.open_rows_max` ({max})",
                    ends.len()
                )));
            }
        }
        Ok(())
    }

    /// Of what rows name, keeps the mark of what documents that are taken name: nothing else is
    /// going to be created. Only where such rows stand in refused documents is that in doubt.
    fn keep_used(&mut self, task: &Task) -> Result<(), ImportError> {
        if self.documents.list.iter().all(|document| document.is_taken() || document.rows == 0) {
            return Ok(());
        }
        self.customers.list.iter_mut().for_each(|customer| customer.used = false);
        self.products.list.iter_mut().for_each(|product| product.used = false);
        task.progress.begin("bytes read again", task.source.bytes);
        let mut rows = 0_u64;
        task.each_row(|_, row| {
            rows += 1;
            task.tell_rows(rows);
            let Ok(row) = row else { return Ok(()) };
            if let Some(belongs) = self.taken(task, &row) {
                let customer = self.documents.at(belongs.document).customer;
                self.customers.at_mut(customer).used = true;
                self.products.at_mut(belongs.product).used = true;
            }
            Ok(())
        })
    }

    /// What a row belongs to; none: the survey did not see this file.
    ///
    /// # Errors
    /// Why the row cannot be taken beside the others.
    pub fn belongs<'a>(&self, task: &Task, row: &Row<'a>) -> Result<Option<Belongs>, Fault<'a>> {
        let customer = self.customers.index(&task.customer_number(row));
        let document = self.documents.index(row.document);
        let product = self.products.index(row.product);
        let (Some(document), Some(customer), Some(product)) = (document, customer, product) else {
            return Ok(None);
        };
        self.consistent(row, document, customer, product)?;
        Ok(Some(Belongs { document, product }))
    }

    /// What a row belongs to, if it and its document are taken.
    #[must_use]
    pub fn taken(&self, task: &Task, row: &Row<'_>) -> Option<Belongs> {
        let belongs = self.belongs(task, row).ok().flatten();
        belongs.filter(|belongs| self.documents.at(belongs.document).refusal.is_none())
    }
}

impl Document {
    /// Whether it is taken, as far as is known: it has rows, and none is in its way.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.rows > 0 && self.refusal.is_none()
    }
}

fn too_many(what: &str, key: &str, max: usize) -> ImportError {
    ImportError::Usage(format!(
        "the file names more than {max} {what} (`import.{key}`); split it, or raise the limit"
    ))
}

#[cfg(test)]
mod tests;
