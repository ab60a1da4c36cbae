//! Claims about surveys: which documents are taken, whole, and what they name.

use super::*;
use crate::import::ImportLimits;
use crate::import::scenario::{HEADINGS, MAPPING, task, task_of};

fn row(document: &str, customer: &str, product: &str, quantity: &str) -> String {
    format!("{document},2011-07-01 08:26,{customer},{product},Name of {product},{quantity},2.50")
}

fn surveyed(rows: &[String], more: &str) -> (Task, Survey) {
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let task = task(&rows, more);
    let survey = Survey::of(&task).unwrap();
    (task, survey)
}

type Taken<'a> = Vec<(&'a str, u32)>;
type Refused<'a> = Vec<(&'a str, u64, &'static str)>;

/// Documents that are taken, with their rows; and the others, with the row that is in the way.
fn documents(survey: &Survey) -> (Taken<'_>, Refused<'_>) {
    let all = survey.documents.list.iter();
    let taken = all.clone().filter(|document| document.is_taken());
    let taken = taken.map(|document| (&*document.number, document.rows)).collect();
    let refused = all.filter_map(|document| {
        let Refusal { line, field, .. } = document.refusal.as_deref()?;
        Some((&*document.number, *line, *field))
    });
    (taken, refused.collect())
}

fn used(survey: &Survey) -> (Vec<&str>, Vec<&str>) {
    let customers = survey.customers.list.iter().filter(|customer| customer.used);
    let products = survey.products.list.iter().filter(|product| product.used);
    (customers.map(|c| &*c.number).collect(), products.map(|p| &*p.sku).collect())
}

#[test]
fn a_document_is_all_rows_of_its_number_wherever_they_stand() {
    let rows = [row("1", "B", "P", "1"), row("2", "B", "P", "1"), row("1", "B", "P", "1")];
    let (_, survey) = surveyed(&rows, "");
    assert_eq!(documents(&survey), (vec![("1", 2), ("2", 1)], vec![]));
    assert_eq!(survey.documents.at(0).lines, (2, 4));
}

#[test]
fn a_document_with_a_bad_row_is_refused_whole_and_names_nothing() {
    let rows = [row("1", "B", "P", "1"), row("2", "A", "Q", "1"), row("1", "B", "P", "0")];
    let (_, survey) = surveyed(&rows, "");
    assert_eq!(documents(&survey), (vec![("2", 1)], vec![("1", 4, "quantity")]));
    assert_eq!(used(&survey), (vec!["A"], vec!["Q"]));
}

#[test]
fn a_document_may_be_taken_without_its_bad_rows_if_the_mapping_says_so() {
    let rows = [row("1", "B", "P", "1"), row("1", "B", "Q", "0"), row("2", "B", "P", "0")];
    let text = format!("{HEADINGS}\n{}\n", rows.join("\n"));
    let mapping = MAPPING.replace("[documents]", "[documents]\nincomplete = 'skip-rows'");
    let task = task_of(text.as_bytes(), &mapping, ImportLimits::default());
    let survey = Survey::of(&task).unwrap();
    assert_eq!(documents(&survey), (vec![("1", 1)], vec![]));
    assert_eq!(used(&survey), (vec!["B"], vec!["P"]));
}

#[test]
fn a_row_with_too_few_cells_is_in_the_way_of_its_document() {
    let rows = [row("1", "B", "P", "1"), "1,2011-07-01 08:26,B".to_owned()];
    assert_eq!(documents(&surveyed(&rows, "").1), (vec![], vec![("1", 3, "row")]));
}

#[test]
fn a_document_has_one_customer() {
    let rows = [row("1", "B", "P", "1"), row("1", "A", "P", "1"), row("2", "A", "P", "1")];
    let (_, survey) = surveyed(&rows, "");
    assert_eq!(documents(&survey), (vec![("2", 1)], vec![("1", 3, "customer")]));
    let reason = &survey.documents.at(0).refusal.as_deref().unwrap().reason;
    assert!(reason.contains("customer B's by row 2"), "{reason}");
}

#[test]
fn codes_are_case_sensitive_and_a_repeated_code_is_one_product() {
    let rows = [row("1", "B", "p", "1"), row("1", "B", "P", "1"), row("1", "B", "P", "1")];
    let (_, survey) = surveyed(&rows, "");
    assert_eq!(used(&survey), (vec!["B"], vec!["p", "P"]));
    assert_eq!(documents(&survey).0, [("1", 3)]);
}

#[test]
fn a_name_is_the_first_that_can_be_one() {
    let long = "x".repeat(301);
    let rows = ["", &long, "\0", "Holder", "Other"];
    let rows = rows.map(|name| format!("1,2011-07-01 08:26,B,P,{name},1,2"));
    let (_, survey) = surveyed(&rows, "");
    assert_eq!(survey.products.at(0).name.as_deref(), Some("Holder"));
    assert_eq!(survey.customers.at(0).name, None);
}

#[test]
fn numbers_of_customers_are_prefixed_and_the_unknown_one_is_not() {
    let rows = [row("1", "B", "P", "1"), row("2", "", "P", "1")];
    let more = "[customers]\nnumber_prefix = 'OLD-'\nunknown = { number = 'X', name = 'Nobody' }";
    let (_, survey) = surveyed(&rows, more);
    assert_eq!(used(&survey).0, ["OLD-B", "X"]);
    assert_eq!(survey.customers.at(1).name.as_deref(), Some("Nobody"));
}

#[test]
fn a_document_of_too_many_lines_is_refused() {
    let rows: Vec<String> =
        (0..=LINES_MAX).map(|_| row("1", "B", "P", "1")).chain([row("2", "B", "P", "1")]).collect();
    let (_, survey) = surveyed(&rows, "");
    assert_eq!(documents(&survey), (vec![("2", 1)], vec![("1", 2, "document")]));
}

#[test]
fn a_product_has_one_unit() {
    let mapping = MAPPING.replace("product_name = 'Name'", "unit = 'Name'");
    let units = "[products.units]\nStk = { unit = 'piece' }\nkg = { unit = 'kg', precision = 3 }";
    let rows = "1,2011-07-01 08:26,B,P,kg,1,2\n2,2011-07-01 08:26,B,P,Stk,1,2";
    let text = format!("{HEADINGS}\n{rows}");
    let task = task_of(text.as_bytes(), &format!("{mapping}\n{units}"), ImportLimits::default());
    let survey = Survey::of(&task).unwrap();
    assert_eq!(documents(&survey), (vec![("1", 1)], vec![("2", 3, "unit")]));
}

#[test]
fn more_than_the_limits_allow_is_refused_with_the_setting() {
    let rows = [row("1", "B", "P", "1"), row("2", "A", "Q", "1"), row("1", "B", "P", "1")];
    let text = format!("{HEADINGS}\n{}\n", rows.join("\n"));
    for (limits, key) in [
        (ImportLimits { documents_max: 1, ..ImportLimits::default() }, "import.documents_max"),
        (ImportLimits { names_max: 1, ..ImportLimits::default() }, "import.names_max"),
        (ImportLimits { open_rows_max: 2, ..ImportLimits::default() }, "import.open_rows_max"),
    ] {
        let told = Survey::of(&task_of(text.as_bytes(), MAPPING, limits)).unwrap_err();
        assert!(matches!(&told, ImportError::Usage(told) if told.contains(key)), "{key}: {told}");
    }
    let sorted = ImportLimits { open_rows_max: 3, ..ImportLimits::default() };
    assert!(Survey::of(&task_of(text.as_bytes(), MAPPING, sorted)).is_ok());
}
