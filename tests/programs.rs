//! Claims about the program: its verbs, its settings, how it starts, stops and fails. Each failure
//! says what was wrong and what would be right, and never a secret.

mod checking;
mod databases;
mod serving;
mod settings;
mod tracing;
mod usage;

use harness::program::{millrace, outcome};

/// How a `millrace` with these arguments and environment variables ends, in a directory of its own.
fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let place = harness::app::scratch();
    let mut command = millrace(arguments);
    outcome(command.current_dir(place.path()).envs(environment.iter().copied()))
}

/// It ends with this exit code, prints nothing on stdout, and tells all of this on stderr.
#[track_caller]
fn fails(arguments: &[&str], environment: &[(&str, &str)], code: i32, telling: &[&str]) -> String {
    let (ended, out, err) = run(arguments, environment);
    assert_eq!((ended, out.as_str()), (code, ""), "{arguments:?} {environment:?}: {err}");
    for part in telling {
        assert!(err.contains(part), "`{part}` is not told by {arguments:?} {environment:?}: {err}");
    }
    assert!(!err.contains("panicked"), "{err}");
    err
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}
