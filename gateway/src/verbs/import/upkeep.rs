//! Sees to it that the read models are carried on while an import writes: by a `serve` beside it,
//! or else by a projector of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use events::log::{Log, LogError, connect};
use events::personal::Vault;
use events::words::Position;
use projections::sinks::leases;
use projections::watermarks::Watermarks;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config as PgConfig};

use super::super::Failure;
use super::super::parts::{Parts, Projecting, cause};
use crate::config::Config;
use crate::import::ImportError;
use crate::import::patience::Patience;
use crate::progress::Progress;

/// How often it is looked whether anybody carries the read models on.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Nothing is concluded from fewer looks: a projector that lost its connection is back by then.
const LOOKS_MIN: u32 = 3;
/// Nor is it concluded from fewer that they stand still.
const LOOKS_STILL_MIN: u32 = 50;
/// How long a look may take.
const LOOK_WAIT_MAX: Duration = Duration::from_secs(10);
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
        let held = leases::is_carried_on(&client).await.map_err(|error| Failure::work(&error))?;
        let start = Start {
            vault: parts.vault.clone(),
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
        let looker = Looker { database: &self.database, client: Mutex::new(None) };
        let (mut looks, mut moved, mut before, mut from) = (0, Instant::now(), None, None);
        loop {
            let lowest = self.patience.outcome(|_: &String| true, async || looker.lowest().await);
            let lowest = lowest.await?.map_err(ImportError::Work)?;
            let (_, position) = lowest;
            if position >= head {
                return Ok(());
            }
            let from = *from.get_or_insert_with(|| begin(progress, position, head));
            if let Some(progress) = progress {
                progress.at((position.0 - from).max(0).cast_unsigned());
            }
            looks += 1;
            if before.replace(lowest) != Some(lowest) {
                (looks, moved) = (0, Instant::now());
            }
            self.still_moves(lowest, looks, moved)?;
            self.patience.go_on()?;
            tokio::time::sleep(POLL).await;
        }
    }

    /// Nobody waits for a read model that stopped.
    fn still_moves(
        &self,
        (name, position): (&str, Position),
        looks: u32,
        moved: Instant,
    ) -> Result<(), ImportError> {
        let mut all = self.watermarks.all();
        let stopped = all.find_map(|(name, mark)| Some((name, mark.stopped?)));
        let message = match stopped {
            Some((name, reason)) => {
                format!("the read model `{name}` stopped: {reason}; everything is in the log")
            }
            None if looks >= LOOKS_STILL_MIN && moved.elapsed() > self.wait_max => format!(
                "everything is in the log, but the read model `{name}` stands still at position \
                 {position}; the log of `serve` says why"
            ),
            None => return Ok(()),
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
    vault: Vault,
    watermarks: Watermarks,
    database: PgConfig,
    config: Config,
}

impl Start {
    async fn projecting(&self) -> Result<Projecting, Failure> {
        let watermarks = self.watermarks.clone();
        Projecting::start(&self.vault, watermarks, &self.database, &self.config).await
    }
}

/// Begins to project as soon as nobody else does.
async fn look_out(start: Start, own: Arc<Mutex<Option<Projecting>>>, mut held: bool) {
    let looker = Looker { database: &start.database, client: Mutex::new(None) };
    let mut free = 0;
    while held {
        tokio::time::sleep(LOOK_EVERY).await;
        free = match looker.is_held().await {
            Ok(false) => free + 1,
            // If it cannot be reached, it will be back, and so will be whoever projects.
            Ok(true) | Err(_) => 0,
        };
        if free < LOOKS_MIN {
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

/// Looks how the read models are, on a connection that is made anew after every failure.
struct Looker<'a> {
    database: &'a PgConfig,
    client: Mutex<Option<Client>>,
}

impl Looker<'_> {
    async fn lowest(&self) -> Result<(&'static str, Position), String> {
        self.look(async |client| leases::lowest(client).await).await
    }

    async fn is_held(&self) -> Result<bool, String> {
        self.look(async |client| leases::is_carried_on(client).await).await
    }

    async fn look<T>(
        &self,
        ask: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, String> {
        let mut slot = self.client.lock().await;
        let looked = async {
            let client = match slot.take() {
                Some(client) => client,
                None => connect(self.database).await?,
            };
            let told = ask(&client).await?;
            Ok::<_, tokio_postgres::Error>((client, told))
        };
        match tokio::time::timeout(LOOK_WAIT_MAX, looked).await {
            Ok(Ok((client, told))) => {
                *slot = Some(client);
                Ok(told)
            }
            Ok(Err(error)) => Err(cause(&error)),
            Err(_) => Err(format!("PostgreSQL gave no answer in {LOOK_WAIT_MAX:?}")),
        }
    }
}
