//! `backup create | verify | restore`: what each is asked, and what it tells.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::parts::{Database, embedded_options};
use super::serve::stop_signal;
use super::{Failure, print};
use crate::app::system_clock;
use crate::backup::copying::Copier;
use crate::backup::create::{self, Source};
use crate::backup::{BackupError, manifest, restore, verify};
use crate::config::Config;
use crate::postgres::{self, EmbeddedOptions};
use crate::progress::Progress;

/// How many faults of a backup are told; there may be as many as files.
const FAULTS_TOLD: usize = 50;
/// What is said when the settings have the master keys elsewhere than in the data directory.
const KEYS_ELSEWHERE: &str = "the master keys in force are not in the backup, for the settings say \
    where they are: keep them with it, or what belongs to persons cannot be read from it";
/// How long PostgreSQL may take to make a restored cluster consistent, at the least.
const RECOVERY_WAIT_MAX: Duration = Duration::from_hours(1);

#[derive(Debug, Subcommand)]
pub(super) enum BackupVerb {
    /// Back up the embedded cluster and the keys into a folder, beside a running `serve` or alone.
    ///
    /// The folder holds keys, and all data unencrypted: it is made readable by its owner alone.
    /// Keep it on another disk, and `backup verify` it there. What was cut off has no manifest, and
    /// is never taken for a backup.
    Create(Create),
    /// Look whether a backup is whole, and comes up as a database; exits 1 and says what is wrong
    /// if not.
    Verify(Verify),
    /// Restore a backup into a data directory that has no cluster; then `serve --data` that.
    ///
    /// Needs a PostgreSQL of the major version that the backup was made with. A restore that was
    /// cut off is simply run again.
    Restore(Restore),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The folder to write: one that does not exist yet, or is empty.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Tell what it came to as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The backup's folder.
    #[arg(value_name = "DIR")]
    backup: PathBuf,
    /// Only compare files with the manifest: start no PostgreSQL.
    #[arg(long)]
    quick: bool,
    /// Where to bring it up: as much room as the backup takes, removed at the end; beside the
    /// backup by default.
    #[arg(long, value_name = "DIR", conflicts_with = "quick")]
    scratch: Option<PathBuf>,
    /// Tell what was found as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup's folder.
    #[arg(value_name = "DIR")]
    backup: PathBuf,
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        if error.is_usage() { Self::usage(&error) } else { Self::work(&error) }
    }
}

pub(super) async fn run(data: PathBuf, config: Config, verb: BackupVerb) -> Result<(), Failure> {
    config.check()?;
    let (progress, stop) = (Progress::start("backup"), stop_signal()?);
    let copier = Copier { progress: progress.clone(), stop };
    let done = match verb {
        BackupVerb::Create(asked) => create(&data, &config, &asked, copier).await,
        BackupVerb::Verify(asked) => verify(&config, &asked, copier).await,
        BackupVerb::Restore(asked) => restore(&data, &config, &asked, copier).await,
    };
    progress.end();
    print(&done?)
}

/// Backups are of the embedded cluster alone.
fn must_be_embedded(config: &Config, instead: &str) -> Result<(), Failure> {
    if config.database.url.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the database is not the embedded one: `database.url` (or DATABASE_URL) is set. {instead}"
    );
    Err(Failure::usage(&message))
}

async fn create(
    data: &Path,
    config: &Config,
    asked: &Create,
    copier: Copier,
) -> Result<String, Failure> {
    must_be_embedded(
        config,
        "Back up that server with its own means, such as pg_basebackup or pgBackRest, and keep \
         the file `master-keys` of the data directory with it",
    )?;
    if !postgres::is_there(data).map_err(|error| Failure::work(&error))? {
        let data = data.display();
        return Err(Failure::usage(&format!("{data} has no cluster: there is nothing to back up")));
    }
    let database = Database::open(data, config).await?;
    let made = match database.embedded() {
        Some(embedded) => {
            let source = Source {
                data: data.to_owned(),
                cluster: embedded.cluster(),
                major: embedded.major(),
                database: database.config().clone(),
            };
            create::create(source, &asked.to, system_clock()(), copier).await
        }
        None => Err(BackupError::Work("the database is not the embedded one".to_owned())),
    };
    let closed = database.close().await;
    let made = made?;
    closed?;
    let told = told(&asked.to, &made, asked.json, "backed up");
    match keys_elsewhere(config) {
        // Of an object nothing else goes to stdout.
        Some(setting) if asked.json => tracing::warn!(setting, "{KEYS_ELSEWHERE}"),
        Some(setting) => return Ok(format!("{told}\n{KEYS_ELSEWHERE} (`{setting}`)")),
        None => {}
    }
    Ok(told)
}

