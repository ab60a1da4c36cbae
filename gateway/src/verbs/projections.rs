//! `projections`: how far the read models are; facts that they could not take in, and what is
//! decided about those.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use commands::parked::retry::RetryParked;
use commands::parked::skip::SkipParked;
use commands::{Command, Context, Request};
use events::log::connect;
use events::words::{Actor, OrganizationId, Position};
use projections::sinks::builds::{self, Build, State};
use projections::sinks::leases;
use projections::sinks::parking::{self, Parked};
use projections::sinks::sql::SinkError;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::parts::{Database, Parts};
use super::{Failure, print};
use crate::app::{fresh_id, system_clock};
use crate::config::Config;

/// Parked facts that are listed at once.
const PARKED_MAX: i64 = 1_000;
/// How long one waits for a worker to act on a decision.
const ACTED_WAIT_MAX: Duration = Duration::from_secs(30);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug, Subcommand)]
pub(super) enum ProjectionsVerb {
    /// Every read model: its version, how far it is, how many facts are parked.
    List {
        /// Tell it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// The facts that read models could not take in, and why; at most 1000.
    ///
    /// The record of such a fact stands still until somebody decides; sums go on without it, and
    /// say so.
    Parked {
        /// Only those behind this position.
        #[arg(long, default_value_t = 0, value_name = "POSITION")]
        after: i64,
        /// Tell them as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let a read model try parked facts again. Recorded in the log.
    Retry(Which),
    /// Let a read model go on without a parked fact, now and whenever it is folded again. Recorded
    /// in the log, with the reason.
    Skip {
        #[command(flatten)]
        which: Which,
        /// Why it can do without.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Which parked facts.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The read model.
    projection: String,
    /// The fact's position; all parked facts of the read model without it.
    #[arg(long, value_name = "POSITION")]
    position: Option<i64>,
}

pub(super) async fn run(
    data: PathBuf,
    config: Config,
    what: ProjectionsVerb,
) -> Result<(), Failure> {
    config.check()?;
    let database = Database::open(&data, &config).await?;
    let done = act(&database, &config, what).await;
    let closed = database.close().await;
    done.and(closed)
}

async fn act(database: &Database, config: &Config, what: ProjectionsVerb) -> Result<(), Failure> {
    database.migrate().await?;
    let client = connect(database.config()).await.map_err(|error| Failure::work(&error))?;
    let parked = async |after| {
        let parked = parking::parked(&client, None, Position(after), PARKED_MAX).await;
        parked.map_err(|error| Failure::work(&error))
    };
    match what {
        ProjectionsVerb::List { json } => list(&client, json).await,
        ProjectionsVerb::Parked { after, json } => show(&parked(after).await?, json),
        ProjectionsVerb::Retry(which) => {
            let found = chosen(&which, parked(0).await?)?;
            decide(database, config, (&client, &found), |parked| RetryParked {
                projection: parked.projection.clone(),
                version: parked.version,
                stream_id: parked.poison.stream_id,
                event_id: parked.poison.event_id,
            })
            .await
        }
        ProjectionsVerb::Skip { which, reason } => {
            let found = chosen(&which, parked(0).await?)?;
            decide(database, config, (&client, &found), |parked| SkipParked {
                projection: parked.projection.clone(),
                version: parked.version,
                stream_id: parked.poison.stream_id,
                event_id: parked.poison.event_id,
                reason: reason.clone(),
            })
            .await
        }
    }
}

async fn list(client: &Client, as_json: bool) -> Result<(), Failure> {
    let failed = |error: SinkError| Failure::work(&error);
    let mut told = Vec::new();
    for build in builds::all(client).await.map_err(failed)? {
        let reached = builds::reached(client, build.id).await.map_err(failed)?.0;
        let parked = parking::count(client, build.id).await.map_err(failed)?;
        told.push((reached, parked, build));
    }
    told.sort_by(|a, b| a.2.name.cmp(&b.2.name));
    if as_json {
        let told: Vec<Value> =
            told.iter().map(|(at, count, build)| one(build, *at, *count)).collect();
        return print(&Value::Array(told).to_string());
    }
    print(&format!(
        "{:<20} {:>7} {:<9} {:>12} {:>7}",
        "name", "version", "state", "position", "parked"
    ))?;
    for (reached, count, build) in &told {
        let Build { name, version, .. } = build;
        print(&format!("{name:<20} {version:>7} {:<9} {reached:>12} {count:>7}", state(build)))?;
    }
    Ok(())
}

fn state(build: &Build) -> &'static str {
    match build.state {
        State::Building => "building",
        _ => "live",
    }
}

fn one(build: &Build, reached: Position, parked: usize) -> Value {
    json!({
        "name": build.name, "version": build.version, "state": state(build),
        "schema": build.schema, "position": reached.0, "parked": parked,
    })
}

fn show(parked: &[Parked], as_json: bool) -> Result<(), Failure> {
    if as_json {
        let told = parked.iter().map(|one| {
            let poison = &one.poison;
            json!({
                "projection": one.projection, "version": one.version, "is_live": one.is_live,
                "position": poison.position.0, "organization_id": poison.organization,
                "stream_id": poison.stream_id, "event_id": poison.event_id,
                "type": poison.fact_type, "error": poison.error, "parked_at": one.parked_at,
            })
        });
        return print(&Value::Array(told.collect()).to_string());
    }
    if parked.is_empty() {
        return print("no fact is parked");
    }
    for Parked { projection, poison, parked_at, .. } in parked {
        print(&format!(
            "{projection} --position {}: {} of {}: {} ({parked_at})",
            poison.position, poison.fact_type, poison.stream_id, poison.error
        ))?;
    }
    Ok(())
}

/// The parked facts that are meant.
fn chosen(which: &Which, parked: Vec<Parked>) -> Result<Vec<Parked>, Failure> {
    let name = &which.projection;
    if !projections::all().iter().any(|known| known.name() == name) {
        return Err(Failure::usage(&format!("there is no read model `{name}`")));
    }
    let meant = |one: &Parked| {
        one.projection == *name
            && which.position.is_none_or(|position| one.poison.position.0 == position)
    };
    let found: Vec<Parked> = parked.into_iter().filter(meant).collect();
    if found.is_empty() {
        let message = format!("no such fact is parked for `{name}`; see `projections parked`");
        return Err(Failure::work(&message));
    }
    Ok(found)
}

/// Decides about parked facts, and tells what became of them.
async fn decide<C: Command>(
    database: &Database,
    config: &Config,
    (client, found): (&Client, &[Parked]),
    command: impl Fn(&Parked) -> C,
) -> Result<(), Failure> {
    let masters = database.masters().clone().source();
    let parts = Parts::without_projector(database.config(), masters, config).await?;
    let mut last = Position(0);
    for parked in found {
        let organization = OrganizationId(parked.poison.organization);
        let now = (system_clock())();
        let context = Context { organization, actor: Actor::Administrator, now, id: fresh_id() };
        let request = Request {
            key: None,
            expected_version: None,
            correlation: fresh_id(),
            command: command(parked),
            context,
        };
        let outcome = parts.executor.execute(request).await;
        last = outcome.map_err(|error| Failure::work(&error))?.position;
    }
    let acted = acted(client, &found[0].projection, last).await;
    parts.stop().await;
    let decided = found.len();
    if !acted? {
        return print(&format!("{decided} decided; a worker acts on it when one runs"));
    }
    let still = parking::parked(client, None, Position(0), PARKED_MAX).await;
    let still = still.map_err(|error| Failure::work(&error))?;
    let is_still = |one: &&Parked| {
        let same = |still: &Parked| {
            still.projection == one.projection && still.poison.event_id == one.poison.event_id
        };
        still.iter().any(same)
    };
    let left = found.iter().filter(is_still).count();
    print(&format!("{decided} decided; {left} still parked"))
}

/// Whether workers have come to a position in time.
async fn acted(client: &Client, projection: &str, at: Position) -> Result<bool, Failure> {
    let began = Instant::now();
    loop {
        let reached = leases::reached(client).await.map_err(|error| Failure::work(&error))?;
        if reached.iter().any(|(name, reached)| name == projection && *reached >= at) {
            return Ok(true);
        }
        let carried = leases::is_carried_on(client).await.map_err(|error| Failure::work(&error))?;
        if !carried || began.elapsed() > ACTED_WAIT_MAX {
            return Ok(false);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
