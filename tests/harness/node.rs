//! Programs in Node.js, as customers write them: the scripts and packages of `tests/clients`.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::app::{TOKEN, TestApp};
use crate::root;

/// How long a script may take.
const WAIT: Duration = Duration::from_secs(120);

/// The folder of the scripts.
#[must_use]
pub fn folder() -> PathBuf {
    root().join("tests/clients")
}

/// Runs a script over an app, as the administrator or as nobody: the lines that it prints, each of
/// them JSON.
///
/// # Panics
/// If it fails, or says anything on stderr.
pub async fn lines(app: &TestApp, script: &str, knows_token: bool) -> Vec<Value> {
    let token = if knows_token { TOKEN } else { "" };
    lines_with(app, script, &[("MILLRACE_TOKEN", token)]).await
}

/// As [`lines`], with what the script is told in its environment beside the app's address.
///
/// # Panics
/// If it fails, or says anything on stderr.
pub async fn lines_with(app: &TestApp, script: &str, told: &[(&str, &str)]) -> Vec<Value> {
    let mut command = Command::new("node");
    command.arg(script).env("MILLRACE_URL", &app.url).envs(told.iter().copied());
    let output = run(&mut command).await;
    let line = |line: &str| serde_json::from_str(line);
    let lines: Result<_, _> = output.lines().map(line).collect();
    lines.unwrap_or_else(|error| panic!("{script} prints other than JSON ({error}): {output}"))
}

/// Runs a program in the folder of the scripts: what it prints.
///
/// # Panics
/// If it fails, says anything on stderr, or takes too long.
pub async fn run(command: &mut Command) -> String {
    let installed = folder().join("node_modules/.package-lock.json");
    assert!(installed.exists(), "{} is missing: `make clients` installs it", installed.display());
    command.current_dir(folder()).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(WAIT, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{command:?} takes longer than {WAIT:?}"));
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && errors.is_empty(), "{command:?}: {errors}\n{out}");
    out
}
