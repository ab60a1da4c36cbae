//! `replay`: all read models as they stood at a time, in a schema of their own.

use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use events::log::connect;
use events::words::Position;
use indicatif::HumanCount;
use projections::sinks::builds;
use serde_json::json;
use workers::folding::{Fold, Until};

use super::parts::{Database, Parts, projector_limits};
use super::serve::stop_signal;
use super::{Failure, print};
use crate::config::Config;
use crate::progress::Progress;

/// What `replay` is asked.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// What was recorded by then, such as 2026-06-30T24:00:00Z or 2026-06-30 (the end of that day,
    /// UTC).
    #[arg(long, value_name = "TIME", value_parser = time)]
    as_of: DateTime<Utc>,
    /// The schema that the tables are made in; it must not exist yet.
    #[arg(long, value_name = "NAME", value_parser = schema)]
    schema: String,
    /// Tell what was made as one JSON object.
    #[arg(long)]
    json: bool,
}

/// A time as people write it.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let day: Option<NaiveDate> = text.parse().ok();
    let end = day.and_then(|day| day.succ_opt()).and_then(|next| next.and_hms_opt(0, 0, 0));
    let end = end.map(|end| end.and_utc() - chrono::Duration::microseconds(1));
    end.ok_or_else(|| "a time such as 2026-06-30T18:00:00Z, or a day such as 2026-06-30".to_owned())
}

fn schema(text: &str) -> Result<String, String> {
    let first = text.chars().next().is_some_and(|first| first.is_ascii_lowercase());
    let rest = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if first && rest && text.len() <= 63 && !text.starts_with("pg_") {
        return Ok(text.to_owned());
    }
    Err("a name of a schema: small letters, digits and _, beginning with a letter, at most 63, \
         and not with pg_"
        .to_owned())
}

pub(super) async fn run(data: PathBuf, config: Config, replay: Replay) -> Result<(), Failure> {
    config.check()?;
    let stop = stop_signal()?;
    let database = Database::open(&data, &config).await?;
    let replayed = tokio::select! {
        replayed = make(&database, &config, &replay) => replayed,
        () = stop.cancelled() => Err(Failure::work(&"stopped before everything was made")),
    };
    let closed = database.close().await;
    replayed.and(closed)
}

async fn make(database: &Database, config: &Config, replay: &Replay) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::work(error);
    database.migrate().await?;
    let mut client = connect(database.config()).await.map_err(|error| failed(&error))?;
    let name = &replay.schema;
    if builds::is_schema(&client, name).await.map_err(|error| failed(&error))? {
        let message = format!(
            "--schema: there is a schema `{name}` already; choose another name, or drop it \
             (drop schema {name} cascade)"
        );
        return Err(Failure::usage(&message));
    }
    let masters = database.masters().clone().source();
    let parts = Parts::without_projector(database.config(), masters, config).await?;
    let until = parts.log.position_by(replay.as_of).await.map_err(|error| failed(&error))?;
    let until = until.ok_or_else(|| {
        let message = "--as-of: that time is yet to come, by the database's clock; what it will \
            show is not settled";
        Failure::usage(&message)
    })?;
    let began = Instant::now();
    let progress = Progress::start("replaying");
    progress.begin("facts", until.0.max(0).cast_unsigned());
    let all = projections::all();
    let all: Vec<Until<'_>> = all.iter().map(|one| (one.as_ref(), vec![until])).collect();
    let limits = projector_limits(&config.projector);
    let fold = Fold { vault: &parts.vault, config: database.config(), limits: &limits };
    let at = |position: Position| progress.at(position.0.max(0).cast_unsigned());
    let copies = fold.copies(&all, &at).await;
    progress.end();
    let copies = copies.map_err(|error| failed(&error))?;
    let unread = builds::parked_in(&client, &copies).await.map_err(|error| failed(&error))?;
    let views = all.iter().map(|(projection, _)| projection.views());
    let published: Vec<_> = copies.into_iter().zip(views).collect();
    let as_of = replay.as_of.to_rfc3339();
    let comment =
        format!("Millrace's read models as of {as_of}: everything up to position {until}.");
    let publish = builds::publish_copies(&mut client, &published, name, &comment).await;
    publish.map_err(|error| failed(&error))?;
    parts.stop().await;
    let seconds = began.elapsed().as_secs_f64();
    let tables: Vec<&str> =
        published.iter().flat_map(|(_, views)| views.iter().map(|view| view.table)).collect();
    if replay.json {
        let seconds = (seconds * 1_000.0).round() / 1_000.0;
        return print(
            &json!({
                "schema": name, "as_of": as_of, "position": until.0, "tables": tables,
                "facts_not_taken_in": unread, "seconds": seconds,
            })
            .to_string(),
        );
    }
    let facts = HumanCount(until.0.max(0).cast_unsigned());
    print(&format!(
        "the read models as of {as_of} are in the schema `{name}`: {} tables from {facts} facts in \
         {seconds:.1} s",
        tables.len()
    ))?;
    match unread {
        0 => Ok(()),
        unread => print(&format!("{unread} facts could not be taken in: `projections parked`")),
    }
}
