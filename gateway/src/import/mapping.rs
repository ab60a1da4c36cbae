//! What a mapping says: how a file of another program's orders is to be read. Each key is
//! explained where it stands; the words that they take parse themselves, in `mapping/words.rs` and
//! `mapping/dates.rs`.

mod dates;
mod words;

use std::path::Path;

use commands::documents::RoundingInput;
use events::words::{Amount, Currency, Unit};
use serde::Deserialize;

pub use dates::{DateFormat, Moment, Zone};
pub use words::{Column, Delimiter, Encoding, Pattern, Place, Quote, Separator};

/// How a file of orders and credit notes is to be read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The currency (ISO 4217) of every amount in the file.
    pub currency: Currency,
    /// The organization to import into; it is registered if there is none with this slug.
    pub organization: Option<Organization>,
    /// How the file is written.
    #[serde(default)]
    pub file: FileShape,
    /// Which column says what.
    pub columns: Columns,
    /// How moments are written.
    pub dates: Dates,
    /// How numbers are written.
    #[serde(default)]
    pub numbers: Numbers,
    /// Which documents are orders, and which are credit notes.
    pub documents: Documents,
    /// What customers get that do not exist yet.
    #[serde(default)]
    pub customers: Customers,
    /// What products get that do not exist yet.
    #[serde(default)]
    pub products: Products,
}

/// The organization to import into.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// Its short name: a-z, 0-9 and hyphens.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The currency of its customers; the file's by default.
    pub currency: Option<Currency>,
    /// The zone of its business days; that of the file's dates by default.
    pub time_zone: Option<Zone>,
}

/// How the file is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileShape {
    /// What stands between two cells: one character; a comma by default.
    pub delimiter: Delimiter,
    /// What cells may stand in; `"` by default, an empty string for none.
    pub quote: Quote,
    /// The encoding's label, as in HTML: `utf-8` by default, `latin1`, `windows-1252`,
    /// `utf-16le`, … A byte order mark in the file decides over it.
    pub encoding: Encoding,
    /// Whether the first row holds the columns' headings; if not, columns are named by number.
    pub headings: bool,
    /// How many cells a row has, where there are no headings; as many as the first by default.
    pub cells: Option<usize>,
}

impl Default for FileShape {
    fn default() -> Self {
        let (delimiter, quote) = (Delimiter(b','), Quote(Some(b'"')));
        Self { delimiter, quote, encoding: Encoding::default(), headings: true, cells: None }
    }
}

/// Which column says what: a heading (or a number, from 1, in a file without headings), or
/// `{ column = …, pattern = … }`, where the regular expression's first group is the value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// The document's number; rows with the same one are one document.
    pub document: Column,
    /// When it was placed; a document's first row decides.
    pub placed_at: Column,
    /// The customer's number.
    pub customer: Column,
    /// The customer's name.
    pub customer_name: Option<Column>,
    /// The product's SKU.
    pub product: Column,
    /// The product's name.
    pub product_name: Option<Column>,
    /// How many.
    pub quantity: Column,
    /// The unit of the quantity; see `products.units`.
    pub unit: Option<Column>,
    /// The price of one unit.
    pub unit_price: Column,
    /// The buyer's own reference; a document's first one decides.
    pub reference: Option<Column>,
}

/// How moments are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    /// As chrono's strftime has it, such as `%d.%m.%Y %H:%M`. Without an hour: the day's start.
    pub format: DateFormat,
    /// The IANA zone of times without an offset, and of business days.
    pub zone: Zone,
}

/// How numbers are written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Numbers {
    /// What stands before the decimals: one character; a point by default.
    pub decimal: char,
    /// What may stand between groups of three digits; nothing by default.
    pub thousands: Separator,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { decimal: '.', thousands: Separator(None) }
    }
}

/// Which documents are orders, and which are credit notes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// Numbers that this regular expression finds something in are orders'.
    pub orders: Option<Pattern>,
    /// And these are credit notes', if they are not orders'.
    pub credit_notes: Option<Pattern>,
    /// The series of their numbers; `external` by default.
    #[serde(default = "external")]
    pub series: String,
    /// How credit notes state quantities; below zero by default.
    #[serde(default)]
    pub credit_quantities: Sign,
    /// What becomes of a document of which a row cannot be taken; it is refused by default.
    #[serde(default)]
    pub incomplete: Incomplete,
    /// Where documents round to the minor unit, and how; per line, half up by default.
    #[serde(default)]
    pub rounding: RoundingInput,
}

fn external() -> String {
    "external".to_owned()
}

/// How credit notes state quantities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// Below zero.
    #[default]
    Negative,
    /// Above zero, as orders do.
    Positive,
}

/// What becomes of a document of which a row cannot be taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Incomplete {
    /// None of its rows is taken: a number is taken once, and half an order is none.
    #[default]
    Refuse,
    /// It is taken without that row.
    SkipRows,
}

