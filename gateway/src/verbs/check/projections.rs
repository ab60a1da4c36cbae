//! The read models set against a fresh fold of the log.

use std::time::Instant;

use events::log::connect;
use events::words::Position;
use indicatif::HumanCount;
use projections::sinks::builds::{self, Build};
use projections::sinks::comparing::{Difference, Snapshot};
use projections::sinks::sql::{Projection, SinkError};
use serde_json::{Value, json};
use workers::folding::{Fold, Until};

use super::super::Failure;
use super::super::parts::{Database, Parts, projector_limits};
use crate::config::Config;
use crate::progress::Progress;

/// What comparing came to.
pub(super) struct Compared {
    models: Vec<Model>,
    seconds: f64,
}

/// A read model that was compared.
struct Model {
    name: String,
    /// Rows that are as they should be.
    alike: u64,
    /// What it holds.
    position: Position,
    difference: Option<Difference>,
    /// Why it was not compared.
    skipped: Option<String>,
}

/// Folds every read model afresh, up to where it stands now, and compares.
pub(super) async fn compare(database: &Database, config: &Config) -> Result<Compared, Failure> {
    let began = Instant::now();
    database.migrate().await?;
    let masters = database.masters().clone().source();
    let parts = Parts::without_projector(database.config(), masters, config).await?;
    let progress = Progress::start("checking read models");
    let compared = with(database, config, &parts, &progress).await;
    progress.end();
    parts.stop().await;
    Ok(Compared { models: compared?, seconds: began.elapsed().as_secs_f64() })
}

async fn with(
    database: &Database,
    config: &Config,
    parts: &Parts,
    progress: &Progress,
) -> Result<Vec<Model>, Failure> {
    let failed = |error: SinkError| Failure::work(&error);
    let line = async || connect(database.config()).await.map_err(|error| Failure::work(&error));
    let (mut client, mut fresh) = (line().await?, line().await?);
    let snapshot = Snapshot::begin(&mut client).await.map_err(failed)?;
    let all = projections::all();
    let (mut models, mut stored, mut until) = (Vec::new(), Vec::new(), Vec::<Until<'_>>::new());
    for (build, positions) in snapshot.live().await.map_err(failed)? {
        match all.iter().find(|known| build.is_of(known.as_ref())) {
            Some(projection) => {
                until.push((projection.as_ref(), positions));
                stored.push(build);
            }
            None => models.push(not_compared(&build)),
        }
    }
    let end = until.iter().flat_map(|(_, until)| until).max().copied().unwrap_or_default();
    progress.begin("facts", end.0.max(0).cast_unsigned());
    let limits = projector_limits(&config.projector);
    let fold = Fold { vault: &parts.vault, config: database.config(), limits: &limits };
    let at = |position: Position| progress.at(position.0.max(0).cast_unsigned());
    let copies = fold.copies(&until, &at).await.map_err(|error| Failure::work(&error))?;
    progress.begin("read models", until.len() as u64);
    let mut compared = Ok(());
    for ((projection, until), (stored, copy)) in until.iter().zip(stored.iter().zip(&copies)) {
        match model(&snapshot, &mut fresh, *projection, until, (stored, copy)).await {
            Ok(model) => models.push(model),
            Err(error) => {
                compared = Err(failed(error));
                break;
            }
        }
        progress.add(1);
    }
    builds::drop_copies(&mut fresh, &copies).await.map_err(failed)?;
    compared.map(|()| models)
}

fn not_compared(build: &Build) -> Model {
    let reason = format!(
        "it is of version {}, which this program does not fold: it is rebuilt by the next `serve` \
         or `work`",
        build.version
    );
    Model {
        name: build.name.clone(),
        alike: 0,
        position: Position(0),
        difference: None,
        skipped: Some(reason),
    }
}

async fn model(
    snapshot: &Snapshot<'_>,
    fresh: &mut tokio_postgres::Client,
    projection: &dyn Projection,
    until: &[Position],
    builds: (&Build, &Build),
) -> Result<Model, SinkError> {
    let position = until.iter().min().copied().unwrap_or_default();
    let (mut alike, mut difference) = (0, None);
    for view in projection.views() {
        let (rows, found) = snapshot.compare(fresh, &view, builds).await?;
        alike += rows;
        difference = difference.or(found);
    }
    let name = projection.name().to_owned();
    Ok(Model { name, alike, position, difference, skipped: None })
}

impl Compared {
    /// Whether every read model was compared and is as it should be.
    pub(super) fn is_right(&self) -> bool {
        self.models.iter().all(|model| model.difference.is_none() && model.skipped.is_none())
    }

    /// For programs.
    pub(super) fn told(&self) -> Value {
        let models = self.models.iter().map(|model| {
            json!({
                "name": model.name, "position": model.position.0, "rows_alike": model.alike,
                "first_difference": model.difference, "not_compared": model.skipped,
            })
        });
        let seconds = (self.seconds * 1_000.0).round() / 1_000.0;
        let models: Vec<Value> = models.collect();
        json!({ "right": self.is_right(), "seconds": seconds, "read_models": models })
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        let rows: u64 = self.models.iter().map(|model| model.alike).sum();
        let (rows, seconds) = (HumanCount(rows), self.seconds);
        if self.is_right() {
            let count = self.models.len();
            return format!(
                "the read models are right: {count}, with {rows} rows, in {seconds:.1} s"
            );
        }
        let mut text = format!("read models are wrong; {rows} rows are right");
        for model in &self.models {
            if let Some(reason) = &model.skipped {
                text += &format!("\n{}: not compared: {reason}", model.name);
            }
            if let Some(difference) = &model.difference {
                text += &format!("\n{}: {}", model.name, sentence(difference));
            }
        }
        text + "\n`millrace rebuild <name>` makes them anew"
    }
}

fn sentence(difference: &Difference) -> String {
    let Difference { table, key, column, stored, fresh } = difference;
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    match (column, stored, fresh) {
        (Some(column), stored, fresh) => {
            format!("{table} {key}: {column} is {}, and should be {}", value(stored), value(fresh))
        }
        (None, Some(_), None) => format!("{table} {key}: the row should not be there"),
        (None, ..) => format!("{table} {key}: the row lacks: {}", value(fresh)),
    }
}
