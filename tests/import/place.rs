//! Somewhere to import into: a directory for files, and a database of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use harness::app::scratch;
use harness::cluster::TestDatabase;
use harness::program::{millrace, outcome};
use harness::untidy::Untidy;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio_postgres::{Client, Config};

/// A directory for files, and the database to import into.
pub(super) struct Place {
    folder: tempfile::TempDir,
    config: Config,
    url: String,
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
        let database = TestDatabase::create().await;
        claim(&Place::of(&database)).await;
        database.remove().await;
    });
}

impl Place {
    /// A directory for files to import into this database.
    pub(super) fn of(database: &TestDatabase) -> Self {
        let (config, url) = (database.config.clone(), database.url.clone());
        Self { folder: scratch(), config, url }
    }

    /// Another directory, for the same database.
    pub(super) fn beside(&self) -> Self {
        Self { folder: scratch(), config: self.config.clone(), url: self.url.clone() }
    }

    /// The path of a file here.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address of the database.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Writes a file.
    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("writing a file");
        path
    }

    /// `millrace` with these arguments, here.
    pub(super) fn millrace(&self, arguments: &[&str]) -> Command {
        let mut command = millrace(arguments);
        command.current_dir(self.folder.path()).env("DATABASE_URL", &self.url);
        command
    }

    /// `millrace import orders` of these files, with more arguments, told as JSON.
    pub(super) fn command(&self, file: &Path, mapping: &Path, more: &[&str]) -> Command {
        let (file, mapping) = (file.to_string_lossy(), mapping.to_string_lossy());
        let arguments = ["import", "orders", &file, "--mapping", &mapping, "--json"];
        self.millrace(&[&arguments, more].concat())
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

    /// Writes a file and its mapping.
    pub(super) fn files(&self, untidy: &Untidy) -> (PathBuf, PathBuf) {
        let file = self.write("orders.csv", &untidy.bytes);
        (file, self.write("mapping.toml", &untidy.mapping))
    }

    /// Begins to import a file.
    pub(super) fn begin(&self, untidy: &Untidy) -> Running {
        let (file, mapping) = self.files(untidy);
        Running::start(self.command(&file, &mapping, &[]))
    }

    /// A connection to look at what is there.
    pub(super) async fn connect(&self) -> Client {
        events::log::connect(&self.config).await.expect("connecting")
    }

    /// How many facts there are.
    pub(super) async fn facts(&self) -> i64 {
        let count = "select coalesce(max(position), 0) from log.events";
        self.connect().await.query_one(count, &[]).await.expect("the log").get(0)
    }
}

/// An import that runs. Dropped, it is killed.
pub(super) struct Running(Option<Child>);

impl Running {
    /// Starts it.
    pub(super) fn start(mut command: Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(Some(command.spawn().expect("starting millrace")))
    }

    fn child(&mut self) -> &mut Child {
        self.0.as_mut().expect("a running import")
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child().try_wait().expect("waiting for it").is_some()
    }

    /// Sends it a signal.
    pub(super) fn signal(&mut self, signal: Signal) {
        let pid = i32::try_from(self.child().id()).expect("its id");
        kill(Pid::from_raw(pid), signal).expect("a signal");
    }

    /// How it ends: exit code, stdout, stderr.
    pub(super) fn end(mut self) -> (i32, String, String) {
        let child = self.0.take().expect("a running import");
        let output = child.wait_with_output().expect("its end");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Imported {
    /// What an import told, and the report that it left in a directory.
    pub(super) fn read(out: &str, folder: &Path) -> Self {
        let summary: Value = serde_json::from_str(out).expect("a JSON object");
        let report = folder.join(summary["report"].as_str().expect("the report's path"));
        let mut reader = csv::Reader::from_path(report).expect("the report");
        assert_eq!(
            reader.headers().expect("headings"),
            &["row", "document", "field", "reason"][..]
        );
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