/// What customers get that do not exist yet.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Customers {
    /// Stands before the file's numbers.
    pub number_prefix: String,
    /// The name of a customer of which the file states none; `{number}` stands for its number.
    pub name: String,
    /// The customer of documents that state none; without it, their rows are reported.
    pub unknown: Option<UnknownCustomer>,
    /// The most that each may owe; no limit by default.
    pub credit_limit: Option<Amount>,
    /// Days from invoice to due date; 30 by default.
    pub net_days: Option<u16>,
}

impl Default for Customers {
    fn default() -> Self {
        Self {
            number_prefix: String::new(),
            name: "{number}".to_owned(),
            unknown: None,
            credit_limit: None,
            net_days: None,
        }
    }
}

/// The customer of documents that state none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnknownCustomer {
    /// Its number, as it is.
    pub number: String,
    /// Its name.
    pub name: String,
}

/// What products get that do not exist yet.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Products {
    /// Whether more may be promised than is there; history sold what nobody here has received.
    pub backorder: bool,
    /// What they are sold in, where `columns.unit` does not say; `piece` by default.
    pub unit: Unit,
    /// Decimals of a quantity in that unit; 0 by default.
    pub precision: u8,
    /// What the words in `columns.unit` mean.
    pub units: std::collections::BTreeMap<String, UnitMeant>,
}

impl Default for Products {
    fn default() -> Self {
        let unit = Unit("piece".to_owned());
        Self { backorder: true, unit, precision: 0, units: std::collections::BTreeMap::new() }
    }
}

/// What a word in the column of units means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitMeant {
    /// The unit's code, such as `kg`.
    pub unit: Unit,
    /// Decimals of a quantity.
    #[serde(default)]
    pub precision: u8,
}

/// A mapping is wrong, or does not fit the file: which key, what is wrong, what would be right.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MappingError(pub String);

impl Mapping {
    /// Reads a mapping from a file.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn read(path: &Path) -> Result<Self, MappingError> {
        let told =
            |error: &dyn std::fmt::Display| MappingError(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| told(&error))?;
        Self::parse(&text).map_err(|error| told(&error))
    }

    /// Reads a mapping.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let mapping: Self = toml::from_str(text).map_err(|error| {
            MappingError(format!("the mapping cannot be used: {}", error.to_string().trim_end()))
        })?;
        mapping.check()?;
        Ok(mapping)
    }

    /// What no key alone shows to be wrong.
    fn check(&self) -> Result<(), MappingError> {
        let wrong = |key: &str, what: &str| Err(MappingError(format!("`{key}`: {what}")));
        let (file, numbers, documents) = (&self.file, &self.numbers, &self.documents);
        if Some(file.delimiter.0) == file.quote.0 {
            return wrong("file.quote", "is the delimiter too; one of them has to be another");
        }
        if file.headings && file.cells.is_some() {
            return wrong("file.cells", "the headings say how many there are; leave it out");
        }
        if numbers.decimal.is_ascii_digit() || "+-".contains(numbers.decimal) {
            return wrong("numbers.decimal", "a digit or a sign is no separator; use . or ,");
        }
        if Some(numbers.decimal) == numbers.thousands.0 {
            return wrong("numbers.thousands", "is `numbers.decimal` too: `1.234` would be both");
        }
        if documents.orders.is_none() && documents.credit_notes.is_none() {
            return wrong(
                "documents",
                "no document would be taken: state `orders`, such as '^[0-9]+$'",
            );
        }
        let series = &documents.series;
        if series.trim() != series || series.is_empty() || series.contains('/') {
            return wrong("documents.series", "a series is a word without `/`, such as external");
        }
        match (&self.columns.unit, self.products.units.is_empty()) {
            (Some(_), true) => {
                return wrong(
                    "products.units",
                    "say what the words of `columns.unit` mean, such as \
                    units = { pcs = { unit = \"piece\" } }",
                );
            }
            (None, false) => {
                return wrong(
                    "products.units",
                    "no column says the unit; state `columns.unit` too",
                );
            }
            _ => {}
        }
        self.columns.check(file.headings)
    }
}

impl Columns {
    /// Every column that is mapped, by its key.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Column)> {
        [
            ("document", Some(&self.document)),
            ("placed_at", Some(&self.placed_at)),
            ("customer", Some(&self.customer)),
            ("customer_name", self.customer_name.as_ref()),
            ("product", Some(&self.product)),
            ("product_name", self.product_name.as_ref()),
            ("quantity", Some(&self.quantity)),
            ("unit", self.unit.as_ref()),
            ("unit_price", Some(&self.unit_price)),
            ("reference", self.reference.as_ref()),
        ]
        .into_iter()
        .filter_map(|(key, column)| Some((key, column?)))
    }

    fn check(&self, headings: bool) -> Result<(), MappingError> {
        for (key, column) in self.all() {
            let wrong = match (&column.place, headings) {
                (Place::Number(_), true) => {
                    "a number, but the file has headings (`file.headings`): name the heading"
                }
                (Place::Heading(_), false) => {
                    "a heading, but the file has none (`file.headings`): give the number, from 1"
                }
                _ => continue,
            };
            return Err(MappingError(format!("`columns.{key}`: {wrong}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
