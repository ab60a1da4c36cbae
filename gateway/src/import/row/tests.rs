//! Claims about rows: what a row alone says is taken as it is meant, or refused where it is wrong.

use super::*;
use crate::import::ImportLimits;
use crate::import::scenario::{HEADINGS, MAPPING, task, task_of};
use crate::import::task::Task;

/// What each row comes to: `document customer product quantity price`, or `field: reason`.
fn told(task: &Task) -> Vec<String> {
    let mut told = Vec::new();
    let each = |_: &Cells<'_>, row: Result<Row<'_>, Fault<'_>>| {
        told.push(match row {
            Ok(row) => {
                let Row { document, product, quantity, unit_price, .. } = row;
                let customer = row.customer.unwrap_or("nobody");
                format!("{document} {customer} {product} {quantity} {unit_price}")
            }
            Err(fault) => format!("{}: {}", fault.field, fault.reason),
        });
        Ok(())
    };
    task.each_row(each).unwrap();
    told
}

#[track_caller]
fn is_told(row: &str, more: &str, telling: &[&str]) {
    let told = told(&task(&[row], more)).pop().unwrap();
    for part in telling {
        assert!(told.contains(part), "`{part}` is not told of `{row}`: {told}");
    }
}

const UNKNOWN: &str = "[customers]\nunknown = { number = 'X', name = 'Unknown' }";

#[test]
fn a_row_says_what_it_says() {
    for (row, expected) in [
        ("17,2011-07-01 08:26,AB-1,85123A,Holder,6,2.550", "17 AB-1 85123A 6 2.55"),
        (" 17 ,2011-07-01 08:26, 17850.0 , 85123a ,Holder,6.00,2.550", "17 17850 85123a 6 2.55"),
        ("17,2011-07-01 08:26,,POST,,1,0", "17 nobody POST 1 0"),
        ("C17,2011-07-01 08:26,B,D,\"Discount,\nbig\",-2,1.5", "C17 B D 2 1.5"),
    ] {
        assert_eq!(told(&task(&[row], UNKNOWN)), [expected], "{row}");
    }
}

#[test]
fn what_is_wrong_with_a_row_is_told_with_its_column() {
    let long = "1".repeat(61);
    for (row, telling) in [
        ("17,2011-07-01 08:26,B,P,,1", vec!["row: 6 cells, where 7 are expected"]),
        ("17,2011-07-01 08:26,B,P,,1,2,3", vec!["row: 8 cells"]),
        ("17,\"2011-07-01 08:26,B,P,,1,2\n\n", vec!["row: 2 cells", "ends on line 4", "quote"]),
        (",2011-07-01 08:26,B,P,,1,2", vec!["document: no document's number"]),
        ("A17,2011-07-01 08:26,B,P,,1,2", vec!["document: `A17`", "documents.orders"]),
        (&format!("{long},2011-07-01 08:26,B,P,,1,2"), vec!["document:", "61 characters", "60"]),
        ("17,01.07.2011,B,P,,1,2", vec!["placed_at: `01.07.2011`", "%Y-%m-%d %H:%M"]),
        ("17,2011-03-27 01:30,B,P,,1,2", vec!["placed_at:", "clocks"]),
        ("17,2012-07-01 08:26,B,P,,1,2", vec!["placed_at:", "later than now"]),
        ("17,2011-07-01 08:26,,P,,1,2", vec!["customer: no customer's number", "unknown"]),
        ("17,2011-07-01 08:26,b b,P,,1,2", vec!["customer: `b b`", "pattern"]),
        ("17,2011-07-01 08:26,B,,,1,2", vec!["product: no product's SKU"]),
        ("17,2011-07-01 08:26,B,\0,,1,2", vec!["product:", "control characters"]),
        ("17,2011-07-01 08:26,B,P,,,2", vec!["quantity: `` is no number"]),
        ("17,2011-07-01 08:26,B,P,,\"1,5\",2", vec!["quantity: `1,5`", "decimal separator `.`"]),
        ("17,2011-07-01 08:26,B,P,,0,2", vec!["quantity: a quantity of 0", "above zero"]),
        ("17,2011-07-01 08:26,B,P,,-1,2", vec!["quantity: a quantity of -1", "above zero"]),
        ("C7,2011-07-01 08:26,B,P,,1,2", vec!["quantity: a quantity of 1", "below zero"]),
        ("17,2011-07-01 08:26,B,P,,1.5,2", vec!["quantity: 1.5 piece is too fine", "0 decimals"]),
        ("17,2011-07-01 08:26,B,P,,1234567890123,2", vec!["quantity:", "12 digits"]),
        ("17,2011-07-01 08:26,B,P,,1000000,1000000", vec!["quantity:", "too many digits"]),
        ("17,2011-07-01 08:26,B,P,,1,-2", vec!["unit_price: a price of -2 is negative"]),
        ("17,2011-07-01 08:26,B,P,,1,£2", vec!["unit_price: `£2` is no number"]),
        ("17,2011-07-01 08:26,B,P,,1,0.1234567", vec!["unit_price:", "6 decimals"]),
    ] {
        is_told(row, "", &telling);
    }
}

