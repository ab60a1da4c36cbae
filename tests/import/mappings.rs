//! Claims about mappings and files that do not fit each other: nothing is begun, and it is said
//! what is wrong and what would be right.

use std::fs;

use harness::app::scratch;
use harness::program::{millrace, outcome};
use harness::untidy::{PLAIN, Untidy};

use crate::import::place::Imported;

/// How an import of a file ends, somewhere without a database.
fn outcome_of(file: &[u8], mapping: &str, more: &[&str]) -> (i32, String, String, Vec<String>) {
    let place = scratch();
    fs::write(place.path().join("orders.csv"), file).expect("a file");
    fs::write(place.path().join("mapping.toml"), mapping).expect("a mapping");
    let arguments = ["import", "orders", "orders.csv", "--mapping", "mapping.toml"];
    let mut command = millrace(&[&arguments, more].concat());
    let (code, out, err) = outcome(command.current_dir(place.path()));
    let left = fs::read_dir(place.path()).expect("the directory").flatten();
    let left = left.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let left = left.filter(|name| !["orders.csv", "mapping.toml"].contains(&name.as_str()));
    (code, out, err, left.collect())
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_begun() {
    let Untidy { bytes, mapping, .. } = Untidy::make(1, 30, PLAIN);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let without = |from: &str, to: &str| mapping.replacen(from, to, 1);
    let file = text.as_bytes();
    let twice = text.replacen("Price\n", "Price,Price\n", 1);
    for (file, mapping, telling) in [
        (
            file,
            without("'Buyer'", "'Customer'"),
            &["`columns.customer`", "`Customer`", "`Buyer`"][..],
        ),
        (twice.as_bytes(), mapping.clone(), &["unit_price", "several columns", "`Price`"]),
        (file, without("\",\"", "\";\""), &["columns.document", "file.delimiter"]),
        (b"", mapping.clone(), &["empty", "headings"]),
        (file, without("headings = true", "headings = false"), &["columns.document", "from 1"]),
        (file, without("'CHF'", "'XXX'"), &["mapping.toml", "currency", "XXX", "ISO 4217"]),
        (file, without("currency", "curency"), &["mapping.toml", "curency"]),
        (file, without("Europe/Zurich", "Zurich"), &["zone", "Zurich", "IANA"]),
        (b"PK\x03\x04", mapping.clone(), &["orders.csv", "Excel", "save it as CSV"]),
    ] {
        let (code, out, err, left) = outcome_of(file, &mapping, &[]);
        assert_eq!((code, out.as_str(), left), (2, "", vec![]), "{err}");
        for part in telling {
            assert!(err.contains(part), "`{part}` is not told: {err}");
        }
    }
}

#[test]
fn columns_without_headings_are_found_by_their_number() {
    let style = harness::untidy::Style { headings: false, ..PLAIN };
    let Untidy { bytes, mapping, .. } = Untidy::make(1, 30, style);
    let mapping = mapping.replace("unit_price = 7", "unit_price = 8");
    let (code, _, err, _) = outcome_of(&bytes, &mapping, &[]);
    assert_eq!(code, 2);
    for part in ["`columns.unit_price`", "no column 8", "7 cells", "file.cells"] {
        assert!(err.contains(part), "`{part}` is not told: {err}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let place = scratch();
    fs::write(place.path().join("mapping.toml"), Untidy::make(1, 30, PLAIN).mapping)
        .expect("a file");
    for (file, mapping, named) in [
        ("none.csv", "mapping.toml", "none.csv"),
        ("mapping.toml", "none.toml", "none.toml"),
        (".", "mapping.toml", "not a file"),
    ] {
        let mut command = millrace(&["import", "orders", file, "--mapping", mapping]);
        let (code, out, err) = outcome(command.current_dir(place.path()));
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(named), "{err}");
    }
}

#[test]
fn looking_at_a_file_needs_no_database_and_leaves_a_report_alone() {
    let Untidy { bytes, mapping, rows, .. } = Untidy::make(1, 30, PLAIN);
    let (code, out, err, left) = outcome_of(&bytes, &mapping, &["--validate-only"]);
    assert_eq!((code, left), (0, vec!["orders.csv.report.csv".to_owned()]), "{err}");
    assert!(out.contains("nothing was written") && out.contains(&rows.to_string()), "{out}");
    let place = scratch();
    fs::write(place.path().join("orders.csv"), bytes).expect("a file");
    fs::write(place.path().join("mapping.toml"), mapping).expect("a file");
    let arguments =
        ["import", "orders", "orders.csv", "--mapping", "mapping.toml", "--validate-only"];
    let more = ["--json", "--report", "elsewhere.csv"];
    let mut command = millrace(&[&arguments[..], &more].concat());
    let (code, out, err) = outcome(command.current_dir(place.path()));
    assert_eq!(code, 0, "{err}");
    let looked_at = Imported::read(&out, place.path());
    assert_eq!(looked_at.summary["validated_only"], true);
    let unwritable = ["--report", "nowhere/report.csv"];
    let mut command = millrace(&[&arguments[..], &unwritable].concat());
    let (code, _, err) = outcome(command.current_dir(place.path()));
    assert_eq!(code, 2);
    assert!(err.contains("nowhere/report.csv"), "{err}");
}

#[test]
fn a_file_that_cannot_be_unpacked_ends_it_before_anything_is_begun() {
    let Untidy { bytes, mapping, .. } = Untidy::make(1, 200, PLAIN);
    let mut packed = liblzma::write::XzEncoder::new(Vec::new(), 1);
    std::io::Write::write_all(&mut packed, &bytes).expect("packing");
    let packed = packed.finish().expect("packing");
    let (code, out, err, left) = outcome_of(&packed[..packed.len() / 2], &mapping, &[]);
    assert_eq!((code, out.as_str(), left), (1, "", vec![]), "{err}");
    assert!(err.contains("orders.csv") && err.contains("beyond line"), "{err}");
}
