//! Claims about the export of facts: read back by DuckDB, it is the log, row by row; whatever was
//! killed goes on; nothing is in it twice, or of another organization.

mod cut_off;
mod equal;
mod refusals;

use std::collections::HashMap;
use std::path::Path;

use events::log::{Append, Log, LogId, LogLimits, NewFact, StreamKey};
use gateway::app::fresh_id;
use harness::TestDatabase;
use harness::duckdb;
use harness::program::{millrace, outcome};
use serde_json::Value;
use tokio_postgres::Client;
use uuid::Uuid;

const FORMATS: [&str; 2] = ["parquet", "ndjson"];

/// An export of this database, in small chunks, so that there are many.
fn exporting(url: &str, to: &Path, format: &str, more: &[&str]) -> std::process::Command {
    let mut command = millrace(&["export", "facts", "--json", "--format", format]);
    command.arg("--to").arg(to).args(more).env("DATABASE_URL", url);
    command.env("MILLRACE__EXPORT__PAGE_FACTS_MAX", "7");
    command.env("MILLRACE__EXPORT__CHUNK_FACTS_MAX", "20");
    command
}

/// What an export tells that has to succeed.
#[track_caller]
pub(crate) fn export(url: &str, to: &Path, format: &str, more: &[&str]) -> Value {
    let (code, out, err) = outcome(&mut exporting(url, to, format, more));
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("a summary")
}

/// What an export tells that has to fail with this exit code.
#[track_caller]
fn refused(url: &str, to: &Path, format: &str, more: &[&str], code: i32) -> String {
    let (ended, out, err) = outcome(&mut exporting(url, to, format, more));
    assert_eq!((ended, out.as_str()), (code, ""), "{err}");
    assert!(!err.contains("panicked"), "{err}");
    err
}

/// Every column, as texts that both sides write alike; what is JSON as the text that is stored.
const COLUMNS: &str = "position::text, organization_id::text, feature, stream_id::text, \
    version::text, event_id::text, type, schema_version::text";

/// What an export has, by DuckDB.
fn exported(to: &Path, format: &str) -> Vec<Vec<Option<String>>> {
    let from = match format {
        "parquet" => "read_parquet('**/*.parquet', hive_partitioning = true)",
        // Said, lest it makes structures of what is JSON.
        _ => {
            "read_json('**/*.ndjson', format = 'newline_delimited', columns = { \
             position: 'BIGINT', organization_id: 'UUID', feature: 'TEXT', stream_id: 'UUID', \
             version: 'BIGINT', event_id: 'UUID', type: 'TEXT', schema_version: 'SMALLINT', \
             data: 'JSON', meta: 'JSON', recorded_at: 'TIMESTAMPTZ' })"
        }
    };
    let query = format!(
        "select {COLUMNS}, data::text, meta::text, epoch_us(recorded_at)::text \
         from {from} order by position"
    );
    let mut rows = duckdb::rows(to, &query);
    if format == "ndjson" {
        // DuckDB reads JSON, and shows it in its own words: the text is looked up in the lines.
        let lines: HashMap<_, _> = lines(to).iter().map(|line| stored(line)).collect();
        for row in &mut rows {
            assert!(row[8].is_some() && row[9].is_some(), "{row:?}");
            let [data, meta] = lines[row[0].as_ref().expect("a position")].clone();
            (row[8], row[9]) = (Some(data), Some(meta));
        }
    }
    rows
}

/// The lines of all files, however deep.
fn lines(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(lines(&path));
        } else if path.extension().is_some_and(|ending| ending == "ndjson") {
            let text = std::fs::read_to_string(&path).expect("a file of the export");
            found.extend(text.lines().map(str::to_owned));
        }
    }
    found
}

/// The position of a line, and what stands there as data and as meta.
fn stored(line: &str) -> (String, [String; 2]) {
    let position = line.strip_prefix("{\"position\":").and_then(|rest| rest.split_once(','));
    let rest = line.split_once(",\"data\":").and_then(|(_, rest)| rest.rsplit_once(",\"recor"));
    let parts = rest.and_then(|(rest, _)| rest.rsplit_once(",\"meta\":"));
    let (data, meta) = parts.unwrap_or_else(|| panic!("{line}"));
    (position.expect("a position").0.to_owned(), [data.to_owned(), meta.to_owned()])
}

/// What the log has, by PostgreSQL.
async fn logged(client: &Client, which: &str) -> Vec<Vec<Option<String>>> {
    let query = format!(
        "select {COLUMNS}, convert_from(data, 'UTF8'), convert_from(meta, 'UTF8'), \
         (extract(epoch from recorded_at) * 1000000)::bigint::text \
         from log.events where {which} order by log.events.position"
    );
    let rows = client.query(&query, &[]).await.expect("the facts");
    rows.iter().map(|row| (0..11).map(|at| row.get(at)).collect()).collect()
}

/// The export is this part of the log, row by row.
#[track_caller]
fn equal(exported: &[Vec<Option<String>>], logged: &[Vec<Option<String>>]) {
    assert_eq!(exported.len(), logged.len(), "facts exported (left), facts of the log (right)");
    for (exported, logged) in exported.iter().zip(logged) {
        assert_eq!(exported, logged);
    }
}

/// A log of its own, without an app that would read it.
struct Bare {
    database: TestDatabase,
    log: Log,
    client: Client,
}

impl Bare {
    async fn open() -> Self {
        let database = TestDatabase::create().await;
        let log = Log::open(&database.config, LogId::default(), LogLimits::default()).await;
        let (log, client) = (log.expect("the log"), database.connect().await);
        Self { database, log, client }
    }

    /// Appends so many facts, of two organizations and three types, in batches of up to three.
    async fn add(&self, count: usize) {
        for at in (0..count).step_by(3) {
            let facts: Vec<_> = (at..count.min(at + 3)).map(thing).collect();
            let append = Append { facts, ..Append::default() };
            self.log.append(append).await.expect("an append");
        }
    }

    async fn end(self) {
        let Self { database, log, client } = self;
        drop((log, client));
        database.remove().await;
    }
}

/// What no program of ours writes: JSON with blanks and breaks, a field that nobody knows, types
/// that are no names of directories.
fn thing(at: usize) -> NewFact {
    let types = ["thing.happened", "thing/made ü=1", ".thing"];
    let organization = Uuid::from_u128(at as u128 % 2 + 1);
    let data = format!("{{ \"n\": {at}.50, \"unknown\": [\"\\n\\u00e9ü\", {{}}, 1e400] }}");
    NewFact {
        stream: StreamKey { organization, id: fresh_id() },
        feature: "things".into(),
        fact_type: types[at % 3].into(),
        schema_version: 3,
        event_id: fresh_id(),
        data: data.into_bytes(),
        meta: br#"{"actor":"administrator"}"#.to_vec(),
        tags: Vec::new(),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}
