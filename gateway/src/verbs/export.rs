//! `export facts`: what it is asked, and what it tells.

use std::path::{Path, PathBuf};

use clap::Args;
use events::Event;
use events::log::{Log, LogId};
use serde_json::json;

use super::parts::Database;
use super::serve::stop_signal;
use super::{Failure, print};
use crate::config::Config;
use crate::export::manifest::Filter;
use crate::export::since::Since;
use crate::export::{self, Asked, ExportError, Format, Summary};
use crate::postgres;
use crate::progress::Progress;

#[derive(Debug, Args)]
pub(super) struct ExportFacts {
    /// What to write: `parquet`, by fact type and day, or `ndjson`, by day.
    #[arg(long)]
    format: Format,
    /// The folder to write to. Run again, only what is new is added.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Begin behind this position, or with what was recorded at this time (2026-03-01T12:00:00Z) or
    /// on this day (2026-03-01, UTC). Said with the first run; the next ones go on.
    #[arg(long, value_name = "POSITION|TIME")]
    since: Option<Since>,
    /// Only the facts of this organization.
    #[arg(long, value_name = "SLUG")]
    organization: Option<String>,
    /// Only the facts of this feature, such as orders; may be said several times.
    #[arg(long = "feature", value_name = "FEATURE")]
    features: Vec<String>,
    /// Tell what it came to as one JSON object.
    #[arg(long)]
    json: bool,
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Usage(message) => Self::usage(&message),
            error => Self::work(&error),
        }
    }
}

pub(super) async fn run(data: PathBuf, config: Config, asked: ExportFacts) -> Result<(), Failure> {
    config.check()?;
    let (as_json, to) = (asked.json, asked.to.clone());
    let asked = meant(asked)?;
    if config.database.url.is_empty()
        && !postgres::is_there(&data).map_err(|error| Failure::work(&error))?
    {
        let data = data.display();
        return Err(Failure::usage(&format!("{data} has no cluster: there is nothing to export")));
    }
    let stop = stop_signal()?;
    let progress = Progress::start("exporting");
    let database = Database::open(&data, &config).await?;
    let exported = async {
        database.migrate().await?;
        let log = Log::open(database.config(), LogId::default(), (&config.log).into()).await;
        let log = log.map_err(|error| Failure::work(&error))?;
        let limits = (&config.export).into();
        let telling = (&progress, &stop);
        Ok(export::export(&log, database.config(), asked, &limits, telling).await?)
    };
    let exported: Result<Summary, Failure> = exported.await;
    progress.end();
    let closed = database.close().await;
    let exported = exported?;
    closed?;
    print(&told(&exported, &to, as_json))
}

fn meant(asked: ExportFacts) -> Result<Asked, Failure> {
    let known: Vec<&str> = Event::schemas().into_iter().map(|(feature, _)| feature).collect();
    let unknown = asked.features.iter().find(|feature| !known.contains(&feature.as_str()));
    if let Some(feature) = unknown {
        let known = known.join(", ");
        let message = format!("there is no feature `{feature}`; there are {known}");
        return Err(Failure::usage(&message));
    }
    let mut features = asked.features;
    features.sort();
    features.dedup();
    let filter = Filter { organization: asked.organization, features };
    Ok(Asked { to: asked.to, format: asked.format, since: asked.since, filter })
}

fn told(summary: &Summary, to: &Path, as_json: bool) -> String {
    let seconds = summary.took.as_secs_f64();
    let per_second = (summary.facts as f64 / seconds.max(1e-9)).round();
    let Summary { facts, files, bytes, facts_in_all, position, .. } = summary;
    if as_json {
        let told = json!({
            "facts": facts, "files": files, "bytes": bytes, "facts_in_all": facts_in_all,
            "position": position, "seconds": seconds, "facts_per_second": per_second, "to": to,
        });
        return told.to_string();
    }
    let megabytes = *bytes as f64 / 1e6;
    format!(
        "exported {facts} facts to {files} files in {} ({megabytes:.1} MB, {seconds:.1} s, \
         {per_second} facts a second); {facts_in_all} in all, up to position {position}",
        to.display()
    )
}