/// The setting that says that the master keys are not in the data directory.
fn keys_elsewhere(config: &Config) -> Option<&'static str> {
    let personal = &config.personal;
    match (personal.master_keys.is_empty(), personal.master_keys_file.is_empty()) {
        (true, true) => None,
        (true, false) => Some("personal.master_keys_file"),
        (false, _) => Some("personal.master_keys"),
    }
}

async fn verify(config: &Config, asked: &Verify, copier: Copier) -> Result<String, Failure> {
    let (backup, copier) = (&asked.backup, Arc::new(copier));
    let (manifest, faults) = verify::compare(backup, copier.clone()).await?;
    if !faults.is_empty() {
        let count = faults.len();
        let mut message = format!("{} is damaged:", backup.display());
        for fault in faults.iter().take(FAULTS_TOLD) {
            message += &format!("\n  {fault}");
        }
        if count > FAULTS_TOLD {
            message += &format!("\n  and {} more", count - FAULTS_TOLD);
        }
        return Err(Failure::work(&message));
    }
    if asked.quick {
        return Ok(told(backup, &manifest, asked.json, "compared"));
    }
    let beside = || PathBuf::from(backup.components().as_path()).with_added_extension("verifying");
    let scratch = asked.scratch.clone().unwrap_or_else(beside);
    let options = patient_options(&scratch, config);
    let up = verify::bring_up(backup, manifest.clone(), options, copier).await;
    up.map_err(|error| match error.is_usage() {
        true => error.into(),
        false => Failure::work(&format!("{} does not come up: {error}", backup.display())),
    })?;
    Ok(told(backup, &manifest, asked.json, "verified"))
}

async fn restore(
    data: &Path,
    config: &Config,
    asked: &Restore,
    copier: Copier,
) -> Result<String, Failure> {
    must_be_embedded(config, "Unset it: a backup is restored for the embedded one")?;
    let end = restore::restore(&asked.backup, patient_options(data, config), copier).await?;
    let log = end.map_or("no event log yet".to_owned(), |end| format!("the log up to {end}"));
    let (backup, data) = (asked.backup.display(), data.display());
    Ok(format!("restored {backup} into {data}: {log}. Run it: millrace serve --data {data}"))
}

/// The first start makes the cluster consistent, which may take longer than others.
fn patient_options(data: &Path, config: &Config) -> EmbeddedOptions {
    let mut options = embedded_options(data, config);
    options.start_timeout = options.start_timeout.max(RECOVERY_WAIT_MAX);
    options
}

/// What a backup holds, after something was done with it.
fn told(backup: &Path, manifest: &manifest::Manifest, as_json: bool, done: &str) -> String {
    let (files, bytes) = (manifest.files.len(), manifest.bytes());
    if as_json {
        let told = json!({
            "done": done, "backup": backup, "created_at": manifest.created_at,
            "program": manifest.program, "postgresql": manifest.postgresql,
            "log": manifest.log, "files": files, "bytes": bytes,
        });
        return told.to_string();
    }
    let log = manifest.log.as_ref().map_or("no event log yet".to_owned(), |log| {
        format!("the log up to position {} ({})", log.position, log.hash)
    });
    let megabytes = bytes as f64 / 1e6;
    format!("{done} {}: {files} files, {megabytes:.1} MB, {log}", backup.display())
}
