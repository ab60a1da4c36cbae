//! What a row means, or why it means nothing: everything that a row alone tells. What it means
//! beside other rows stands in `survey`.

use chrono::{DateTime, Utc};
use commands::rejection::text;
use commands::{customers, documents, products};
use events::words::{Quantity, UnitPrice, is_too_large};

use super::layout::{Layout, Spot};
use super::mapping::{Mapping, Moment, Sign, UnitMeant};
use super::reading::{Cells, quoted};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An order.
    Order,
    /// A credit note.
    CreditNote,
}

/// A line of a document.
#[derive(Debug)]
pub struct Row<'a> {
    /// The line of the file that it begins on.
    pub line: u64,
    /// The document's number.
    pub document: &'a str,
    /// What the document is.
    pub kind: Kind,
    /// When it was placed.
    pub placed: Moment,
    /// The customer's number in the file; none: it states none.
    pub customer: Option<&'a str>,
    /// The customer's name; empty if it states none.
    pub customer_name: &'a str,
    /// The product's SKU.
    pub product: &'a str,
    /// The product's name; empty if it states none.
    pub product_name: &'a str,
    /// The unit, if there is a column for it.
    pub unit: Option<&'a UnitMeant>,
    /// How many: above zero.
    pub quantity: Quantity,
    /// The price of one.
    pub unit_price: UnitPrice,
    /// The buyer's reference; empty if it states none.
    pub reference: &'a str,
}

/// Why a row cannot be taken.
#[derive(Debug)]
pub struct Fault<'a> {
    /// What stands for the document's number.
    pub document: &'a str,
    /// What the document is; none: that is not the number of any.
    pub kind: Option<Kind>,
    /// What it is about: a key of the mapping's columns, or `row`.
    pub field: &'static str,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// Reads rows as a mapping says.
pub struct RowReader<'m> {
    /// What the mapping says.
    pub mapping: &'m Mapping,
    /// Where the columns stand.
    pub layout: &'m Layout,
    /// Nothing was placed later.
    pub now: DateTime<Utc>,
}

