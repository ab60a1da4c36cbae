//! Claims about untidy files: everything that can be taken is, and every other row is reported with
//! what is wrong with it.

use std::collections::BTreeMap;
use std::io::Write;

use harness::untidy::{self, PLAIN, Style, Untidy};
use rust_decimal::Decimal;

use super::books::{Books, Document};
use super::place::{Imported, Place, test};

/// As [`Books`] have to be.
pub(super) fn expected(untidy: &Untidy) -> Books {
    let (credit_notes, orders): (Vec<_>, Vec<_>) =
        untidy.taken.iter().partition(|document| document.is_credit_note());
    let documents = |documents: Vec<&untidy::Document>| -> BTreeMap<String, Document> {
        documents.into_iter().map(|known| (known.number.clone(), document(known))).collect()
    };
    Books::of(documents(orders), documents(credit_notes))
}

fn document(known: &untidy::Document) -> Document {
    let line = |(sku, quantity, price): &(String, u32, u32)| {
        (
            sku.clone(),
            Decimal::from(*quantity).normalize(),
            Decimal::new((*price).into(), 2).normalize(),
        )
    };
    Document {
        customer: known.customer.clone().unwrap_or_else(|| "NONE".to_owned()),
        made: format!("{}:00", known.placed),
        day: known.placed[..10].to_owned(),
        lines: known.lines.iter().map(line).collect(),
    }
}

/// Fails if the report is not exactly what it has to be.
#[track_caller]
pub(super) fn is_reported(imported: &Imported, untidy: &Untidy) {
    let reported = imported.report.iter().map(|(row, document, field, reason)| {
        (*row, document.as_str(), field.as_str(), reason.as_str())
    });
    let mut expected = untidy.reported.iter();
    for (row, document, field, reason) in reported {
        let wanted = expected.next().unwrap_or_else(|| panic!("row {row} is reported: {reason}"));
        let told = (row, document, field);
        assert_eq!(
            told,
            (wanted.row, wanted.document.as_str(), wanted.field),
            "{reason} {wanted:?}"
        );
        assert!(reason.contains(&wanted.telling), "row {row}: `{reason}`: {wanted:?}");
    }
    assert_eq!(expected.next(), None, "is not reported");
}

async fn is_taken_and_reported(place: &Place, untidy: &Untidy, name: &str, bytes: &[u8]) {
    assert!(untidy.taken.len() > 20 && untidy.reported.len() > 20, "nothing is tried");
    let file = place.write(name, bytes);
    let mapping = place.write("mapping.toml", &untidy.mapping);
    let looked_at = place.import(&file, &mapping, &["--validate-only", "--report", "looked.csv"]);
    is_reported(&looked_at, untidy);
    assert_eq!(place.facts().await, 0, "looking writes nothing");
    let imported = place.import(&file, &mapping, &[]);
    is_reported(&imported, untidy);
    assert_eq!(imported.summary["rows"], untidy.rows);
    assert!(imported.report == looked_at.report, "looking tells the same");
    for key in ["orders", "credit_notes", "customers_created", "products_created"] {
        assert_eq!(imported.summary[key], looked_at.summary[key], "{key}");
    }
    let client = place.connect().await;
    Books::read(&client, "Europe/Zurich").await.are(&expected(untidy));
}

#[test]
fn a_file_with_commas_in_utf_8_is_taken_as_far_as_it_can_be() {
    test(async |place| {
        let untidy = Untidy::make(1, 120, PLAIN);
        is_taken_and_reported(place, &untidy, "orders.csv", &untidy.bytes).await;
    });
}

#[test]
fn a_german_file_in_latin_1_is_taken_as_far_as_it_can_be() {
    let style = Style { delimiter: ';', latin1: true, german: true, line_end: "\r\n", ..PLAIN };
    test(async |place| {
        let untidy = Untidy::make(2, 120, style);
        is_taken_and_reported(place, &untidy, "orders.csv", &untidy.bytes).await;
    });
}

#[test]
fn a_packed_file_with_tabs_a_mark_and_no_headings_is_taken_as_far_as_it_can_be() {
    let style = Style { delimiter: '\t', marked: true, headings: false, ..PLAIN };
    test(async |place| {
        let untidy = Untidy::make(3, 120, style);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&untidy.bytes).expect("packing");
        let packed = packed.finish().expect("packing");
        // What it is packed in is seen in the file, not in its name.
        is_taken_and_reported(place, &untidy, "orders.txt", &packed).await;
    });
}

#[test]
fn a_file_with_headings_alone_brings_nothing() {
    test(async |place| {
        let untidy = Untidy::make(1, 120, PLAIN);
        let mapping = place.write("mapping.toml", &untidy.mapping);
        let headings = untidy.bytes.split_inclusive(|byte| *byte == b'\n').next();
        let file = place.write("orders.csv", headings.expect("headings"));
        let imported = place.import(&file, &mapping, &[]);
        assert_eq!((&imported.summary["rows"], imported.report.len()), (&0.into(), 0));
        // The organization is there.
        assert_eq!(place.facts().await, 1);
    });
}
