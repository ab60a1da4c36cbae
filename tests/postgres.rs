//! Claims about the embedded PostgreSQL, each on a cluster of its own and against real processes;
//! what the program stores in it is claimed elsewhere.

#![expect(clippy::unwrap_used, reason = "what the tests share may fail as they may")]

mod dying;
mod owning;
mod sharing;
mod starting;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command as StdCommand, Stdio};
use std::time::{Duration, Instant};

use gateway::postgres::{Embedded, EmbeddedOptions, PostgresError, url_for};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, Uid, User, geteuid, getpgid};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls, Row};

/// The data directory that a test binary acts as another program on, if it is set.
const PROGRAM: &str = "MILLRACE_TEST_PROGRAM";

/// A directory of a test's own, removed with its server when the test ends.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let open = Permissions::from_mode(0o755);
        Self(tempfile::Builder::new().prefix("millrace-").permissions(open).tempdir().unwrap())
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn cluster(&self) -> PathBuf {
        self.data().join("postgres/cluster")
    }

    async fn start(&self) -> Embedded {
        Embedded::start(options(&self.data())).await.unwrap()
    }

    async fn refusal(&self) -> PostgresError {
        Embedded::start(options(&self.data())).await.unwrap_err()
    }

    /// Whether the server answers again, in another process than the killed one.
    async fn answers_after(&self, killed: Pid) -> bool {
        let url = url_for(&self.data()).unwrap().0;
        connect(&url).await.is_ok() && server_in(&self.cluster()) != Some(killed)
    }

    /// The server's process id by its pid file.
    fn server(&self) -> Pid {
        server_in(&self.cluster()).unwrap()
    }

    fn runs(&self) -> bool {
        url_for(&self.data()).unwrap().1
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        kill_server_in(&self.cluster());
    }
}

fn server_in(cluster: &Path) -> Option<Pid> {
    let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    text.lines().next()?.parse().ok().map(Pid::from_raw)
}

/// Ends a server that a failed test left; a process that merely got its id is spared.
fn kill_server_in(cluster: &Path) {
    if let (Some(pid), Ok(cluster)) = (server_in(cluster), fs::canonicalize(cluster))
        && fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|works_in| works_in == cluster)
    {
        let _ = kill(pid, Signal::SIGQUIT);
    }
}

fn options(data: &Path) -> EmbeddedOptions {
    EmbeddedOptions {
        data: data.to_owned(),
        binaries: Vec::new(),
        start_timeout: Duration::from_mins(1),
        stop_timeout: Duration::from_secs(30),
        settings: Vec::new(),
    }
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn show(client: &Client, setting: &str) -> String {
    client.query_one(&format!("SHOW {setting}"), &[]).await.unwrap().get(0)
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !holds().await {
        assert!(since.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether the process ended, be it that nobody asked how: PID 1 of a container may not.
fn is_gone(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    kill(pid, None).is_err() || status.contains(") Z ")
}

fn is_root() -> bool {
    geteuid().is_root()
}

/// Another program that uses the embedded PostgreSQL: this test binary, in a group of its own.
struct Program(Child);

impl Program {
    fn begin(data: &Path, uid: Option<Uid>) -> Self {
        let (_, module) = module_path!().split_once("::").unwrap();
        let mut command = StdCommand::new(std::env::current_exe().unwrap());
        command.arg("--exact").arg(format!("{module}::another_program_can_use_it"));
        command.arg("--nocapture").env(PROGRAM, data).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(uid) = uid {
            let user = User::from_uid(uid).unwrap().unwrap();
            command.uid(uid.as_raw()).gid(user.gid.as_raw());
        }
        Self(Command::from(command).kill_on_drop(true).spawn().unwrap())
    }

    /// Waits until it uses the server; returns the URL.
    async fn ready(&mut self) -> String {
        self.line_with("ready ").await
    }

    async fn stop(&mut self) {
        self.0.stdin.as_mut().unwrap().write_all(b"stop\n").await.unwrap();
        self.line_with("stopped").await;
        assert!(self.0.wait().await.unwrap().success());
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().unwrap().try_into().unwrap())
    }

    /// Kills it, with the rest of its process group, in which PostgreSQL is not.
    async fn kill(&mut self) {
        killpg(self.pid(), Signal::SIGKILL).unwrap();
        self.0.wait().await.unwrap();
    }

    /// What stands after `word` in the first line that has it.
    async fn line_with(&mut self, word: &str) -> String {
        let mut text = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        while let Some(line) = text.next_line().await.unwrap() {
            if let Some((_, rest)) = line.split_once(word) {
                return rest.to_owned();
            }
        }
        panic!("the program ended before it said {word:?}");
    }
}

#[expect(clippy::print_stdout, reason = "this is how it tells the test that began it")]
async fn act_as_program(data: &Path) {
    let embedded = Embedded::start(options(data)).await.unwrap();
    println!("ready {}", embedded.url());
    let word = tokio::task::spawn_blocking(|| std::io::read_to_string(first_line()).unwrap());
    assert_eq!(word.await.unwrap(), "stop\n");
    embedded.stop().await.unwrap();
    println!("stopped");
}

fn first_line() -> impl std::io::Read {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    std::io::Cursor::new(line)
}

#[tokio::test]
async fn another_program_can_use_it() {
    if let Some(data) = std::env::var_os(PROGRAM) {
        return act_as_program(Path::new(&data)).await;
    }
    let place = Place::new();
    let mut program = Program::begin(&place.data(), None);
    let url = program.ready().await;
    connect(&url).await.unwrap();
    program.stop().await;
    assert!(!place.runs());
}