/// A reason, and what it is about.
type Wrong = (&'static str, String);

impl<'m> RowReader<'m> {
    /// What a row means.
    ///
    /// # Errors
    /// Why it cannot be taken: the first reason found.
    pub fn row<'a>(&self, cells: &Cells<'a>) -> Result<Row<'a>, Fault<'a>>
    where
        'm: 'a,
    {
        let number = self.document(cells);
        let (document, kind) = match number {
            Ok((number, kind)) => (number, Some(kind)),
            Err(_) => (self.layout.document.cell(cells), None),
        };
        let fault = |(field, reason)| Fault { document, kind, field, reason };
        self.whole(cells).map_err(fault)?;
        let (number, kind) = number.map_err(|reason| fault(("document", reason)))?;
        self.line(cells, number, kind).map_err(fault)
    }

    /// Whether the row has as many cells as it should, and bytes of the file's encoding.
    fn whole(&self, cells: &Cells<'_>) -> Result<(), Wrong> {
        let (found, expected) = (cells.len(), self.layout.cells);
        if found != expected {
            let mut reason = format!("{found} cells, where {expected} are expected");
            if cells.last_line > cells.line {
                let last = cells.last_line;
                reason.push_str(&format!("; it ends on line {last}: is a quote not closed?"));
            }
            return Err(("row", reason));
        }
        let Some(index) = cells.broken() else {
            return Ok(());
        };
        let encoding = self.mapping.file.encoding.0.name();
        let reason = format!(
            "the cell in column {} has bytes that {encoding} does not have, or the character \
             U+FFFD in their place",
            index + 1
        );
        Err((self.layout.key_at(index).unwrap_or("row"), reason))
    }

    fn document<'a>(&self, cells: &Cells<'a>) -> Result<(&'a str, Kind), String> {
        let limit = documents::NUMBER_CHARACTERS_MAX;
        let number = code(&self.layout.document, cells, "a document's number", limit)?;
        if number.is_empty() {
            return Err("no document's number".to_owned());
        }
        let documents = &self.mapping.documents;
        let kinds = [(&documents.orders, Kind::Order), (&documents.credit_notes, Kind::CreditNote)];
        let is = |pattern: &Option<super::mapping::Pattern>| {
            pattern.as_ref().is_some_and(|pattern| pattern.0.is_match(number))
        };
        let kind = kinds.into_iter().find_map(|(pattern, kind)| is(pattern).then_some(kind));
        let right = "`documents.orders` and `documents.credit_notes` say which are";
        let kind =
            kind.ok_or_else(|| format!("`{number}` is no order and no credit note; {right}"))?;
        Ok((number, kind))
    }

    fn line<'a>(&self, cells: &Cells<'a>, document: &'a str, kind: Kind) -> Result<Row<'a>, Wrong>
    where
        'm: 'a,
    {
        let placed = self.placed(cells).map_err(|reason| ("placed_at", reason))?;
        let customer = self.customer(cells).map_err(|reason| ("customer", reason))?;
        let product = self.product(cells).map_err(|reason| ("product", reason))?;
        let unit = self.unit(cells).map_err(|reason| ("unit", reason))?;
        let quantity = self.quantity(cells, kind, unit).map_err(|reason| ("quantity", reason))?;
        let unit_price = self.unit_price(cells).map_err(|reason| ("unit_price", reason))?;
        if quantity.0.checked_mul(unit_price.0).is_none_or(is_too_large) {
            let reason = format!("{quantity} × {unit_price} has too many digits");
            return Err(("quantity", reason));
        }
        Ok(Row {
            line: cells.line,
            document,
            kind,
            placed,
            customer,
            customer_name: optional(&self.layout.customer_name, cells, "customer_name")?,
            product,
            product_name: optional(&self.layout.product_name, cells, "product_name")?,
            unit,
            quantity,
            unit_price,
            reference: self.reference(cells).map_err(|reason| ("reference", reason))?,
        })
    }

    fn placed(&self, cells: &Cells<'_>) -> Result<Moment, String> {
        let text = self.layout.placed_at.text(cells)?;
        let dates = &self.mapping.dates;
        let placed = dates.format.moment(text, dates.zone)?;
        if placed.at > self.now {
            return Err(format!("`{}` is later than now", quoted(text)));
        }
        Ok(placed)
    }

    fn customer<'a>(&self, cells: &Cells<'a>) -> Result<Option<&'a str>, String> {
        let customers = &self.mapping.customers;
        let prefix = customers.number_prefix.chars().count();
        let limit = customers::open::NUMBER_CHARACTERS_MAX.saturating_sub(prefix);
        let number = code(&self.layout.customer, cells, "a customer's number", limit)?;
        if number.is_empty() && customers.unknown.is_none() {
            let right = "`customers.unknown` in the mapping gives such documents to one";
            return Err(format!("no customer's number; {right}"));
        }
        Ok(Some(number).filter(|number| !number.is_empty()))
    }

    fn product<'a>(&self, cells: &Cells<'a>) -> Result<&'a str, String> {
        let limit = products::create::SKU_CHARACTERS_MAX;
        match code(&self.layout.product, cells, "a product's SKU", limit)? {
            "" => Err("no product's SKU".to_owned()),
            sku => Ok(sku),
        }
    }

    fn unit<'a>(&self, cells: &Cells<'a>) -> Result<Option<&'a UnitMeant>, String>
    where
        'm: 'a,
    {
        let Some(spot) = &self.layout.unit else {
            return Ok(None);
        };
        let word = spot.text(cells)?;
        let meant = self.mapping.products.units.get(word);
        let right = "`products.units` in the mapping says what the words mean";
        let wrong = || format!("`{}` is no unit that is known; {right}", quoted(word));
        meant.map(Some).ok_or_else(wrong)
    }

    fn quantity(
        &self,
        cells: &Cells<'_>,
        kind: Kind,
        unit: Option<&UnitMeant>,
    ) -> Result<Quantity, String> {
        let text = self.layout.quantity.text(cells)?;
        let stated: Quantity = self.mapping.numbers.plain(text)?.parse()?;
        let negative =
            kind == Kind::CreditNote && self.mapping.documents.credit_quantities == Sign::Negative;
        let quantity = if negative { -stated.0 } else { stated.0 }.normalize();
        if quantity.is_zero() || quantity.is_sign_negative() {
            let right = match (kind, negative) {
                (Kind::Order, _) => "a line of an order needs one above zero",
                (Kind::CreditNote, true) => "a line of a credit note has one below zero here",
                (Kind::CreditNote, false) => "a line of a credit note has one above zero here",
            };
            return Err(format!("a quantity of {stated}: {right}"));
        }
        let products = &self.mapping.products;
        let (code, precision) = match unit {
            Some(meant) => (&meant.unit, meant.precision),
            None => (&products.unit, products.precision),
        };
        if quantity.scale() > u32::from(precision) {
            return Err(format!("{stated} {code} is too fine: {code} has {precision} decimals"));
        }
        Ok(Quantity(quantity))
    }

    fn unit_price(&self, cells: &Cells<'_>) -> Result<UnitPrice, String> {
        let text = self.layout.unit_price.text(cells)?;
        let price: UnitPrice = self.mapping.numbers.plain(text)?.parse()?;
        if price.0.is_sign_negative() && !price.0.is_zero() {
            return Err(format!("a price of {price} is negative"));
        }
        Ok(UnitPrice(price.0.normalize()))
    }

    fn reference<'a>(&self, cells: &Cells<'a>) -> Result<&'a str, String> {
        let limit = documents::REFERENCE_CHARACTERS_MAX;
        let spot = self.layout.reference.as_ref();
        spot.map_or(Ok(""), |spot| code(spot, cells, "a reference", limit))
    }
}

/// A cell's text, if it can be a number or the like: short, and nothing in it controls.
fn code<'a>(spot: &Spot, cells: &Cells<'a>, what: &str, max: usize) -> Result<&'a str, String> {
    let code = spot.text(cells)?;
    let plain = code.len() <= max && !code.bytes().any(|byte| byte.is_ascii_control());
    // The command's own rule says what is wrong; most codes need no such look.
    if !plain || !code.is_ascii() {
        text(what, code, max).map_err(|rejection| rejection.message)?;
    }
    Ok(code)
}

fn optional<'a>(
    spot: &Option<Spot>,
    cells: &Cells<'a>,
    key: &'static str,
) -> Result<&'a str, Wrong> {
    spot.as_ref().map_or(Ok(""), |spot| spot.text(cells)).map_err(|reason| (key, reason))
}

#[cfg(test)]
mod tests;
