//! How rows are written, in the style of one program or another.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{Defect, Document, Row};

/// The habits of the program that wrote a file.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Between cells.
    pub delimiter: char,
    /// How lines end.
    pub line_end: &'static str,
    /// Whether it begins with a byte order mark.
    pub marked: bool,
    /// Whether it is written in Latin 1, not in UTF-8.
    pub latin1: bool,
    /// Whether the columns have headings.
    pub headings: bool,
    /// Whether numbers and dates are German: `1.234,50`, `01.07.2011 08:26`.
    pub german: bool,
}

/// Commas, UTF-8, lines that end as in Unix.
pub const PLAIN: Style = Style {
    delimiter: ',',
    line_end: "\n",
    marked: false,
    latin1: false,
    headings: true,
    german: false,
};

/// What was written.
pub(super) struct Written {
    pub(super) bytes: Vec<u8>,
    /// The line that each row begins on.
    pub(super) begin: Vec<u64>,
}

const HEADINGS: [&str; 7] = ["No", "When", "Buyer", "SKU", "Name", "Pieces", "Price"];

impl Style {
    /// How files of this style are to be read.
    pub(super) fn mapping(self) -> String {
        let column = |index: usize| match self.headings {
            true => format!("'{}'", HEADINGS[index]),
            false => format!("{}", index + 1),
        };
        let keys = ["document", "placed_at", "customer", "product", "product_name"];
        let keys = keys.iter().chain(&["quantity", "unit_price"]);
        let columns: String =
            keys.enumerate().map(|(index, key)| format!("{key} = {}\n", column(index))).collect();
        let encoding = if self.latin1 { "latin1" } else { "utf-8" };
        let (date, numbers) = match self.german {
            true => ("%d.%m.%Y %H:%M", "decimal = ','\nthousands = '.'"),
            false => ("%Y-%m-%d %H:%M", ""),
        };
        format!(
            "currency = 'CHF'\n\
             [organization]\nslug = 'untidy'\nname = 'Untidy'\n\
             [file]\ndelimiter = \"{}\"\nencoding = '{encoding}'\nheadings = {}\n{}\
             [columns]\n{columns}\
             [dates]\nformat = '{date}'\nzone = 'Europe/Zurich'\n\
             [numbers]\n{numbers}\n\
             [documents]\norders = '^[0-9]+$'\ncredit_notes = '^C[0-9]+$'\n\
             [customers]\nunknown = {{ number = 'NONE', name = 'Nobody' }}\n",
            self.delimiter.escape_default(),
            self.headings,
            if self.headings { "" } else { "cells = 7\n" },
        )
    }

    /// 123450 hundredths: `1234.50`, or `1.234,50`.
    fn amount(self, hundredths: u32) -> String {
        let (whole, rest) = (hundredths / 100, hundredths % 100);
        match self.german {
            true => format!("{},{rest:02}", self.count(whole)),
            false => format!("{whole}.{rest:02}"),
        }
    }

    fn count(self, count: u32) -> String {
        match (self.german, count / 1_000) {
            (true, thousands @ 1..) => format!("{thousands}.{:03}", count % 1_000),
            _ => count.to_string(),
        }
    }

    fn date(self, placed: &str) -> String {
        match self.german {
            false => placed.to_owned(),
            true => {
                let (day, time) = placed.split_once(' ').expect("a day and a time");
                let parts: Vec<&str> = day.split('-').collect();
                format!("{}.{}.{} {time}", parts[2], parts[1], parts[0])
            }
        }
    }

    fn encode(self, text: &str) -> Vec<u8> {
        let encoding = if self.latin1 { encoding_rs::WINDOWS_1252 } else { encoding_rs::UTF_8 };
        encoding.encode(text).0.into_owned()
    }

    fn quoted(self, cell: &str) -> String {
        let special = [self.delimiter, '"', '\n', '\r'];
        match cell.contains(special) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.to_owned(),
        }
    }
}

pub(super) fn write(
    dice: &mut ChaCha8Rng,
    documents: &[Document],
    rows: &[Row],
    style: Style,
) -> Written {
    let (mut bytes, mut begin, mut line) = (Vec::new(), Vec::new(), 1);
    if style.marked {
        bytes.extend("\u{feff}".as_bytes());
    }
    if style.headings {
        let headings = HEADINGS.join(&style.delimiter.to_string());
        bytes.extend(style.encode(&format!("{headings}{}", style.line_end)));
        line += 1;
    }
    for row in rows {
        while dice.random_ratio(1, 50) {
            bytes.extend(style.line_end.as_bytes());
            line += 1;
        }
        begin.push(line);
        let text = cells(dice, &documents[row.document], row, style);
        let text = text.replace('\n', style.line_end);
        line += text.matches(style.line_end).count() as u64 + 1;
        let encoded = style.encode(&text);
        let mark = style.encode("\u{1}");
        for byte in encoded {
            bytes.push(if [byte] == mark[..] { 0xff } else { byte });
        }
        if row.defect != Some(Defect::Truncated) {
            bytes.extend(style.line_end.as_bytes());
        }
    }
    Written { bytes, begin }
}

/// A row's text; U+0001 stands for the byte that the encoding does not have.
fn cells(dice: &mut ChaCha8Rng, document: &Document, row: &Row, style: Style) -> String {
    let (sku, quantity, price) = &row.line;
    let placed = row.defect.and_then(Defect::placed).unwrap_or(&document.placed);
    let sign = match Defect::is_negative(row.defect, document.kind()) {
        true if style.german && dice.random() => ("", "-"),
        true => ("-", ""),
        false => ("", ""),
    };
    let quantity = match row.defect {
        Some(Defect::NoQuantity) => "0".to_owned(),
        Some(Defect::NoNumber) => "1,2.3,4".to_owned(),
        _ => format!("{}{}{}", sign.0, style.count(*quantity), sign.1),
    };
    let minus = if row.defect == Some(Defect::NegativePrice) { "-0.5" } else { "" };
    let price = match (minus, style.german) {
        ("", _) => style.amount(*price),
        (_, false) => minus.to_owned(),
        (_, true) => "-0,5".to_owned(),
    };
    let sku = match row.defect {
        Some(Defect::Nul) => format!("{sku}\0x"),
        Some(Defect::NoProduct) => " ".to_owned(),
        _ => format!(" {sku}"),
    };
    let name = match row.defect {
        Some(Defect::OtherBytes) => "Caf\u{1}".to_owned(),
        _ => row.name.clone(),
    };
    let customer = document.customer.clone().unwrap_or_default();
    let placed = style.date(placed);
    let cells = [&document.number, &placed, &customer, &sku, &name, &quantity, &price];
    let mut cells: Vec<String> = cells.iter().map(|cell| style.quoted(cell)).collect();
    match row.defect {
        Some(Defect::TooManyCells) => cells.push("more".to_owned()),
        Some(Defect::Truncated) => cells.truncate(4),
        _ => {}
    }
    cells.join(&style.delimiter.to_string())
}
