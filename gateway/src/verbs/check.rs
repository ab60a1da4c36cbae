//! `check`: verifies what is stored, and tells what it found.

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
    /// The event log. Without any such flag, everything that can be checked: today that is the log.
    #[arg(long)]
    log: bool,
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
    let began = Instant::now();
    let checked = tokio::select! {
        checked = look(&database, &config, arguments.head) => {
            checked.map_err(|error| Failure::work(&format!("the log was not checked: {error}")))
        }
        () = stop.cancelled() => Err(Failure::work(&"stopped before everything was checked")),
    };
    let took = began.elapsed();
    let closed = database.close().await;
    let checked = checked?;
    match arguments.json {
        true => print(&json!({ "log": told(&checked, took) }).to_string())?,
        false => print(&shown(&checked, took))?,
    }
    closed?;
    match checked.bad {
        None => Ok(()),
        Some(_) => Err(Failure::work(&"the log is not right")),
    }
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
