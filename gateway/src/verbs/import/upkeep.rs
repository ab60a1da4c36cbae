//! Sees to it that the read models are carried on while an import writes: by a `serve` beside it,
//! or else by a projector of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use events::log::{Log, LogError, connect};
use events::words::Position;
use projections::checkpoints;
use projections::watermarks::Watermarks;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config as PgConfig};

use super::super::Failure;
use super::super::parts::{Parts, Projecting};
use crate::config::Config;
use crate::import::patience::Patience;
use crate::import::{ImportError, Progress};

/// How often it is looked whether anybody carries the read models on.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A projector that lost its connection is back by then: nobody else need begin.
const LOOKS: u32 = 3;
/// How often it is looked how far the read models are.
const POLL: Duration = Duration::from_millis(100);

/// Sees to it that the read models are carried on.
pub(super) struct Upkeep {
    log: Log,
    watermarks: Watermarks,
    database: PgConfig,
    patience: Arc<Patience>,
    wait_max: Duration,
    own: Arc<Mutex<Option<Projecting>>>,
    lookout: JoinHandle<()>,
}

impl Upkeep {
    /// Starts a projector if nobody has one, and is on the lookout from now on.
    pub(super) async fn begin(
        parts: &Parts,
        database: &PgConfig,
        config: &Config,
        patience: Arc<Patience>,
    ) -> Result<Self, Failure> {
        let (log, watermarks) = (parts.log.clone(), parts.reader.watermarks().clone());
        let client = connect(database).await.map_err(|error| Failure::work(&error))?;
        let held = checkpoints::is_held(&client).await.map_err(|error| Failure::work(&error))?;
        let start = Start {
            log: log.clone(),
            watermarks: watermarks.clone(),
            database: database.clone(),
            config: config.clone(),
        };
        let own = Arc::new(Mutex::new(None));
        if !held {
            *own.lock().await = Some(start.projecting().await?);
        }
        let lookout = tokio::spawn(look_out(start, own.clone(), held));
        let wait_max = Duration::from_millis(config.import.retry_wait_max_ms);
        let database = database.clone();
        Ok(Self { log, watermarks, database, patience, wait_max, own, lookout })
    }

    /// Waits until every read model holds what the log holds now.
    pub(super) async fn caught_up(&self, progress: Option<&Progress>) -> Result<(), ImportError> {
        let passes = |error: &LogError| matches!(error, LogError::Unavailable(_));
        let head = self.patience.outcome(passes, async || self.log.head().await).await?;
        let head = head.map_err(|error| ImportError::Work(error.to_string()))?;
        let (mut client, mut moved, mut from, mut before) = (None, Instant::now(), None, None);
        loop {
            self.patience.go_on()?;
            // A connection that broke is made anew with the next look.
            let lowest = match self.lowest(&mut client).await {
                Ok((_, position)) if position >= head => return Ok(()),
                Ok(lowest) => Some(lowest),
                Err(error) => {
                    tracing::debug!(%error, "how far the read models are is not known");
                    client = None;
                    None
                }
            };
            if let Some((_, position)) = lowest {
                let from = *from.get_or_insert_with(|| begin(progress, position, head));
                if let Some(progress) = progress {
                    progress.at((position.0 - from).max(0).cast_unsigned());
                }
            }
            if lowest.is_some() && lowest != before {
                (moved, before) = (Instant::now(), lowest);
            }
            self.still_moves(moved, before)?;
            tokio::time::sleep(POLL).await;
        }
    }

    async fn lowest(
        &self,
        client: &mut Option<Client>,
    ) -> Result<(&'static str, Position), tokio_postgres::Error> {
        let client = match client {
            Some(client) => client,
            None => client.insert(connect(&self.database).await?),
        };
        checkpoints::lowest(client).await
    }

    /// Nobody waits for a read model that stopped.
    fn still_moves(
        &self,
        moved: Instant,
        lowest: Option<(&'static str, Position)>,
    ) -> Result<(), ImportError> {
        let mut all = self.watermarks.all();
        let stopped = all.find_map(|(name, mark)| Some((name, mark.stopped?)));
        let message = match (stopped, lowest) {
            (Some((name, reason)), _) => {
                format!("the read model `{name}` stopped: {reason}; everything is in the log")
            }
            (None, lowest) if moved.elapsed() > self.wait_max => {
                let (name, position) = lowest.unwrap_or_default();
                format!(
                    "everything is in the log, but the read model `{name}` stands still at \
                     position {position}; the log of `serve` says why"
                )
            }
            _ => return Ok(()),
        };
        Err(ImportError::Work(message))
    }

    /// Stops the projector, if there is one here.
    pub(super) async fn end(self) {
        self.lookout.abort();
        if let Some(projecting) = self.own.lock().await.take() {
            projecting.stop().await;
        }
    }
}

/// A stage of progress from where the read models stand.
fn begin(progress: Option<&Progress>, position: Position, head: Position) -> i64 {
    if let Some(progress) = progress {
        progress.begin("facts to be readable", (head.0 - position.0).max(0).cast_unsigned());
    }
    position.0
}

/// What a projector is started with.
struct Start {
    log: Log,
    watermarks: Watermarks,
    database: PgConfig,
    config: Config,
}

impl Start {
    async fn projecting(&self) -> Result<Projecting, Failure> {
        let (log, watermarks) = (self.log.clone(), self.watermarks.clone());
        Projecting::start(log, watermarks, &self.database, &self.config).await
    }
}

/// Begins to project as soon as nobody else does.
async fn look_out(start: Start, own: Arc<Mutex<Option<Projecting>>>, mut held: bool) {
    let (mut client, mut free) = (None, 0);
    while held {
        tokio::time::sleep(LOOK_EVERY).await;
        match is_held(&start.database, &mut client).await {
            Ok(true) => free = 0,
            Ok(false) => free += 1,
            // It will be back, and so will be whoever projects.
            Err(_) => (client, free) = (None, 0),
        }
        if free < LOOKS {
            continue;
        }
        let mut own = own.lock().await;
        match start.projecting().await {
            Ok(projecting) => {
                tracing::info!("nobody carries the read models on any more: this import does now");
                (*own, held) = (Some(projecting), false);
            }
            Err(error) => tracing::warn!(?error, "the read models cannot be carried on yet"),
        }
    }
}

async fn is_held(
    database: &PgConfig,
    client: &mut Option<Client>,
) -> Result<bool, tokio_postgres::Error> {
    let client = match client {
        Some(client) => client,
        None => client.insert(connect(database).await?),
    };
    checkpoints::is_held(client).await
}
