//! Millrace as a program: started, asked, killed.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::cluster::built;

/// A running `millrace serve`, or `work`. Dropped, it is killed.
pub struct Program {
    child: Child,
    /// Its address; of `work`, the rest of what it says when it has begun.
    pub url: String,
    /// Its data directory.
    pub data: PathBuf,
    out: BufReader<ChildStdout>,
    log: Arc<Mutex<String>>,
    logging: Option<JoinHandle<()>>,
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

/// `serve` on a free port, its output to be read.
#[must_use]
pub fn serving(data: &Path, more: &[&str], environment: &[(&str, &str)]) -> Command {
    let data = data.to_string_lossy();
    let mut command = millrace(&["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
    command.args(more).envs(environment.iter().copied());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Keeps what is printed, line by line, until the end.
fn kept(errors: ChildStderr, log: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let log = log.clone();
    std::thread::spawn(move || {
        let (mut errors, mut line) = (BufReader::new(errors), Vec::new());
        while errors.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

impl Program {
    /// Starts `serve` on a free port and waits until it is ready.
    ///
    /// # Panics
    /// If it ends instead.
    #[must_use]
    pub fn serve(data: &Path, environment: &[(&str, &str)]) -> Self {
        Self::serve_with(data, &[], environment)
    }

    /// As [`Self::serve`], with more arguments.
    ///
    /// # Panics
    /// If it ends instead.
    #[must_use]
    pub fn serve_with(data: &Path, more: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start(data, serving(data, more, environment))
    }

    /// Starts `work` and waits until it has begun.
    ///
    /// # Panics
    /// If it ends instead.
    #[must_use]
    pub fn work(data: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = millrace(&["work", "--data", &data.to_string_lossy()]);
        command.envs(environment.iter().copied());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::start(data, command)
    }

    fn start(data: &Path, mut command: Command) -> Self {
        let mut child = command.spawn().expect("starting millrace");
        let mut out = BufReader::new(child.stdout.take().expect("its stdout"));
        let log = Arc::default();
        let logging = Some(kept(child.stderr.take().expect("its stderr"), &log));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line of its stdout");
        let (url, data) = (line.trim().strip_prefix("ready ").map(str::to_owned), data.to_owned());
        let mut program = Self { child, url: String::new(), data, out, log, logging };
        let Some(url) = url else {
            drop(program.child.kill());
            drop(program.logging.take().map(JoinHandle::join));
            panic!("not ready: `{line}`; {}", program.said());
        };
        program.url = url;
        program
    }

    /// What it has printed on stderr until now.
    #[must_use]
    pub fn said(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it is no more.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.pid());
        nix::sys::signal::kill(pid, signal).expect("a signal");
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
                drop(self.logging.take().map(JoinHandle::join));
                return Ended { status, out, log: self.said() };
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
