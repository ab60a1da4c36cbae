//! Where histories are played: a log that is made empty again after each, on the server of all
//! tests or on one that is killed.

use std::time::{Duration, Instant};

use events::log::connect;
use gateway::postgres::Embedded;
use gateway::verbs::parts::address;
use harness::cluster::options;
use harness::{Dice, TestDatabase};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_postgres::{Client, Config};

use crate::crashes::{Place, kill_postmaster};

/// How soon a server is there again.
const RECOVERED_WITHIN: Duration = Duration::from_secs(30);
/// The processes of a server that keep the log, or write it to the disk.
const PROCESSES: &str = "select pid from pg_stat_activity where pid <> pg_backend_pid() and \
    backend_type in ('client backend', 'checkpointer', 'background writer', 'walwriter')";

/// Each session on a log: what it does, since when, and whether it has locks or waits for one.
const SESSIONS: &str = "select concat_ws(' ', pid, application_name, state, wait_event, \
    clock_timestamp() - state_change, (select string_agg(mode || case when granted then '' else \
    ' wanted' end, ', ') from pg_locks as l where l.pid = a.pid and locktype = 'advisory'), query) \
    from pg_stat_activity as a where datname = current_database() order by pid";

/// A log, and its server.
pub(super) struct Scene {
    database: TestDatabase,
    /// A server of its own, to be killed.
    cluster: Option<Cluster>,
}

impl Scene {
    /// On the server that all tests share.
    pub(super) async fn shared() -> Self {
        Self { database: TestDatabase::create().await, cluster: None }
    }

    /// On a server that is killed now and then.
    pub(super) async fn perilous() -> Self {
        let cluster = Cluster::start().await;
        let database = TestDatabase::within(&cluster.place.data(), cluster.server.clone()).await;
        Self { database, cluster: Some(cluster) }
    }

    /// How to connect to the log, with nothing in between.
    pub(super) fn address(&self) -> &Config {
        &self.database.config
    }

    /// Kills the server, if it may be killed, and waits until it is there again. Whether it did.
    pub(super) async fn crash(&self, dice: &mut Dice) -> bool {
        match &self.cluster {
            Some(cluster) => {
                cluster.crash(dice, self.address()).await;
                true
            }
            None => false,
        }
    }

    /// Who does what on the server: for whoever looks why nobody is answered.
    pub(super) async fn sessions(&self) -> Vec<String> {
        match connect(self.address()).await {
            Ok(client) => {
                let rows = client.query(SESSIONS, &[]).await.expect("the sessions");
                rows.iter().map(|row| row.get(0)).collect()
            }
            Err(error) => vec![format!("the server is away: {error}")],
        }
    }

    /// Makes the log empty again.
    pub(super) async fn clear(&self) {
        self.database.wipe().await;
    }

    /// Leaves nothing behind.
    pub(super) async fn leave(self) {
        if self.cluster.is_none() {
            self.database.remove().await;
        }
    }
}

/// A server of its own.
struct Cluster {
    place: Place,
    server: Config,
}

impl Cluster {
    async fn start() -> Self {
        let place = Place(harness::app::scratch());
        let server = Self::run(&place).await;
        Self { place, server }
    }

    /// Starts it, unless it runs. Nobody watches over it: that is done here.
    async fn run(place: &Place) -> Config {
        let embedded = Embedded::start(options(&place.data())).await;
        let embedded = embedded.unwrap_or_else(|error| panic!("the server to kill: {error}"));
        address(&embedded.url()).expect("its address")
    }

    async fn crash(&self, dice: &mut Dice, config: &Config) {
        let (client, since) = (connect(config).await.expect("the server to kill"), Instant::now());
        match dice.below(3) {
            // Its processes notice, sooner or later.
            0 => kill_postmaster(&self.place.data()),
            // All of it, as when the power fails.
            1 => {
                let processes = processes(&client).await;
                kill_postmaster(&self.place.data());
                processes.into_iter().for_each(kill_process);
            }
            // The postmaster notices, and begins anew.
            _ => {
                let processes = processes(&client).await;
                kill_process(processes[dice.below(processes.len())]);
            }
        }
        while !client.is_closed() {
            assert!(since.elapsed() < RECOVERED_WITHIN, "nobody noticed that it was killed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self::run(&self.place).await;
        while connect(config).await.is_err() {
            assert!(since.elapsed() < RECOVERED_WITHIN, "it does not come back");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn processes(client: &Client) -> Vec<Pid> {
    let rows = client.query(PROCESSES, &[]).await.expect("the server's processes");
    rows.iter().map(|row| Pid::from_raw(row.get(0))).collect()
}

/// `kill -9` of a process that may have ended by now.
fn kill_process(pid: Pid) {
    let _ = kill(pid, Signal::SIGKILL);
}