#[test]
fn a_reason_quotes_no_more_of_a_cell_than_tells_which_it_is() {
    let long = "x".repeat(10_000);
    for row in [
        format!("17,{long},B,P,,1,2"),
        format!("17,2011-07-01 08:26,{long},P,,1,2"),
        format!("17,2011-07-01 08:26,B,{long},,1,2"),
        format!("17,2011-07-01 08:26,B,P,,{long},2"),
        format!("17,2011-07-01 08:26,B,P,,1,{long}"),
        format!("{long},2011-07-01 08:26,B,P,,1,2"),
    ] {
        let told = told(&task(&[&row], "")).pop().unwrap();
        assert!(told.chars().count() < 200, "{told}");
    }
}

#[test]
fn bytes_of_another_encoding_are_told_with_their_column() {
    let with = |row: &[u8]| [HEADINGS.as_bytes(), b"\n", row].concat();
    for (row, field) in [
        (&b"17,2011-07-01 08:26,B,P,Caf\xe9,1,2"[..], "product_name"),
        (b"17,2011-07-01 08:26,B,\xff,Cafe,1,2", "product"),
        (b"\xff,2011-07-01 08:26,B,P,Cafe,1,2", "document"),
    ] {
        let told = told(&task_of(&with(row), MAPPING, ImportLimits::default())).pop().unwrap();
        assert!(told.starts_with(&format!("{field}: ")) && told.contains("UTF-8"), "{told}");
    }
}

#[test]
fn a_row_that_means_nothing_still_says_whose_it_is() {
    let rows = ["17,2011-07-01 08:26,B", "A17,2011-07-01 08:26,B,P,,1,2", "18,?,B,P,,1,2"];
    let mut belongs = Vec::new();
    let each = |_: &Cells<'_>, row: Result<Row<'_>, Fault<'_>>| {
        let fault = row.unwrap_err();
        belongs.push((fault.document.to_owned(), fault.kind));
        Ok(())
    };
    task(&rows, "").each_row(each).unwrap();
    let order = |number: &str| (number.to_owned(), Some(Kind::Order));
    assert_eq!(belongs, [order("17"), ("A17".to_owned(), None), order("18")]);
}

#[test]
fn credit_notes_may_state_quantities_as_orders_do() {
    let mapping = MAPPING.replace("[documents]", "[documents]\ncredit_quantities = 'positive'");
    let row = |row: &str| {
        let text = format!("{HEADINGS}\n{row}");
        told(&task_of(text.as_bytes(), &mapping, ImportLimits::default())).pop().unwrap()
    };
    assert_eq!(row("C7,2011-07-01 08:26,B,P,,3,2"), "C7 B P 3 2");
    assert!(row("C7,2011-07-01 08:26,B,P,,-3,2").contains("above zero"));
}

#[test]
fn units_are_what_the_mapping_says_their_words_mean() {
    let mapping = MAPPING.replace("product_name = 'Name'", "unit = 'Name'");
    let units = "[products.units]\nStk = { unit = 'piece' }\nkg = { unit = 'kg', precision = 3 }";
    let row = |row: &str| {
        let text = format!("{HEADINGS}\n{row}");
        let mapping = format!("{mapping}\n{units}");
        told(&task_of(text.as_bytes(), &mapping, ImportLimits::default())).pop().unwrap()
    };
    assert_eq!(row("17,2011-07-01 08:26,B,P,kg,1.250,2"), "17 B P 1.25 2");
    assert!(row("17,2011-07-01 08:26,B,P,kg,1.2501,2").contains("kg has 3 decimals"));
    assert!(row("17,2011-07-01 08:26,B,P,Stk,1.5,2").contains("piece has 0 decimals"));
    assert!(row("17,2011-07-01 08:26,B,P,l,1,2").contains("unit: `l` is no unit"));
}
