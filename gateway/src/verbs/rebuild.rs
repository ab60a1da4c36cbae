//! `rebuild`: folds read models anew from the first fact, beside the running ones, and lets them
//! take their place. Workers do it; where there are none, this program is one.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use events::log::connect;
use events::words::Position;
use projections::sinks::builds::{self, Build, State};
use projections::sinks::leases::{self, WORKERS_CHANNEL};
use projections::sinks::sql::{Projection, SinkError};
use serde_json::json;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::parts::{Database, Parts, Projecting};
use super::serve::stop_signal;
use super::{Failure, print};
use crate::config::Config;
use crate::progress::Progress;

/// How often it is looked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// After so many looks without any worker this program is one.
const LOOKS_ALONE: u32 = 15;

/// What `rebuild` is asked.
#[derive(Debug, Args)]
pub(super) struct Rebuild {
    /// The read models.
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "PROJECTION")]
    projections: Vec<String>,
    /// Every read model.
    #[arg(long)]
    all: bool,
    /// Tell what was rebuilt as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(data: PathBuf, config: Config, rebuild: Rebuild) -> Result<(), Failure> {
    config.check()?;
    let chosen = chosen(&rebuild)?;
    let stop = stop_signal()?;
    let database = Database::open(&data, &config).await?;
    let rebuilt = make(&database, &config, &chosen, (rebuild.json, stop)).await;
    let closed = database.close().await;
    rebuilt.and(closed)
}

/// The read models that are meant.
fn chosen(rebuild: &Rebuild) -> Result<Vec<Box<dyn Projection>>, Failure> {
    let all = projections::all();
    let known: Vec<&str> = all.iter().map(|one| one.name()).collect();
    if let Some(unknown) = rebuild.projections.iter().find(|name| !known.contains(&name.as_str())) {
        let message = format!("there is no read model `{unknown}`; there are {}", known.join(", "));
        return Err(Failure::usage(&message));
    }
    let meant = |one: &str| rebuild.all || rebuild.projections.iter().any(|name| name == one);
    Ok(all.into_iter().filter(|one| meant(one.name())).collect())
}

async fn make(
    database: &Database,
    config: &Config,
    chosen: &[Box<dyn Projection>],
    (as_json, stop): (bool, CancellationToken),
) -> Result<(), Failure> {
    let failed = |error: SinkError| Failure::work(&error);
    database.migrate().await?;
    let mut client = connect(database.config()).await.map_err(|error| Failure::work(&error))?;
    let masters = database.masters().clone().source();
    let parts = Parts::without_projector(database.config(), masters, config).await?;
    let mut begun = Vec::new();
    for projection in chosen {
        begun.push(builds::begin(&mut client, projection.as_ref()).await.map_err(failed)?);
    }
    leases::notify(&client, WORKERS_CHANNEL).await.map_err(|error| Failure::work(&error))?;
    let began = Instant::now();
    let head = parts.log.head().await.map_err(|error| Failure::work(&error))?;
    let progress = Progress::start("rebuilding");
    let mut own = None;
    let waited = wait(&client, &parts, &begun, (head, &progress), &mut own, (database, config));
    let waited = tokio::select! {
        waited = waited => waited,
        () = stop.cancelled() => Err(Failure::work(
            &"not waited for: workers go on with it, or the next that start",
        )),
    };
    progress.end();
    if let Some(own) = own {
        own.stop().await;
    }
    parts.stop().await;
    waited?;
    let seconds = began.elapsed().as_secs_f64();
    let names: Vec<&str> = begun.iter().map(|build| build.name.as_str()).collect();
    if as_json {
        let seconds = (seconds * 1_000.0).round() / 1_000.0;
        let told = json!({ "rebuilt": names, "position": head.0, "seconds": seconds });
        return print(&told.to_string());
    }
    print(&format!("rebuilt in {seconds:.1} s, up to position {head} and on: {}", names.join(", ")))
}

/// Waits until every build is live; becomes a worker where there is none.
async fn wait(
    client: &Client,
    parts: &Parts,
    begun: &[Build],
    (head, progress): (Position, &Progress),
    own: &mut Option<Projecting>,
    (database, config): (&Database, &Config),
) -> Result<(), Failure> {
    let failed = |error: SinkError| Failure::work(&error);
    let facts = |position: Position| position.0.max(0).cast_unsigned();
    progress.begin("facts", facts(head) * begun.len() as u64);
    let mut alone = LOOKS_ALONE - 1;
    loop {
        let known = builds::all(client).await.map_err(failed)?;
        let (mut done, mut live) = (0, 0);
        for build in begun {
            match known.iter().find(|known| known.id == build.id) {
                Some(Build { state: State::Live, .. }) => {
                    (done, live) = (done + facts(head), live + 1);
                }
                Some(_) => {
                    let reached = builds::reached(client, build.id).await.map_err(failed)?.0;
                    done += facts(reached.min(head));
                }
                None => {
                    let name = &build.name;
                    let message = format!(
                        "another rebuild of `{name}` took the place of this one; wait for that"
                    );
                    return Err(Failure::work(&message));
                }
            }
        }
        progress.at(done);
        if live == begun.len() {
            return Ok(());
        }
        let carried = leases::is_carried_on(client).await;
        let carried = carried.map_err(|error| Failure::work(&error))?;
        alone = if carried { 0 } else { alone + 1 };
        if alone >= LOOKS_ALONE && own.is_none() {
            let watermarks = parts.reader.watermarks().clone();
            let config_of = database.config();
            *own = Some(Projecting::start(&parts.vault, watermarks, config_of, config).await?);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
