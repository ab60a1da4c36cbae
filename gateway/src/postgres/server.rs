//! Starts the server unless it runs, and stops it; watching it is in `watch.rs`, and who may do
//! either when is decided by the locks that the callers hold.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc::O_NOFOLLOW;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_postgres::Client;

use super::binaries::Binaries;
use super::deadline::Deadline;
use super::error::{PostgresError, cannot};
use super::layout::Layout;
use super::logs;
use super::process::{disown_taken_id, is_alive};
use super::settings;
use super::socket::{self, Answer};

/// How often a server that stops is looked at.
const POLL: Duration = Duration::from_millis(20);
/// The pauses between two looks at a server that starts, or two attempts to start it, grow from
/// the first to the last of these: each look leaves a line in the log of one that recovers.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// How long the server may take to end without a checkpoint.
const QUIT_TIMEOUT: Duration = Duration::from_secs(10);
/// A database that every cluster has.
const ANY_DATABASE: &str = "postgres";

/// What PostgreSQL says when it cannot start yet: a killed server's orphans still hold its shared
/// memory, another server is about to end or has just begun, its process id was given again.
const PASSING: [&str; 4] =
    ["still in use", "already in use", ".pid\" already exists", ".lock\" already exists"];
/// How many attempts to start may fail for other reasons.
const FAILURES_MAX: u32 = 3;

/// How to run the server of one cluster.
#[derive(Debug)]
pub(super) struct Server {
    /// Where it runs.
    pub(super) layout: Layout,
    /// What it runs.
    pub(super) binaries: Binaries,
    /// What is set besides our own settings.
    pub(super) settings: Vec<(String, String)>,
}

/// A server that accepts connections.
pub(super) struct Running {
    /// Its process.
    pub(super) pid: Pid,
    /// Whether it was started here, or else found running.
    pub(super) is_new: bool,
    /// A connection to the database `postgres`.
    pub(super) client: Client,
}

impl Server {
    /// Waits until the server accepts connections, and starts it if none runs. To be called under
    /// the start lock. A server that does not make it in time is left running, because a long
    /// recovery would otherwise begin anew each time.
    pub(super) async fn bring_up(&self, deadline: Deadline) -> Result<Running, PostgresError> {
        let mut own: Option<Pid> = None;
        let mut pause = PAUSE_MIN;
        let mut failures = 0;
        loop {
            let state = match socket::ask(&self.layout, ANY_DATABASE).await? {
                Answer::Ready(pid, client) => {
                    return Ok(Running { pid, is_new: own == Some(pid), client });
                }
                Answer::NotNow(reason) => reason,
                Answer::Nobody => {
                    match own {
                        Some(pid) if is_alive(pid) => {}
                        Some(_) => {
                            own = None;
                            self.judge_exit(&mut failures)?;
                        }
                        None => own = Some(self.spawn()?),
                    }
                    "nothing listens at its socket".to_owned()
                }
            };
            if deadline.is_over() {
                let (cluster, limit) = (self.layout.cluster(), deadline.limit);
                let output = logs::last_words(&self.layout);
                return Err(PostgresError::StartTimeout { cluster, limit, state, output });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 5 / 4).min(PAUSE_MAX);
        }
    }

    /// Fails if the server that ended right after it was started would end so each time. For
    /// reasons that are not known to pass it is tried a few times all the same.
    fn judge_exit(&self, failures: &mut u32) -> Result<(), PostgresError> {
        let (cluster, output) = (self.layout.cluster(), logs::last_words(&self.layout));
        if !PASSING.iter().any(|passing| output.contains(passing)) {
            *failures += 1;
            if *failures >= FAILURES_MAX {
                return Err(PostgresError::Start { cluster, output });
            }
        }
        tracing::debug!(%output, "PostgreSQL cannot start yet");
        disown_taken_id(&cluster, &self.layout.socket())
            .map_err(cannot("mend the lock files of", &cluster))
    }

    /// Starts the server as a child, which outlives us if we are killed.
    fn spawn(&self) -> Result<Pid, PostgresError> {
        // What a killed program left open, or somebody removed: cheap to make sure of.
        self.layout.account.own_directory(&self.layout.sockets)?;
        logs::remove_old(&self.layout);
        let program = self.binaries.postgres();
        let log = self.open_start_log()?;
        let errors = log.try_clone().map_err(cannot("share", &self.layout.start_log()))?;
        let mut command = self.layout.account.command(&program);
        let compression = self.compression();
        command.args(settings::arguments(&self.layout, compression, &self.settings));
        let mut child =
            command.stdout(log).stderr(errors).spawn().map_err(cannot("run", &program))?;
        let pid = Pid::from_raw(child.id().cast_signed());
        // A thread that does nothing but wait takes note of its end, whoever stops it and whether
        // or not our runtime still runs then: otherwise it would stay a zombie.
        let waiting = std::thread::Builder::new().name("postgres-wait".into());
        waiting.spawn(move || child.wait()).map_err(cannot("wait for", &program))?;
        Ok(pid)
    }

    /// The first way to compress that the server was built with: it is asked, by a value that it
    /// refuses if it was not.
    fn compression(&self) -> &'static str {
        let knows = |way: &&&str| {
            let mut command = self.layout.account.command(&self.binaries.postgres());
            command.args(["-C", settings::COMPRESSION, "-D"]).arg(self.layout.cluster());
            command.arg("-c").arg(format!("{}={way}", settings::COMPRESSION));
            let asked = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
            asked.is_ok_and(|status| status.success())
        };
        let [.., any] = settings::COMPRESSIONS;
        settings::COMPRESSIONS.iter().find(knows).copied().unwrap_or(any)
    }

    fn open_start_log(&self) -> Result<File, PostgresError> {
        let path = self.layout.start_log();
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        // Root may do this in a directory of another user, who could have put a link there.
        let log = options.custom_flags(O_NOFOLLOW).open(&path);
        let log = log.map_err(cannot("open", &path))?;
        log.set_len(0).map_err(cannot("empty", &path))?;
        Ok(log)
    }

    /// Stops the server if it runs: cleanly within `limit`, or else without a checkpoint, which
    /// loses nothing, but makes the next start recover. To be called under the start lock.
    pub(super) async fn shut_down(&self, limit: Duration) -> Result<(), PostgresError> {
        let Some(pid) = socket::server(&self.layout).await? else {
            return Ok(());
        };
        if self.end(pid, Signal::SIGINT, limit).await? {
            tracing::info!(%pid, "PostgreSQL is stopped");
            return Ok(());
        }
        tracing::warn!(%pid, "PostgreSQL did not stop in time: it is told to quit at once");
        if self.end(pid, Signal::SIGQUIT, QUIT_TIMEOUT).await? {
            return Ok(());
        }
        let (cluster, log) = (self.layout.cluster(), self.layout.log());
        let limit = limit + QUIT_TIMEOUT;
        Err(PostgresError::StopTimeout { pid: pid.as_raw(), cluster, limit, log })
    }

    /// Signals the server and says whether it ended within `limit`.
    async fn end(&self, pid: Pid, signal: Signal, limit: Duration) -> Result<bool, PostgresError> {
        match kill(pid, signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(e) => return Err(cannot("stop the server of", &self.layout.home)(e.into())),
        }
        let since = Instant::now();
        while is_alive(pid) {
            if since.elapsed() >= limit {
                return Ok(false);
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(true)
    }
}
