//! DuckDB, as an analyst has it: the package of PyPI, in a Python environment of its own under the
//! target directory, made by whichever test needs it first.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cluster::target;

/// Runs the query that it is given, and prints its rows, each as a JSON array of texts.
const SCRIPT: &str = "
import duckdb, json, sys
duckdb.sql(\"set timezone = 'UTC'\")
for row in duckdb.sql(sys.argv[1]).fetchall():
    print(json.dumps([None if value is None else str(value) for value in row]))
";

/// The Python that has it.
///
/// # Panics
/// If it cannot be installed.
#[must_use]
pub fn python() -> PathBuf {
    let folder = target().join("duckdb");
    let python = folder.join("bin/python");
    let lock = File::create(target().join("duckdb.lock")).expect("the lock of the environment");
    lock.lock().expect("locking the environment");
    // Written last: an installation that was cut off has none.
    let whole = folder.join("whole");
    if !whole.exists() {
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("removing half an environment");
        }
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "duckdb"]));
        fs::write(whole, "").expect("the environment's mark");
    }
    python
}

/// The rows that a query of DuckDB's gives, in this folder; values as Python shows them.
///
/// # Panics
/// If DuckDB refuses it.
#[must_use]
pub fn rows(folder: &Path, query: &str) -> Vec<Vec<Option<String>>> {
    let output = run(Command::new(python()).args(["-c", SCRIPT, query]).current_dir(folder));
    let row = |line: &str| -> Vec<Option<String>> {
        let row: Vec<Value> = serde_json::from_str(line).expect("a row");
        row.iter().map(|value| value.as_str().map(str::to_owned)).collect()
    };
    output.lines().map(row).collect()
}

fn run(command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    let needs = "it needs python3 with venv: apt install python3-venv";
    assert!(output.status.success(), "{command:?}: {errors}\n({needs})");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
