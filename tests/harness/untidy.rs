//! Files of orders as untidy as real ones, made by dice from a seed; and what has to become of each
//! of their rows, known from how they were made, not from reading them.

mod defects;
mod writing;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use defects::Defect;
pub use writing::{PLAIN, Style};

/// A file, and what has to become of it.
#[derive(Debug, Clone)]
pub struct Untidy {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How it is to be read.
    pub mapping: String,
    /// How many rows it has.
    pub rows: u64,
    /// The documents that are to be taken.
    pub taken: Vec<Document>,
    /// The rows that are to be reported, in order.
    pub reported: Vec<Reported>,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Document {
    /// Its number.
    pub number: String,
    /// Its customer's number, if it states one.
    pub customer: Option<String>,
    /// When it was placed, in Zurich: `2011-07-01 08:26`.
    pub placed: String,
    /// SKU, quantity in pieces, price in hundredths of a franc.
    pub lines: Vec<(String, u32, u32)>,
}

/// A row that is to be reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The line that it begins on.
    pub row: u64,
    /// Its document, as the file has it.
    pub document: String,
    /// What is wrong: a key of the mapping.
    pub field: &'static str,
    /// What the reason has to tell.
    pub telling: String,
}

/// A row before it is written.
struct Row {
    /// Its document, by index.
    document: usize,
    line: (String, u32, u32),
    name: String,
    defect: Option<Defect>,
}

/// What a document's number says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Order,
    CreditNote,
    Adjustment,
}

impl Document {
    fn kind(&self) -> Kind {
        match self.number.as_bytes().first() {
            Some(b'C') => Kind::CreditNote,
            Some(b'A') => Kind::Adjustment,
            _ => Kind::Order,
        }
    }

    /// Whether it is a credit note.
    #[must_use]
    pub fn is_credit_note(&self) -> bool {
        self.kind() == Kind::CreditNote
    }
}

const SKUS: [&str; 12] =
    ["85123A", "85123a", "71053", "POST", "D", "ab 1", "AB 1", "é-1", "M", "x/y", "1;2", "q\"2"];
const NAMES: [&str; 6] =
    ["Lantern", "Kerzenhalter, weiß", "", "6\" nail; \"long\"", "two\nlines", "Café £3"];
const LINES: [usize; 8] = [1, 1, 1, 2, 3, 4, 6, 15];

impl Untidy {
    /// A file of so many documents in a style. A tenth of their rows or so are wrong in some way.
    #[must_use]
    pub fn make(seed: u64, documents: usize, style: Style) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let documents: Vec<Document> = (0..documents).map(|at| document(&mut dice, at)).collect();
        let mut rows = Vec::new();
        for (index, document) in documents.iter().enumerate() {
            for line in &document.lines {
                let defect = dice.random_ratio(1, 50).then(|| Defect::any(&mut dice, style));
                let name = (*NAMES.choose(&mut dice).expect("a name")).to_owned();
                rows.push(Row { document: index, line: line.clone(), name, defect });
            }
        }
        // Some documents stand in several places.
        for _ in 0..documents.len() / 10 {
            let at = dice.random_range(0..rows.len().saturating_sub(4));
            rows[at..at + 4].rotate_left(1);
        }
        if let Some(last) = rows.last_mut() {
            last.defect = Some(Defect::Truncated);
        }
        let lines = writing::write(&mut dice, &documents, &rows, style);
        let reported = reported(&documents, &rows, &lines.begin);
        let refused: Vec<usize> = rows
            .iter()
            .filter(|row| {
                row.defect.is_some() || documents[row.document].kind() == Kind::Adjustment
            })
            .map(|row| row.document)
            .collect();
        let taken = documents.iter().enumerate().filter(|(index, _)| !refused.contains(index));
        let taken = taken.map(|(index, document)| {
            let own = rows.iter().filter(|row| row.document == index);
            Document { lines: own.map(|row| row.line.clone()).collect(), ..document.clone() }
        });
        Self {
            bytes: lines.bytes,
            mapping: style.mapping(),
            rows: rows.len() as u64,
            taken: taken.collect(),
            reported,
        }
    }
}

fn document(dice: &mut ChaCha8Rng, at: usize) -> Document {
    let prefix = match dice.random_range(0..24) {
        0..=2 => "C",
        3 => "A",
        _ => "",
    };
    let month = 1 + at % 11;
    let customer = (!dice.random_ratio(1, 6)).then(|| dice.random_range(100..140).to_string());
    let lines = *LINES.choose(dice).expect("a length");
    let line = |dice: &mut ChaCha8Rng| {
        let sku = (*SKUS.choose(dice).expect("a SKU")).to_owned();
        let price = if dice.random_ratio(1, 20) { 0 } else { dice.random_range(1..200_000) };
        (sku, dice.random_range(1..5_000), price)
    };
    Document {
        number: format!("{prefix}{}", 10_001 + at),
        customer,
        placed: format!(
            "2011-{month:02}-{:02} {:02}:{:02}",
            dice.random_range(1..29),
            dice.random_range(6..20),
            dice.random_range(0..60)
        ),
        lines: (0..lines).map(|_| line(dice)).collect(),
    }
}

/// What has to be reported: a row for what is wrong with it, else for the first of its document's
/// that is wrong.
fn reported(documents: &[Document], rows: &[Row], begin: &[u64]) -> Vec<Reported> {
    let mut reported = Vec::new();
    for (row, at) in rows.iter().zip(begin) {
        let document = &documents[row.document];
        let wrong = rows.iter().zip(begin).find_map(|(other, at)| {
            (other.document == row.document).then_some((other.defect?, *at))
        });
        let (field, telling) = match (row.defect, wrong, document.kind()) {
            (Some(Defect::Truncated | Defect::TooManyCells), ..) => ("row", "cells".to_owned()),
            (_, _, Kind::Adjustment) if row.defect != Some(Defect::OtherBytes) => {
                ("document", "no order and no credit note".to_owned())
            }
            (Some(defect), ..) => (defect.field(), defect.telling().to_owned()),
            (None, Some((_, first)), _) => {
                let number = &document.number;
                ("document", format!("document {number} was not taken: row {first}: "))
            }
            (None, None, _) => continue,
        };
        let document = document.number.clone();
        reported.push(Reported { row: *at, document, field, telling });
    }
    reported
}
