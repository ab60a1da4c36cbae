//! Claims about a real wholesaler's file: the first 20,000 rows of its year. What has to be there
//! is computed here a second time, in the simplest way.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use harness::program::outcome;
use rust_decimal::Decimal;
use serde_json::json;
use tokio_postgres::Client;

use super::books::{Books, Document, decimal};
use super::place::{Place, test};

const ROWS: usize = 20_000;

/// The first rows of the file with its headings, if the shared data is here.
pub(crate) fn first_rows() -> Option<String> {
    let path = harness::shared("data/online-retail/online-retail.csv.xz")?;
    let packed = std::fs::File::open(path).expect("the file");
    let lines = BufReader::new(liblzma::read::XzDecoder::new(packed)).lines();
    let lines = lines.take(ROWS + 1).map(|line| line.expect("a line") + "\n");
    Some(lines.collect())
}

fn mapping() -> PathBuf {
    harness::root().join("examples/online-retail.toml")
}

/// What the file says: orders and credit notes, and how many rows are in neither.
fn expected(text: &str) -> (Books, u64) {
    let mut documents: BTreeMap<String, Document> = BTreeMap::new();
    let mut skipped = 0;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    for row in reader.records() {
        let row = row.expect("a row");
        let [number, sku, _, quantity, made, price, customer, _] =
            std::array::from_fn(|at| row[at].trim().to_owned());
        let quantity = decimal(&quantity);
        let is_credit_note = number.starts_with('C');
        if number.starts_with('A') || (quantity.is_sign_negative() && !is_credit_note) {
            skipped += 1;
            continue;
        }
        let customer = customer.trim_end_matches(".0").to_owned();
        let customer = if customer.is_empty() { "UNKNOWN".to_owned() } else { customer };
        let day = made[..10].to_owned();
        let document = documents.entry(number).or_insert_with(|| Document {
            customer,
            made,
            day,
            lines: Vec::new(),
        });
        document.lines.push((sku, quantity.abs(), decimal(&price)));
    }
    let (credit_notes, orders) =
        documents.into_iter().partition(|(number, _)| number.starts_with('C'));
    (Books::of(orders, credit_notes), skipped)
}

fn gross(documents: &BTreeMap<String, Document>) -> Decimal {
    let lines = documents.values().flat_map(|document| &document.lines);
    lines.map(|(_, quantity, price)| quantity * price).sum()
}

fn lines(documents: &BTreeMap<String, Document>) -> usize {
    documents.values().map(|document| document.lines.len()).sum()
}

async fn imports(place: &Place, text: &str) {
    let (books, skipped) = expected(text);
    let file = place.write("retail.csv", text);
    let imported = place.import(&file, &mapping(), &[]);
    let told = |documents: &BTreeMap<String, Document>, sign: Decimal| {
        json!({
            "created": documents.len(), "there_already": 0, "lines": lines(documents),
            "gross": (sign * gross(documents)).normalize().to_string(),
        })
    };
    let summary = &imported.summary;
    assert_eq!(summary["orders"], told(&books.orders, Decimal::ONE));
    assert_eq!(summary["credit_notes"], told(&books.credit_notes, Decimal::NEGATIVE_ONE));
    assert_eq!(summary["rows"], json!(ROWS));
    assert_eq!(summary["reported"], json!(skipped));
    assert_eq!(summary["facts"], json!(place.facts().await), "the log began empty");
    let client = place.connect().await;
    Books::read(&client, "Europe/London").await.are(&books);
    assert_eq!(shown(&client).await, by_month(&books), "sales by month");
}

/// By month: orders, lines, what they come to; and what was credited.
type Months = BTreeMap<String, (i64, i64, Decimal, Decimal)>;

fn by_month(books: &Books) -> Months {
    let mut months = Months::new();
    for document in books.orders.values() {
        let month = months.entry(document.day[..7].to_owned()).or_default();
        month.0 += 1;
        month.1 += i64::try_from(document.lines.len()).expect("a count");
        month.2 += document.lines.iter().map(|(_, count, price)| count * price).sum::<Decimal>();
    }
    for document in books.credit_notes.values() {
        let month = months.entry(document.day[..7].to_owned()).or_default();
        month.3 += document.lines.iter().map(|(_, count, price)| count * price).sum::<Decimal>();
    }
    months
        .into_iter()
        .map(|(month, (a, b, gross, credits))| {
            (month, (a, b, gross.normalize(), credits.normalize()))
        })
        .collect()
}

async fn shown(client: &Client) -> Months {
    let query = "select to_char(month, 'YYYY-MM'), orders, lines, gross::text, \
        credits::text from read.sales_by_month where currency = 'GBP'";
    let rows = client.query(query, &[]).await.expect("sales by month");
    let month = |row: &tokio_postgres::Row| {
        let sums = (row.get(1), row.get(2), decimal(row.get(3)), decimal(row.get(4)));
        (row.get(0), sums)
    };
    rows.iter().map(month).collect()
}

#[test]
fn a_real_file_is_there_to_the_last_line_and_importing_it_again_changes_nothing() {
    let Some(text) = first_rows() else { return };
    test(async |place| {
        imports(place, &text).await;
        let facts = place.facts().await;
        let again = place.import(&place.path("retail.csv"), &mapping(), &[]);
        assert_eq!(place.facts().await, facts, "nothing is written again");
        let summary = &again.summary;
        assert_eq!((&summary["facts"], &summary["orders"]["created"]), (&json!(0), &json!(0)));
        assert_eq!(
            (&summary["customers_created"], &summary["products_created"]),
            (&json!(0), &json!(0))
        );
        let mapping = mapping().to_string_lossy().into_owned();
        let arguments = ["import", "orders", "retail.csv", "--mapping", &mapping];
        let (code, out, err) = outcome(&mut place.millrace(&arguments));
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("nothing changed: everything was there already"), "{out}");
    });
}
