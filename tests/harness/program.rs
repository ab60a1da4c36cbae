//! Millrace as a program: started, asked, killed.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::cluster::built;

/// A running `millrace serve`. Dropped, it is killed.
pub struct Program {
    child: Child,
    /// Its address.
    pub url: String,
    /// Its data directory.
    pub data: PathBuf,
    out: BufReader<ChildStdout>,
    log: Option<JoinHandle<String>>,
}

/// How a program ended, and everything that it said.
#[derive(Debug)]
pub struct Ended {
    /// Its exit.
    pub status: ExitStatus,
    /// What it printed on stdout behind the first line.
    pub out: String,
    /// What it printed on stderr.
    pub log: String,
}

/// A `millrace` with these arguments and nothing of the test's settings.
#[must_use]
pub fn millrace(arguments: &[&str]) -> Command {
    let mut command = Command::new(built("millrace"));
    command.args(arguments).stdin(Stdio::null()).env_remove("DATABASE_URL");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MILLRACE__") {
            command.env_remove(name);
        }
    }
    command
}

/// How a `millrace` with these arguments ends: exit code, stdout, stderr.
///
/// # Panics
/// If it cannot be started.
#[must_use]
pub fn outcome(command: &mut Command) -> (i32, String, String) {
    let output = command.output().expect("running millrace");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

impl Program {
    /// Starts `serve` on a free port and waits until it is ready.
    ///
    /// # Panics
    /// If it ends instead.
    #[must_use]
    pub fn serve(data: &Path, environment: &[(&str, &str)]) -> Self {
        let data_argument = data.to_string_lossy().into_owned();
        let mut command = millrace(&["serve", "--data", &data_argument, "--listen", "127.0.0.1:0"]);
        command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("starting millrace");
        let mut out = BufReader::new(child.stdout.take().expect("its stdout"));
        let mut errors = child.stderr.take().expect("its stderr");
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            drop(errors.read_to_string(&mut text));
            text
        });
        let mut line = String::new();
        out.read_line(&mut line).expect("a line of its stdout");
        let Some(url) = line.trim().strip_prefix("ready ") else {
            drop(child.kill());
            panic!("not ready: `{line}`; {}", log.join().unwrap_or_default());
        };
        let (url, data) = (url.to_owned(), data.to_owned());
        Self { child, url, data, out, log: Some(log) }
    }

    /// Somebody with the administrator's token.
    ///
    /// # Panics
    /// If there is no token.
    #[must_use]
    pub fn administrator(&self) -> Client {
        let token = std::fs::read_to_string(self.data.join("admin-token")).expect("the token");
        Client::with_token(&self.url, token.trim())
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap_or_default()
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("killing millrace");
        self.child.wait().expect("waiting for it");
    }

    /// SIGTERM, and how it ends: at most `wait` later.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn terminate(self, wait: Duration) -> ExitStatus {
        self.end(wait).status
    }

    /// As [`Self::terminate`], with what it said.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn end(mut self, wait: Duration) -> Ended {
        let pid = nix::unistd::Pid::from_raw(self.pid());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("SIGTERM");
        let started = Instant::now();
        while started.elapsed() < wait {
            if let Some(status) = self.child.try_wait().expect("waiting for it") {
                let mut out = String::new();
                self.out.read_to_string(&mut out).expect("the rest of its stdout");
                let log = self.log.take().map(|log| log.join().unwrap_or_default());
                return Ended { status, out, log: log.unwrap_or_default() };
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end within {wait:?} of SIGTERM");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
