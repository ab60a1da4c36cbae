//! Watches the server for as long as somebody uses it and starts it again when it dies; it never
//! stops it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use tokio::task::JoinHandle;

use super::deadline::Deadline;
use super::error::PostgresError;
use super::locks::Lock;
use super::process::is_alive;
use super::server::{Running, Server};

/// How often the server is looked at.
const TICK: Duration = Duration::from_millis(200);
/// The pauses before restarts of a server that keeps dying grow from none to this.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A server that has lived for so long is not one that keeps dying.
const STEADY: Duration = Duration::from_mins(1);

/// The task that watches. It ends with this value.
#[derive(Debug)]
pub(super) struct Watch(JoinHandle<()>);

impl Watch {
    /// Begins to watch the process `pid`. A restart may take `start_timeout`, again and again.
    pub(super) fn begin(server: Arc<Server>, pid: Pid, start_timeout: Duration) -> Self {
        Self(tokio::spawn(watch(server, pid, start_timeout)))
    }

    /// Ends it, and returns once it holds no lock any more.
    pub(super) async fn end(mut self) {
        self.0.abort();
        // The error says that it was aborted.
        drop((&mut self.0).await);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(server: Arc<Server>, pid: Pid, start_timeout: Duration) {
    let mut running = Some(pid);
    let mut pause = Duration::ZERO;
    let mut since = Instant::now();
    loop {
        tokio::time::sleep(TICK).await;
        if running.is_some_and(is_alive) {
            continue;
        }
        // Forgotten at once: the id may soon be another process's.
        let died = running.take().map(Pid::as_raw);
        let cluster = server.layout.cluster();
        tracing::warn!(
            died,
            cluster = %cluster.display(),
            "PostgreSQL is not running: it is started again"
        );
        if since.elapsed() < STEADY {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).clamp(TICK, PAUSE_MAX);
        } else {
            pause = TICK;
        }
        match start_again(&server, start_timeout).await {
            Ok(Running { pid, is_new, .. }) => {
                tracing::warn!(%pid, by_us = is_new, "PostgreSQL runs again");
                running = Some(pid);
            }
            Err(error) => tracing::error!(%error, "PostgreSQL could not be started again"),
        }
        since = Instant::now();
    }
}

/// Of several programs that watch one server, the first to take the lock starts it, and the
/// others find it running.
async fn start_again(server: &Server, timeout: Duration) -> Result<Running, PostgresError> {
    let deadline = Deadline::after(timeout);
    let _lock = Lock::exclusive(&server.layout.start_lock(), deadline).await?;
    server.bring_up(deadline).await
}
