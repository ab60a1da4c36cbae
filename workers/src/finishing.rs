//! Sees builds that are being filled to their end: their indexes, and the switch; and drops what
//! was retired. Who fills them is not decided here.

use std::time::Duration;

use events::log::{Log, connect, watched};
use events::words::Position;
use projections::sinks::builds::{self, Build};
use projections::sinks::leases::{self, WORKERS_CHANNEL};
use projections::sinks::sql::{Projection, SinkError};
use tokio_postgres::Config;
use tokio_util::sync::CancellationToken;

use crate::projector::{ProjectorError, ProjectorLimits};

/// How often it is looked how far a build is.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long one waits for readers, before they are let through and it is tried again.
const SWITCH_PAUSE: Duration = Duration::from_millis(30);
/// How long the live build stands still at most while the new one takes in the rest.
const STAND_STILL_MAX: Duration = Duration::from_secs(1);
/// How often one says that readers keep the switch from being made.
const SAID_EVERY: u32 = 1_000;
/// How often retired builds are looked for.
const DROP_EVERY: Duration = Duration::from_secs(10);

/// Waits until a build has come close to the end of the log, makes its indexes, and switches.
pub(crate) async fn finish(
    log: &Log,
    projection: &dyn Projection,
    build: Build,
    limits: &ProjectorLimits,
    (config, lost): (&Config, &CancellationToken),
) -> Result<(), ProjectorError> {
    let of = |error: SinkError| ProjectorError::Sink {
        projection: build.name.clone(),
        build: build.id,
        error,
    };
    let line = async || {
        let lost = lost.clone();
        watched(config, move || lost.cancel()).await
    };
    let (mut client, looker) = (line().await?, line().await?);
    let near = i64::from(limits.page_facts_max);
    let close = async || loop {
        let head = log.head().await?;
        let reached = builds::reached(&looker, build.id).await.map_err(of)?.0;
        if reached >= Position(head.0 - near) {
            return Ok::<_, ProjectorError>(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    close().await?;
    builds::index(&mut client, projection, &build).await.map_err(of)?;
    close().await?;
    let mut tried = 0_u32;
    while !builds::switch(&mut client, &looker, projection, &build, STAND_STILL_MAX)
        .await
        .map_err(of)?
    {
        tried += 1;
        if tried.is_multiple_of(SAID_EVERY) {
            let projection = &build.name;
            tracing::warn!(projection, tried, "long reports keep a rebuilt read model waiting");
        }
        tokio::time::sleep(SWITCH_PAUSE).await;
    }
    tracing::info!(projection = build.name, schema = build.schema, "a rebuilt read model is live");
    leases::notify(&looker, WORKERS_CHANNEL).await?;
    // Everything begins anew with the builds as they are then.
    std::future::pending().await
}

/// Drops retired builds, now and then; on a connection of the moment, for there are none mostly.
pub(crate) async fn drop_retired(
    limits: &ProjectorLimits,
    config: &Config,
) -> Result<(), ProjectorError> {
    loop {
        let pause = DROP_EVERY.min(limits.retired_grace).max(LOOK_EVERY);
        tokio::time::sleep(pause).await;
        let mut client = connect(config).await?;
        match builds::drop_retired(&mut client, limits.retired_grace).await {
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "retired builds are not dropped yet"),
        }
    }
}
