//! `import`: a wholesaler's real year of trade, from its file through commands to the read models,
//! beside a bare COPY of the same rows into a plain table.

use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use harness::cluster::TestDatabase;
use harness::program::millrace;
use liblzma::read::XzDecoder;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::Scale;
use crate::memory::Memory;
use crate::report::{Goal, Row};
use crate::rounds::{median, rounded};

pub const DATA: &str = "data/online-retail/online-retail.csv.xz";
const MAPPING: &str = "examples/online-retail.toml";
/// How long the whole file may take.
const SECONDS_MAX: f64 = 120.0;
/// The most that the program may hold, in MB.
const PEAK_MAX: f64 = 500.0;
/// How many COPYs there are before the import, and as many behind it.
const COPIES: usize = 3;

/// Measures the row; none, if the real data is not there.
pub async fn measure(scale: Scale) -> Option<Row> {
    let place = harness::app::scratch();
    let (file, rows) = source(scale, &place)?;
    let count = rows.lines().count() - 1;
    let plain = Plain::create().await;
    let mut copied = Vec::new();
    for _ in 0..COPIES {
        copied.push(count as f64 / plain.copy(&rows).await.as_secs_f64());
    }
    let database = TestDatabase::create().await;
    let (summary, peak) = import(&file, &place, &database.url).await;
    database.remove().await;
    for _ in 0..COPIES {
        copied.push(count as f64 / plain.copy(&rows).await.as_secs_f64());
    }
    plain.0.remove().await;
    Some(row(count, &summary, peak, &copied))
}

/// Fills a database with the year, or the part of it that is asked for; what the import tells.
pub async fn fill(scale: Scale, place: &TempDir, url: &str) -> Option<Value> {
    let (file, _) = source(scale, place)?;
    Some(import(&file, place, url).await.0)
}

/// The file, and its rows as text.
fn source(scale: Scale, place: &TempDir) -> Option<(PathBuf, String)> {
    let packed = harness::shared(DATA)?;
    let Some(most) = scale.import_rows else {
        let rows = unpacked(&packed, usize::MAX);
        return Some((packed, rows));
    };
    let (file, rows) = (place.path().join("part.csv"), unpacked(&packed, most));
    std::fs::write(&file, &rows).expect("writing a part of the file");
    Some((file, rows))
}

fn row(count: usize, summary: &Value, peak: f64, copied: &[f64]) -> Row {
    assert_eq!(summary["rows"].as_u64(), Some(count as u64), "every row is read: {summary}");
    let seconds = summary["seconds"].as_f64().expect("its seconds");
    let ours = count as f64 / seconds;
    let ratios = || copied.iter().map(|copied| ours / copied);
    let low = ratios().fold(f64::INFINITY, f64::min);
    let ratio = [median(ratios()), low, ratios().fold(0.0, f64::max)];
    let mut details = Map::new();
    for name in ["rows", "reported", "seconds", "facts", "facts_per_second"] {
        details.insert(name.to_owned(), summary[name].clone());
    }
    details.insert("peak_mb".to_owned(), json!(rounded(peak)));
    details.insert("rounds".to_owned(), json!(1));
    let what = format!(
        "a year of real trade, {count} rows of CSV: `import orders`, every document a command, \
         until every read model shows it; in {SECONDS_MAX} s, holding at most {PEAK_MAX} MB"
    );
    let baseline = format!(
        "a bare COPY of the same rows into a plain table: {COPIES} before and {COPIES} behind"
    );
    Row {
        name: "import",
        what,
        ours,
        baseline: Some((baseline, median(copied.iter().copied()))),
        unit: "rows/s",
        ratio: Some(ratio),
        goal: Goal::AtLeast((count as f64 / SECONDS_MAX).ceil()),
        holds: peak <= PEAK_MAX,
        details,
    }
}

/// The heading and at most so many rows, as text.
fn unpacked(packed: &Path, most: usize) -> String {
    let file = std::fs::File::open(packed).expect("the real data");
    let mut text = String::new();
    let mut rows = BufReader::new(XzDecoder::new(file));
    if most == usize::MAX {
        rows.read_to_string(&mut text).expect("the rows");
    } else {
        for _ in 0..=most {
            rows.read_line(&mut text).expect("a row");
        }
    }
    text
}

/// Runs the program: what it tells, and the most that it held, in MB.
async fn import(file: &Path, place: &TempDir, url: &str) -> (Value, f64) {
    let mapping = harness::root().join(MAPPING);
    let path = |name: &str| place.path().join(name);
    let (report, data) = (path("report.csv"), path("data"));
    let mut command = millrace(&["import", "orders", "--json"]);
    command.arg(file).arg("--mapping").arg(mapping).arg("--report").arg(report);
    command.arg("--data").arg(data).env("DATABASE_URL", url);
    let run = move |mut command: Command| {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.expect("starting the import");
        let pid = i32::try_from(child.id()).expect("a process id");
        let watch = std::thread::spawn(move || peak(pid));
        let output = child.wait_with_output().expect("the import's end");
        (output, watch.join().expect("its peak"))
    };
    let (output, peak) =
        tokio::task::spawn_blocking(move || run(command)).await.expect("the import");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "the import: {}: {errors}", output.status);
    (serde_json::from_slice(&output.stdout).expect("its summary"), peak)
}

/// The most that a process holds until it ends.
fn peak(pid: i32) -> f64 {
    let mut peak = 0.0;
    while let Some(memory) = Memory::of_running(pid) {
        peak = memory.peak;
        std::thread::sleep(Duration::from_millis(50));
    }
    peak
}

/// A plain table.
struct Plain(TestDatabase);

impl Plain {
    async fn create() -> Self {
        let database = TestDatabase::create().await;
        let create = "create table plain (invoice text, product text, description text, \
            quantity int, at timestamp, price numeric, customer text, country text)";
        database.connect().await.batch_execute(create).await.expect("a plain table");
        Self(database)
    }

    /// Copies the rows into it, durably; how long that took.
    async fn copy(&self, rows: &str) -> Duration {
        let client = self.0.connect().await;
        client.batch_execute("truncate plain").await.expect("an empty table");
        let rows = Cursor::new(rows.to_owned().into_bytes());
        let started = Instant::now();
        let sink = client.copy_in("copy plain from stdin (format csv, header)").await;
        let mut sink = std::pin::pin!(sink.expect("a COPY"));
        sink.send(rows).await.expect("copying");
        sink.finish().await.expect("the end of the COPY");
        started.elapsed()
    }
}
