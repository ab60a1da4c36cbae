//! `check`: verifies what is stored, and tells what it found.

mod projections;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use events::log::check::{Check, Checked, check};
use events::log::{Hash, LogError};
use indicatif::HumanCount;
use serde_json::{Value, json};

use super::parts::Database;
use super::serve::stop_signal;
use super::{Failure, log, print};
use crate::config::Config;
use crate::progress::Progress;

/// What `check` is asked.
#[derive(Debug, Args)]
pub(super) struct CheckStored {
    /// The event log. With neither this nor `--projections`: both.
    #[arg(long)]
    log: bool,
    /// The read models: folds them afresh, beside the running ones, and compares row by row. Takes
    /// room on the disk for a second set of them meanwhile.
    #[arg(long)]
    projections: bool,
    /// A hash that `log head` or /metrics showed earlier: it has to be in the log, or that was cut
    /// off or rewritten since.
    #[arg(long, value_name = "HASH")]
    head: Option<Hash>,
    /// Tell what it came to as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    data: PathBuf,
    config: Config,
    arguments: CheckStored,
) -> Result<(), Failure> {
    config.check()?;
    let stop = stop_signal()?;
    let database = Database::open(&data, &config).await?;
    let checked = tokio::select! {
        checked = all(&database, &config, &arguments) => checked,
        () = stop.cancelled() => Err(Failure::work(&"stopped before everything was checked")),
    };
    let closed = database.close().await;
    let (log, projections) = checked?;
    let mut told = serde_json::Map::new();
    if let Some((log, took)) = &log {
        told.insert("log".to_owned(), self::told(log, *took));
        (!arguments.json).then(|| print(&shown(log, *took))).transpose()?;
    }
    if let Some(projections) = &projections {
        told.insert("projections".to_owned(), projections.told());
        (!arguments.json).then(|| print(&projections.shown())).transpose()?;
    }
    arguments.json.then(|| print(&Value::Object(told).to_string())).transpose()?;
    closed?;
    let log_is_bad = log.is_some_and(|(log, _)| log.bad.is_some());
    let models_are_bad = projections.is_some_and(|projections| !projections.is_right());
    match (log_is_bad, models_are_bad) {
        (false, false) => Ok(()),
        (true, false) => Err(Failure::work(&"the log is not right")),
        (false, true) => Err(Failure::work(&"the read models are not right")),
        (true, true) => Err(Failure::work(&"neither the log nor the read models are right")),
    }
}

/// What was checked of the log, and how long it took; and of the read models.
type Found = (Option<(Checked, Duration)>, Option<projections::Compared>);

async fn all(
    database: &Database,
    config: &Config,
    arguments: &CheckStored,
) -> Result<Found, Failure> {
    let both = !arguments.log && !arguments.projections;
    let log = if arguments.log || arguments.head.is_some() || both {
        let began = Instant::now();
        let checked = look(database, config, arguments.head).await;
        let checked =
            checked.map_err(|error| Failure::work(&format!("the log was not checked: {error}")))?;
        Some((checked, began.elapsed()))
    } else {
        None
    };
    let projections = match arguments.projections || both {
        true => Some(projections::compare(database, config).await?),
        false => None,
    };
    Ok((log, projections))
}

async fn look(
    database: &Database,
    config: &Config,
    head: Option<Hash>,
) -> Result<Checked, LogError> {
    let default = Check::default();
    let readers_max = default.readers_max.min(config.log.readers_max);
    let progress = Progress::start("checking");
    let bar = progress.clone();
    let tell = move |done, total| match done {
        0 => bar.begin("facts", total),
        done => bar.at(done),
    };
    let checked =
        check(database.config(), &Check { head, readers_max, ..default }, Arc::new(tell)).await;
    progress.end();
    checked
}

/// For programs.
fn told(checked: &Checked, took: Duration) -> Value {
    json!({
        "right": checked.bad.is_none(),
        "facts": checked.facts,
        "seconds": (took.as_secs_f64() * 1_000.0).round() / 1_000.0,
        "head": checked.head.as_ref().map(log::told),
        "noted_position": checked.noted.map(|position| position.0),
        "bad": checked.bad,
    })
}

/// For people.
fn shown(checked: &Checked, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let facts = HumanCount(checked.facts);
    if let Some(bad) = &checked.bad {
        let place = match (bad.first, bad.last) {
            (Some(first), Some(last)) if first < last => format!(" at positions {first} to {last}"),
            (Some(first), _) => format!(" at position {first}"),
            _ => String::new(),
        };
        return format!("the log is wrong{place}: {}\n{facts} facts looked at", bad.reason);
    }
    let rate = HumanCount((checked.facts as f64 / seconds.max(1e-3)) as u64);
    let mut text = format!("the log is right: {facts} facts in {seconds:.1} s, {rate} a second");
    if let Some(position) = checked.noted {
        text += &format!("\nnoted  {}: it is in the log", position.0);
    }
    match &checked.head {
        Some(head) => text + &format!("\nhead   {} {}", head.position.0, head.hash),
        None => text + "\nhead   none: the log is empty",
    }
}
