//! Where the mapped columns stand in a file, and what the cells in them come to as text. What the
//! text means stands in `row`.

use regex::Regex;

use super::mapping::{Column, Columns, Mapping, MappingError, Place};
use super::reading::{Cells, ReadError, Source, quoted};

/// Where the mapped columns stand.
#[derive(Debug)]
pub struct Layout {
    /// How many cells a row has.
    pub cells: usize,
    /// See [`Columns::document`], and so on.
    pub document: Spot,
    /// See [`Columns::placed_at`].
    pub placed_at: Spot,
    /// See [`Columns::customer`].
    pub customer: Spot,
    /// See [`Columns::customer_name`].
    pub customer_name: Option<Spot>,
    /// See [`Columns::product`].
    pub product: Spot,
    /// See [`Columns::product_name`].
    pub product_name: Option<Spot>,
    /// See [`Columns::quantity`].
    pub quantity: Spot,
    /// See [`Columns::unit`].
    pub unit: Option<Spot>,
    /// See [`Columns::unit_price`].
    pub unit_price: Spot,
    /// See [`Columns::reference`].
    pub reference: Option<Spot>,
}

/// Where one column stands, and which part of its cells is meant.
#[derive(Debug)]
pub struct Spot {
    index: usize,
    pattern: Option<Regex>,
}

/// A file cannot be laid out.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The mapping does not fit it.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

impl Layout {
    /// Where the columns stand in a file, by its first row.
    ///
    /// # Errors
    /// If the file cannot be read, or lacks a column.
    pub fn find(source: &Source, mapping: &Mapping) -> Result<Self, LayoutError> {
        let mut rows = source.rows(&mapping.file)?;
        let first = rows.next_row()?;
        let headings = mapping.file.headings;
        match (&first, headings) {
            (None, true) => {
                let message = "the file is empty: it has no headings (`file.headings`)";
                Err(MappingError(message.to_owned()).into())
            }
            (Some(first), true) => {
                let headings: Vec<&str> = first.iter().map(str::trim).collect();
                let heading = |key: &str, column: &Column| by_heading(key, column, &headings);
                Ok(Self::of(&mapping.columns, headings.len(), heading)?)
            }
            (first, false) => {
                let cells = mapping.file.cells.or(first.as_ref().map(Cells::len));
                let number = |key: &str, column: &Column| by_number(key, column, cells);
                Ok(Self::of(&mapping.columns, cells.unwrap_or(0), number)?)
            }
        }
    }

    fn of(
        columns: &Columns,
        cells: usize,
        index: impl Fn(&str, &Column) -> Result<usize, MappingError>,
    ) -> Result<Self, MappingError> {
        let spot = |key, column: &Column| {
            let pattern = column.pattern.as_ref().map(|pattern| pattern.0.clone());
            Ok(Spot { index: index(key, column)?, pattern })
        };
        let optional = |key, column: &Option<Column>| {
            column.as_ref().map(|column| spot(key, column)).transpose()
        };
        Ok(Self {
            cells,
            document: spot("document", &columns.document)?,
            placed_at: spot("placed_at", &columns.placed_at)?,
            customer: spot("customer", &columns.customer)?,
            customer_name: optional("customer_name", &columns.customer_name)?,
            product: spot("product", &columns.product)?,
            product_name: optional("product_name", &columns.product_name)?,
            quantity: spot("quantity", &columns.quantity)?,
            unit: optional("unit", &columns.unit)?,
            unit_price: spot("unit_price", &columns.unit_price)?,
            reference: optional("reference", &columns.reference)?,
        })
    }

    /// The key of the mapping whose column stands at an index.
    #[must_use]
    pub fn key_at(&self, index: usize) -> Option<&'static str> {
        let at = |spot: &Spot| spot.index == index;
        let optional = |spot: &Option<Spot>| spot.as_ref().is_some_and(at);
        let keys = [
            ("document", at(&self.document)),
            ("placed_at", at(&self.placed_at)),
            ("customer", at(&self.customer)),
            ("customer_name", optional(&self.customer_name)),
            ("product", at(&self.product)),
            ("product_name", optional(&self.product_name)),
            ("quantity", at(&self.quantity)),
            ("unit", optional(&self.unit)),
            ("unit_price", at(&self.unit_price)),
            ("reference", optional(&self.reference)),
        ];
        keys.into_iter().find_map(|(key, is)| is.then_some(key))
    }
}

fn by_heading(key: &str, column: &Column, headings: &[&str]) -> Result<usize, MappingError> {
    let Place::Heading(wanted) = &column.place else {
        return Err(MappingError(format!("`columns.{key}`: name the heading")));
    };
    let mut found = (0..headings.len()).filter(|index| headings[*index] == wanted);
    let there = || format!("the file has `{}`", headings.join("`, `"));
    match (found.next(), found.next()) {
        (Some(index), None) => Ok(index),
        (None, _) => Err(MappingError(format!(
            "`columns.{key}`: there is no heading `{wanted}`; {} (see `file.delimiter`, \
             `file.encoding`)",
            there()
        ))),
        (Some(_), Some(_)) => Err(MappingError(format!(
            "`columns.{key}`: several columns are headed `{wanted}`; {}; rename one",
            there()
        ))),
    }
}

fn by_number(key: &str, column: &Column, cells: Option<usize>) -> Result<usize, MappingError> {
    let Place::Number(number) = column.place else {
        return Err(MappingError(format!("`columns.{key}`: give the column's number")));
    };
    match cells {
        Some(cells) if number > cells => Err(MappingError(format!(
            "`columns.{key}`: there is no column {number}; rows have {cells} cells (see \
             `file.cells`, `file.delimiter`)"
        ))),
        _ => Ok(number - 1),
    }
}

impl Spot {
    /// The cell's text without the space around it; empty if there is none.
    #[must_use]
    pub fn cell<'a>(&self, cells: &Cells<'a>) -> &'a str {
        cells.get(self.index).unwrap_or_default().trim()
    }

    /// The cell's text without the space around it, or the part of it that the pattern means; empty
    /// if there is none.
    ///
    /// # Errors
    /// If there is a text, and the pattern finds nothing in it.
    pub fn text<'a>(&self, cells: &Cells<'a>) -> Result<&'a str, String> {
        let text = self.cell(cells);
        match &self.pattern {
            Some(pattern) if !text.is_empty() => meant(pattern, text).map(str::trim),
            _ => Ok(text),
        }
    }
}

fn meant<'a>(pattern: &Regex, text: &'a str) -> Result<&'a str, String> {
    let found = pattern.captures(text);
    let wrong = || format!("`{}` is not as the pattern `{pattern}` says", quoted(text));
    let found = found.ok_or_else(wrong)?;
    Ok(found.get(1).or_else(|| found.get(0)).map_or("", |part| part.as_str()))
}
