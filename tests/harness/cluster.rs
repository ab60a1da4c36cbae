//! One embedded PostgreSQL for all test processes, and a database for each test, cloned from a
//! template that is migrated once. The `keeper` stops the server when nobody tests any more.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use gateway::postgres::{Embedded, EmbeddedOptions};
use gateway::verbs::parts::{address, npm_binaries};
use sha2::{Digest, Sha256};
use tokio_postgres::{Client, Config};

/// The schema of the tables of a read model's version.
///
/// # Panics
/// If there is no such read model.
#[must_use]
pub fn schema_of(read_model: &str) -> String {
    let all = projections::all();
    let found = all.iter().find(|projection| projection.name() == read_model);
    format!("{read_model}_v{}", found.expect("a read model").version())
}

/// The directory that cargo builds into.
#[must_use]
pub fn target() -> PathBuf {
    let executable = std::env::current_exe().expect("the path of the test program");
    let profile = executable.ancestors().find(|path| path.join("deps").is_dir());
    profile.and_then(Path::parent).expect("a test program under target/<profile>").to_owned()
}

/// A program that cargo built beside the tests.
///
/// # Panics
/// If it was not built: `make test` does so first.
#[must_use]
pub fn built(program: &str) -> PathBuf {
    let executable = std::env::current_exe().expect("the path of the test program");
    let found = executable.ancestors().map(|path| path.join(program)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("`{program}` is not built: cargo build --workspace --bins"))
}

/// The data directory of the tests' PostgreSQL.
#[must_use]
pub fn data() -> PathBuf {
    target().join("test-cluster")
}

/// How the tests' PostgreSQL is started.
#[must_use]
pub fn options(data: &Path) -> EmbeddedOptions {
    EmbeddedOptions {
        data: data.to_owned(),
        binaries: npm_binaries(),
        start_timeout: Duration::from_secs(120),
        stop_timeout: Duration::from_secs(20),
        settings: vec![("max_connections".to_owned(), "400".to_owned())],
    }
}

/// The file that every test process holds a lock on: the keeper stops when nobody does.
#[must_use]
pub fn testers(data: &Path) -> PathBuf {
    data.join("testers.lock")
}

/// Joins the test processes that use the cluster, for as long as this process lives.
fn join(data: &Path) {
    static LOCK: OnceLock<File> = OnceLock::new();
    LOCK.get_or_init(|| {
        fs::create_dir_all(data).expect("the tests' data directory");
        let lock = File::create(testers(data)).expect("the testers' lock");
        lock.lock_shared().expect("joining the testers");
        let keeper = Command::new(built("keeper"))
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        drop(keeper.expect("starting the keeper"));
        lock
    });
}

/// How to connect to the tests' PostgreSQL, which runs from now on.
async fn server() -> Config {
    let data = data();
    join(&data);
    let embedded = Embedded::start(options(&data)).await.expect("the tests' PostgreSQL");
    let config = address(&embedded.url()).expect("its address");
    // The keeper holds it: this process only needed it to be up.
    drop(embedded);
    config
}

/// A database of its own for one test.
pub struct TestDatabase {
    /// How to connect to it.
    pub config: Config,
    /// Its address, for programs.
    pub url: String,
    server: Config,
    name: String,
}

impl TestDatabase {
    /// A database with everything in it that a fresh start makes.
    pub async fn create() -> Self {
        Self::within(&data(), server().await).await
    }

    /// As [`Self::create`], on the server of this data directory.
    pub async fn within(data: &Path, server: Config) -> Self {
        let admin = events::log::connect(&server).await.expect("connecting to the tests' server");
        let template = template(&server, &admin).await;
        let name = format!("test_{}", gateway::app::fresh_id().simple());
        let started = Instant::now();
        loop {
            let create = format!("create database {name} template {template}");
            match admin.batch_execute(&create).await {
                Ok(()) => break,
                // Somebody copies it right now.
                Err(_) if started.elapsed() < Duration::from_secs(60) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("cloning the template: {error}"),
            }
        }
        let mut config = server.clone();
        config.dbname(&name);
        let url = gateway::postgres::url_for(data).expect("the cluster's address").0;
        let url = url.replacen("/millrace?", &format!("/{name}?"), 1);
        Self { config, url, server, name }
    }

    /// A connection of its own, to look at what is there.
    pub async fn connect(&self) -> Client {
        events::log::connect(&self.config).await.expect("connecting to the test's database")
    }

    /// Makes its log empty again, whoever is still connected. Cheaper than another database.
    pub async fn wipe(&self) {
        let client = self.connect().await;
        let others = "select pg_terminate_backend(pid) from pg_stat_activity \
            where datname = current_database() and pid <> pg_backend_pid()";
        client.batch_execute(others).await.expect("closing connections");
        let wipe = "set session_replication_role = replica; truncate log.events, log.batches";
        client.batch_execute(wipe).await.expect("emptying the log");
    }

    /// Removes it.
    pub async fn remove(self) {
        let admin = events::log::connect(&self.server).await.expect("connecting");
        let drop = format!("drop database if exists {} with (force)", self.name);
        admin.batch_execute(&drop).await.expect("removing the test's database");
    }
}

/// The migrated template; its name says of what it was made.
async fn template(server: &Config, admin: &Client) -> String {
    const LOCK: i64 = 0x7465_6d70_6c61_7465;
    let mut digest = Sha256::new();
    for file in sources() {
        digest
            .update(fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
    }
    let name = format!("template_{}", &format!("{:x}", digest.finalize())[..16]);
    admin.execute("select pg_advisory_lock($1)", &[&LOCK]).await.expect("the template's lock");
    let found = "select 1 from pg_database where datname = $1";
    if admin.query_opt(found, &[&name]).await.expect("looking for the template").is_none() {
        let unfinished = format!("{name}_unfinished");
        let statements = [
            format!("drop database if exists {unfinished} with (force)"),
            format!("create database {unfinished}"),
        ];
        for statement in statements {
            admin.batch_execute(&statement).await.expect("creating the template");
        }
        let mut config = server.clone();
        config.dbname(&unfinished);
        fill(&config).await;
        let rename = format!("alter database {unfinished} rename to {name}");
        admin.batch_execute(&rename).await.expect("naming the template");
    }
    admin.execute("select pg_advisory_unlock($1)", &[&LOCK]).await.expect("the template's lock");
    name
}

/// What a fresh start makes, and nothing left connected.
async fn fill(config: &Config) {
    let mut client = events::log::connect(config).await.expect("connecting to the template");
    gateway::migrations::run(&mut client).await.expect("migrating the template");
    let all = projections::all();
    let prepared = projections::sinks::builds::prepare(&mut client, &all, true).await;
    prepared.expect("creating the read models");
    let others = "select pg_terminate_backend(pid) from pg_stat_activity \
        where datname = current_database() and pid <> pg_backend_pid()";
    client.batch_execute(others).await.expect("closing connections");
    drop(client);
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// The files that decide what is in the template.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![crate::root().join("migrations"), crate::root().join("projections/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "sql" || ending == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
