//! Somewhere to import into: a directory for files, and a database of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use harness::app::scratch;
use harness::cluster::TestDatabase;
use harness::program::{millrace, outcome};
use serde_json::Value;
use tokio_postgres::Client;

/// A directory for files, and a database.
pub(super) struct Place {
    folder: tempfile::TempDir,
    pub(super) database: TestDatabase,
}

/// How an import ended that went through.
#[derive(Debug)]
pub(super) struct Imported {
    /// What it told with `--json`.
    pub(super) summary: Value,
    /// The report: row, document, field, reason.
    pub(super) report: Vec<(u64, String, String, String)>,
}

/// Runs a test in a place of its own.
pub(super) fn test(claim: impl AsyncFnOnce(&Place)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let place = Place { folder: scratch(), database: TestDatabase::create().await };
        claim(&place).await;
        place.database.remove().await;
    });
}

impl Place {
    /// The path of a file here.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("writing a file");
        path
    }

    /// `millrace import orders` of these files, with more arguments, told as JSON.
    pub(super) fn command(&self, file: &Path, mapping: &Path, more: &[&str]) -> Command {
        let (file, mapping) = (file.to_string_lossy(), mapping.to_string_lossy());
        let arguments = ["import", "orders", &file, "--mapping", &mapping, "--json"];
        let mut command = millrace(&[&arguments, more].concat());
        command.current_dir(self.folder.path()).env("DATABASE_URL", &self.database.url);
        command
    }

    /// Imports; it has to go through.
    pub(super) fn import(&self, file: &Path, mapping: &Path, more: &[&str]) -> Imported {
        let (code, out, err) = outcome(&mut self.command(file, mapping, more));
        assert_eq!(code, 0, "{out}{err}");
        Imported::read(&out, self.folder.path())
    }

    /// Imports; it has to end with this code, and tell all of this.
    #[track_caller]
    pub(super) fn fails(
        &self,
        (file, mapping): (&Path, &Path),
        more: &[&str],
        code: i32,
        telling: &[&str],
    ) {
        let (ended, out, err) = outcome(&mut self.command(file, mapping, more));
        assert_eq!((ended, out.as_str()), (code, ""), "{err}");
        for part in telling {
            assert!(err.contains(part), "`{part}` is not told: {err}");
        }
        assert!(!err.contains("panicked"), "{err}");
    }

    /// Begins to import.
    pub(super) fn begin(&self, file: &Path, mapping: &Path) -> Child {
        let mut command = self.command(file, mapping, &[]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starting millrace")
    }

    /// A connection to look at what is there.
    pub(super) async fn connect(&self) -> Client {
        self.database.connect().await
    }

    /// How many facts there are.
    pub(super) async fn facts(&self) -> i64 {
        let count = "select coalesce(max(position), 0) from log.events";
        self.connect().await.query_one(count, &[]).await.expect("the log").get(0)
    }
}

impl Imported {
    /// What an import told, and the report that it left in a directory.
    pub(super) fn read(out: &str, folder: &Path) -> Self {
        let summary: Value = serde_json::from_str(out).expect("a JSON object");
        let report = folder.join(summary["report"].as_str().expect("the report's path"));
        let mut reader = csv::Reader::from_path(report).expect("the report");
        assert_eq!(reader.headers().expect("headings"), &["row", "document", "field", "reason"][..]);
        let rows = reader.deserialize().map(|row| row.expect("a row of the report"));
        let imported = Self { summary, report: rows.collect() };
        let count = |key: &str| imported.summary[key].as_u64().expect("a count");
        assert_eq!(count("taken") + count("reported"), count("rows"), "{}", imported.summary);
        assert_eq!(count("reported"), imported.report.len() as u64);
        let mut lines: Vec<u64> = imported.report.iter().map(|(row, ..)| *row).collect();
        lines.dedup();
        assert_eq!(lines.len(), imported.report.len(), "a row is reported once");
        assert!(lines.is_sorted(), "the report is in the order of the file");
        imported
    }
}
