//! What an import came to, for people and for programs.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::time::Duration;

use events::words::Currency;
use indicatif::HumanCount;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::ImportError;
use super::execution::{Executed, Taken};
use super::mapping::Mapping;
use super::names::Names;
use super::report::Counted;
use super::row::Kind;
use super::survey::Survey;

/// What an import came to.
#[derive(Debug)]
pub struct Summary {
    /// Whether the file was only looked at: then what is said to be created would have been, as far
    /// as it is not there already.
    pub validated_only: bool,
    /// The file's name.
    pub file: String,
    /// The organization's slug, if anybody said it.
    pub organization: Option<String>,
    /// Of all amounts.
    pub currency: Currency,
    /// Rows of the file.
    pub rows: u64,
    /// How many stand in the report.
    pub reported: u64,
    /// Where the report is.
    pub report: PathBuf,
    /// The orders.
    pub orders: Taken,
    /// The credit notes; they come to the opposite of what their lines do.
    pub credit_notes: Taken,
    /// Customers that were created.
    pub customers: u64,
    /// Products that were created.
    pub products: u64,
    /// Facts that were appended.
    pub facts: u64,
    /// How long it took, read models included.
    pub took: Duration,
}

impl Summary {
    /// Of a file that was only looked at.
    #[must_use]
    pub fn of_survey(survey: &Survey, counted: &Counted, mapping: &Mapping) -> Self {
        let of = |kind: Kind| {
            let documents = survey.documents.list.iter();
            documents.filter(|document| document.is_taken() && document.kind == kind).count()
        };
        let taken = |kind, lines| Taken { created: of(kind) as u64, there_already: 0, lines };
        let customers = survey.customers.list.iter().filter(|customer| customer.used);
        let products = survey.products.list.iter().filter(|product| product.used);
        Self {
            validated_only: true,
            file: String::new(),
            organization: None,
            currency: mapping.currency,
            rows: survey.rows,
            reported: counted.reported,
            report: PathBuf::new(),
            orders: taken(Kind::Order, counted.orders),
            credit_notes: taken(Kind::CreditNote, counted.credit_notes),
            customers: customers.count() as u64,
            products: products.count() as u64,
            facts: 0,
            took: Duration::ZERO,
        }
    }

    /// Of a file that was imported.
    ///
    /// # Errors
    /// If what was executed is not what the report leaves: a mistake of ours.
    pub fn of_import(
        survey: &Survey,
        names: &Names,
        executed: Executed,
        counted: &Counted,
        mapping: &Mapping,
    ) -> Result<Self, ImportError> {
        let (orders, credit_notes) = (executed.orders, executed.credit_notes);
        if (orders.lines, credit_notes.lines) != (counted.orders, counted.credit_notes) {
            return Err(ImportError::Work(format!(
                "the report leaves {counted:?}, but {:?} and {:?} were imported: the report cannot \
                 be trusted",
                orders.lines, credit_notes.lines
            )));
        }
        Ok(Self {
            validated_only: false,
            orders,
            credit_notes,
            customers: names.customers_created,
            products: names.products_created,
            facts: names.facts + executed.facts,
            ..Self::of_survey(survey, counted, mapping)
        })
    }

    fn taken(&self) -> u64 {
        self.orders.lines.lines + self.credit_notes.lines.lines
    }

    fn per_second(&self, count: u64) -> u64 {
        (count as f64 / self.took.as_secs_f64().max(1e-3)) as u64
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let documents = |taken: &Taken, gross: Decimal| {
            json!({
                "created": taken.created,
                "there_already": taken.there_already,
                "lines": taken.lines.lines,
                "gross": gross.normalize().to_string(),
            })
        };
        json!({
            "validated_only": self.validated_only,
            "file": self.file,
            "organization": self.organization,
            "currency": self.currency,
            "rows": self.rows,
            "taken": self.taken(),
            "reported": self.reported,
            "report": self.report,
            "orders": documents(&self.orders, self.orders.lines.gross),
            "credit_notes": documents(&self.credit_notes, -self.credit_notes.lines.gross),
            "customers_created": self.customers,
            "products_created": self.products,
            "facts": self.facts,
            "seconds": (self.took.as_secs_f64() * 1_000.0).round() / 1_000.0,
            "rows_per_second": self.per_second(self.rows),
            "facts_per_second": self.per_second(self.facts),
        })
    }

    fn documents(
        &self,
        f: &mut Formatter<'_>,
        what: &str,
        taken: &Taken,
        gross: Decimal,
    ) -> fmt::Result {
        let counts = match self.validated_only {
            true => format!("{}", HumanCount(taken.created)),
            false => format!(
                "{} created, {} there already",
                HumanCount(taken.created),
                HumanCount(taken.there_already)
            ),
        };
        let (lines, currency) = (HumanCount(taken.lines.lines), self.currency);
        writeln!(f, "{what:<13} {counts}: {lines} lines, {} {currency}", gross.normalize())
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (file, seconds) = (&self.file, self.took.as_secs_f64());
        let made = match (self.validated_only, &self.organization) {
            (true, _) => {
                writeln!(f, "{file} was looked at in {seconds:.1} s; nothing was written")?;
                writeln!(f, "it would bring, unless it is there already:")?;
                "named"
            }
            (false, organization) => {
                let into = organization.as_ref().map(|slug| format!(" into {slug}"));
                let into = into.unwrap_or_default();
                writeln!(f, "{file} was imported{into} in {seconds:.1} s")?;
                if self.facts == 0 {
                    writeln!(f, "nothing changed: everything was there already")?;
                }
                "created"
            }
        };
        self.documents(f, "orders", &self.orders, self.orders.lines.gross)?;
        self.documents(f, "credit notes", &self.credit_notes, -self.credit_notes.lines.gross)?;
        writeln!(f, "{:<13} {} {made}", "customers", HumanCount(self.customers))?;
        writeln!(f, "{:<13} {} {made}", "products", HumanCount(self.products))?;
        if !self.validated_only {
            let (facts, rate) = (HumanCount(self.facts), HumanCount(self.per_second(self.facts)));
            writeln!(f, "{:<13} {facts} appended, {rate} a second", "facts")?;
        }
        let (rows, taken) = (HumanCount(self.rows), HumanCount(self.taken()));
        let (reported, report) = (HumanCount(self.reported), self.report.display());
        let rate = HumanCount(self.per_second(self.rows));
        writeln!(f, "{:<13} {rows}, {rate} a second: {taken} taken", "rows")?;
        write!(f, "{:<13} {reported} not taken: {report} says which, and why", "")
    }
}
