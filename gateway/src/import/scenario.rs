//! For the tests beside: a file and a mapping, as short as they can be, to try one thing on.

use super::ImportLimits;
use super::layout::Layout;
use super::mapping::Mapping;
use super::reading::Source;
use super::task::Task;
use crate::progress::Progress;

/// The headings of [`MAPPING`]: `No,At,Buyer,SKU,Name,Pieces,Price`.
pub(super) const HEADINGS: &str = "No,At,Buyer,SKU,Name,Pieces,Price";

/// A mapping for files with [`HEADINGS`].
pub(super) const MAPPING: &str = "
    currency = 'GBP'
    [columns]
    document = 'No'
    placed_at = 'At'
    customer = { column = 'Buyer', pattern = '^([A-Z0-9-]+)(?:\\.0)?$' }
    product = 'SKU'
    product_name = 'Name'
    quantity = 'Pieces'
    unit_price = 'Price'
    [dates]
    format = '%Y-%m-%d %H:%M'
    zone = 'Europe/London'
    [documents]
    orders = '^[0-9]+$'
    credit_notes = '^C[0-9]+$'
";

/// A file with these bytes, read as the mapping says in 2012.
pub(super) fn task_of(bytes: &[u8], mapping: &str, limits: ImportLimits) -> Task {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.csv");
    std::fs::write(&path, bytes).unwrap();
    // The file stays readable when its folder is gone.
    let source = Source::open(&path, limits.row_bytes_max).unwrap();
    let mapping = Mapping::parse(mapping).unwrap();
    let layout = Layout::find(&source, &mapping).unwrap();
    let now = "2012-01-01T00:00:00Z".parse().unwrap();
    Task { source, mapping, layout, now, limits, progress: Progress::start("importing") }
}

/// The rows under [`HEADINGS`], read as [`MAPPING`] says, with these lines in it.
pub(super) fn task(rows: &[&str], more: &str) -> Task {
    let text = format!("{HEADINGS}\n{}\n", rows.join("\n"));
    task_of(text.as_bytes(), &format!("{MAPPING}\n{more}"), ImportLimits::default())
}
