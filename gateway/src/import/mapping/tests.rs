//! Claims about mappings: what is wrong is named with its key and what would be right.

use super::*;

const LEAST: &str = "
    currency = 'GBP'
    columns = { document = 'No', placed_at = 'At', customer = 'Buyer', product = 'SKU', \
        quantity = 'Pieces', unit_price = 'Price' }
    dates = { format = '%Y-%m-%d', zone = 'Europe/London' }
    documents = { orders = '^[0-9]+$' }
";

#[test]
fn the_least_that_a_mapping_says_leaves_the_defaults() {
    let mapping = Mapping::parse(LEAST).unwrap();
    assert_eq!(mapping.file.delimiter, Delimiter(b','));
    assert_eq!(mapping.documents.series, "external");
    assert_eq!(mapping.documents.incomplete, Incomplete::Refuse);
    assert_eq!(mapping.customers.name, "{number}");
    assert!(mapping.products.backorder && mapping.file.headings);
}

#[test]
fn a_column_has_a_heading_or_a_number_and_perhaps_a_pattern() {
    let columns = "{ column = 'No', pattern = '^([0-9]+)' }";
    let mapping = Mapping::parse(&LEAST.replacen("'No'", columns, 1)).unwrap();
    assert_eq!(mapping.columns.document.place, Place::Heading("No".to_owned()));
    assert_eq!(mapping.columns.document.pattern.unwrap().0.as_str(), "^([0-9]+)");
}

#[test]
fn what_is_wrong_is_named_with_its_key_and_what_would_be_right() {
    let with = |line: &str| format!("{line}\n{LEAST}");
    for (text, telling) in [
        (with("curency = 'GBP'"), vec!["curency", "currency"]),
        (LEAST.replace("'GBP'", "'GBX'"), vec!["currency", "GBX", "ISO 4217"]),
        (LEAST.replace("currency = 'GBP'", ""), vec!["missing field `currency`"]),
        (LEAST.replace("zone = 'Europe/London'", "zone = 'London'"), vec!["zone", "Europe/Zurich"]),
        (LEAST.replace("'%Y-%m-%d'", "'%H:%M'"), vec!["format", "%H:%M", "day", "strftime"]),
        (LEAST.replace("'^[0-9]+$'", "'^[0-9'"), vec!["orders", "regular expression"]),
        (LEAST.replace("orders =", "order ="), vec!["order", "`orders`", "`credit_notes`"]),
        (LEAST.replace("orders = '^[0-9]+$'", ""), vec!["`documents`", "orders"]),
        (LEAST.replace("quantity = 'Pieces', ", ""), vec!["missing field `quantity`"]),
        (LEAST.replace("'Pieces'", "0"), vec!["quantity", "from 1"]),
        (LEAST.replace("'Pieces'", "3"), vec!["`columns.quantity`", "name the heading"]),
        (LEAST.replace("'Pieces'", "{ colum = 'Pieces' }"), vec!["colum", "`column`", "`pattern`"]),
        (LEAST.replace("'Pieces'", "{ pattern = 'x' }"), vec!["quantity", "missing", "`column`"]),
        (LEAST.replace("'Pieces'", "true"), vec!["quantity", "a heading, a column's number"]),
        (LEAST.replace("'Pieces'", "' '"), vec!["quantity", "empty heading"]),
        (with("file = { headings = false }"), vec!["`columns.document`", "the number, from 1"]),
        (with("file = { delimiter = ';;' }"), vec!["delimiter", ";;", "one ASCII character"]),
        (with("file = { delimiter = '\"' }"), vec!["`file.quote`", "delimiter"]),
        (with("file = { encoding = 'utf-9' }"), vec!["encoding", "utf-9", "latin1"]),
        (with("file = { cells = 7 }"), vec!["`file.cells`", "leave it out"]),
        (with("numbers = { thousands = '.' }"), vec!["`numbers.thousands`", "both"]),
        (with("numbers = { decimal = '' }"), vec!["decimal", "character"]),
        (with("numbers = { thousands = '12' }"), vec!["thousands", "one character"]),
        (with("numbers = { decimal = '-' }"), vec!["`numbers.decimal`", "use . or ,"]),
        (
            with("products = { units = { kg = { unit = 'kg' } } }"),
            vec!["`products.units`", "columns.unit"],
        ),
        (
            LEAST.replace("unit_price", "unit = 'U', unit_price"),
            vec!["`products.units`", "units ="],
        ),
        (
            LEAST.replace("orders = '^", "series = 'a/b', orders = '^"),
            vec!["`documents.series`", "external"],
        ),
        (
            LEAST.replace("orders = '^", "incomplete = 'drop', orders = '^"),
            vec!["drop", "`skip-rows`"],
        ),
        (
            LEAST.replace("orders = '^", "rounding = { how = 'up' }, orders = '^"),
            vec!["up", "half_up"],
        ),
        ("currency = ".to_owned(), vec!["line 1"]),
        (String::new(), vec!["missing field"]),
    ] {
        let told = Mapping::parse(&text).map(drop).unwrap_err().to_string();
        for part in telling {
            assert!(told.contains(part), "`{part}` is not told of\n{text}\n{told}");
        }
    }
}
