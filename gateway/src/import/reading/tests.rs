//! Claims about reading: whatever a file is packed in, written in or broken by, its rows have the
//! lines that a person finds them on.

use std::io::Write;

use super::*;

/// The rows of a file with these bytes: line, last line, cells.
fn rows(bytes: &[u8], shape: &str) -> Result<Vec<(u64, u64, Vec<String>)>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    std::fs::write(&path, bytes).unwrap();
    let source = Source::open(&path, 1_000).map_err(|error| error.to_string())?;
    let shape: FileShape = toml::from_str(shape).unwrap();
    let mut rows = source.rows(&shape).unwrap();
    let mut found = Vec::new();
    while let Some(cells) = rows.next_row().map_err(|error| error.to_string())? {
        let texts = cells.iter().map(str::to_owned).collect();
        found.push((cells.line, cells.last_line, texts));
    }
    Ok(found)
}

fn row(line: u64, last_line: u64, cells: &[&str]) -> (u64, u64, Vec<String>) {
    (line, last_line, cells.iter().map(|cell| (*cell).to_owned()).collect())
}

#[test]
fn a_row_has_the_line_that_it_begins_on_however_lines_end() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["a,b", "", "", "1,\"x", "y\"", "3", "\"4\",\"\"\"5\"\"\""].join(end);
        let found = rows(text.as_bytes(), "").unwrap();
        let inside = format!("x{end}y");
        let expected = [
            row(1, 1, &["a", "b"]),
            row(4, 5, &["1", &inside]),
            row(6, 6, &["3"]),
            row(7, 7, &["4", "\"5\""]),
        ];
        assert_eq!(found, expected, "{end:?}");
    }
}

#[test]
fn a_file_without_rows_has_none() {
    for bytes in [&b""[..], b"\n\n", b"\r\n", b"\xef\xbb\xbf"] {
        assert_eq!(rows(bytes, "").unwrap(), []);
    }
}

#[test]
fn a_packed_file_is_known_by_its_first_bytes() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(b"a,b\n1,2\n").unwrap();
    let mut packed = gz.finish().unwrap();
    // Two members behind each other, as `cat` makes them.
    packed.extend_from_within(..);
    let expected = [row(1, 1, &["a", "b"]), row(2, 2, &["1", "2"])];
    assert_eq!(rows(&packed, "").unwrap()[..2], expected);
    assert_eq!(rows(&packed, "").unwrap().len(), 4);
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(b"a,b\n1,2\n").unwrap();
    let packed = xz.finish().unwrap();
    assert_eq!(rows(&packed, "").unwrap(), expected);
    let told = rows(&packed[..packed.len() - 20], "").unwrap_err();
    assert!(told.contains("orders.csv") && told.contains("beyond line"), "{told}");
    let told = rows(b"PK\x03\x04....", "").unwrap_err();
    assert!(told.contains("save it as CSV"), "{told}");
}

#[test]
fn a_file_is_decoded_and_a_byte_order_mark_decides() {
    let expected = [row(1, 1, &["Käse", "2"])];
    assert_eq!(rows("Käse,2".as_bytes(), "").unwrap(), expected);
    assert_eq!(rows("\u{feff}Käse,2".as_bytes(), "encoding = 'latin1'").unwrap(), expected);
    assert_eq!(rows(b"K\xe4se,2", "encoding = 'latin1'").unwrap(), expected);
    let wide: Vec<u8> = "Käse,2".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(rows(&wide, "encoding = 'utf-16le'").unwrap(), expected);
    let marked = [&[0xff, 0xfe], wide.as_slice()].concat();
    assert_eq!(rows(&marked, "").unwrap(), expected);
}

#[test]
fn bytes_that_the_encoding_does_not_have_break_their_row_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    std::fs::write(&path, b"a,b\xff\nc,d\n\xc3,\xe2\x82\ne,f").unwrap();
    let source = Source::open(&path, 1_000).unwrap();
    let mut rows = source.rows(&FileShape::default()).unwrap();
    let mut broken = Vec::new();
    while let Some(cells) = rows.next_row().unwrap() {
        broken.push(cells.broken());
    }
    assert_eq!(broken, [Some(1), None, Some(0), None]);
}

#[test]
fn other_delimiters_and_quotes_are_taken() {
    let shape = "delimiter = ';'\nquote = \"'\"";
    assert_eq!(rows(b"a;'b;c';\"d\"", shape).unwrap(), [row(1, 1, &["a", "b;c", "\"d\""])]);
    let shape = "delimiter = \"\\t\"\nquote = ''";
    assert_eq!(rows(b"6\" nail\t\"2\n", shape).unwrap(), [row(1, 1, &["6\" nail", "\"2"])]);
}

#[test]
fn a_quote_that_is_never_closed_does_not_take_the_rest_of_a_large_file() {
    let text = format!("a,b\n1,\"2\n{}", "3,4\n".repeat(1_000));
    let told = rows(text.as_bytes(), "").unwrap_err();
    assert!(told.contains("line 2") && told.contains("a quote not closed"), "{told}");
    let wide = ",".repeat(20_000);
    assert!(rows(wide.as_bytes(), "").unwrap_err().contains("16384 cells"));
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("none.csv")] {
        let told = Source::open(&path, 1_000).unwrap_err().to_string();
        assert!(told.contains(&path.display().to_string()), "{told}");
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    std::fs::write(&path, "a,b\n").unwrap();
    let source = Source::open(&path, 1_000).unwrap();
    source.unchanged().unwrap();
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(b"1,2\n").unwrap();
    assert!(source.unchanged().unwrap_err().to_string().contains("run it again"));
}
