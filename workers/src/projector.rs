//! Carries read models on: joins the workers, opens the parts that are this process's, feeds them,
//! and begins anew whenever something changes or fails. What projections make of facts is theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use events::Recorded;
use events::facts::Facts;
use events::log::{ConnectError, LogError, Selection, connect};
use events::parked::ParkedEvent;
use events::personal::Vault;
use futures_util::future::try_join_all;
use futures_util::{StreamExt, pin_mut};
use projections::sinks::builds::{self, Build, State};
use projections::sinks::leases::{Situation, Worker};
use projections::sinks::sql::{Projection, SinkError};
use projections::skips::Skips;
use projections::watermarks::Watermarks;
use tokio_postgres::Config;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::feed::{Shared, Unit, feed};
use crate::finishing::{drop_retired, finish};
use crate::membership::Membership;

/// Bounds of the projector.
#[derive(Debug, Clone)]
pub struct ProjectorLimits {
    /// Facts read at once.
    pub page_facts_max: u32,
    /// Facts read at once for a build that is being filled.
    pub build_page_facts_max: u32,
    /// From how many new rows on they are written with COPY.
    pub copy_rows_min: usize,
    /// How often a page that a projection refuses is tried, before facts are tried one by one, and
    /// those that are refused are parked.
    pub attempts_max: u32,
    /// The longest pause before a new attempt.
    pub pause_max: Duration,
    /// Records that each projection keeps in memory, lest it reads them again and again.
    pub hot_records_max: usize,
    /// How long a worker that says nothing keeps its parts.
    pub lease: Duration,
    /// How long a build that another took the place of stays.
    pub retired_grace: Duration,
}

impl Default for ProjectorLimits {
    fn default() -> Self {
        Self {
            page_facts_max: 2_000,
            build_page_facts_max: 20_000,
            copy_rows_min: 2_000,
            attempts_max: 5,
            pause_max: Duration::from_secs(2),
            hot_records_max: 20_000,
            lease: Duration::from_secs(3),
            retired_grace: Duration::from_mins(10),
        }
    }
}

/// The first pause before a new attempt.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// How long a build that cannot be written rests before it is tried again.
const REST: Duration = Duration::from_secs(10);
/// How long leaving may take, before the lease has to end by itself.
const LEAVE_WAIT_MAX: Duration = Duration::from_secs(2);
/// Decisions about parked facts that are read at once.
const DECISIONS_PAGE: usize = 1_000;

/// Something kept the projector from going on.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    /// The log could not be read.
    #[error("reading the log: {0}")]
    Log(#[from] LogError),
    /// No connection to write on, or it ended.
    #[error("the read models' database: {0}")]
    Connect(#[from] ConnectError),
    /// A connection ended: what was not on the disk yet may be gone.
    #[error("a connection to the read models ended")]
    Lost,
    /// This process cannot read the facts of a read model: it lacks a master key, say.
    #[error("reading facts for `{projection}`: {reason}")]
    Blocked {
        /// Which one.
        projection: String,
        /// Its build.
        build: i64,
        /// Why.
        reason: String,
    },
    /// A read model could not be written.
    #[error("writing `{projection}`: {error}")]
    Sink {
        /// Which one.
        projection: String,
        /// Its build.
        build: i64,
        /// Why.
        error: SinkError,
    },
}

/// Keeps the read models up to date until told to stop; what fails is tried again.
pub struct Projector {
    /// The log, and the keys of the persons of whom its facts speak.
    vault: Vault,
    config: Config,
    projections: Vec<Box<dyn Projection>>,
    watermarks: Watermarks,
    limits: ProjectorLimits,
    worker: Worker,
    attempts: Arc<Mutex<HashMap<i64, u32>>>,
    /// Builds that stand still alone until then: a table lacks, say.
    resting: Mutex<HashMap<i64, Resting>>,
}

/// A build that rests.
struct Resting {
    name: String,
    until: Instant,
}

impl Projector {
    /// Creates what tables and views the projections lack.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses.
    pub async fn prepare(
        vault: Vault,
        config: Config,
        watermarks: Watermarks,
        limits: ProjectorLimits,
    ) -> Result<Self, ProjectorError> {
        let projections = projections::all();
        let mut client = connect(&config).await?;
        let log_is_empty = vault.log().head().await?.0 == 0;
        let prepared = builds::prepare(&mut client, &projections, log_is_empty).await;
        prepared.map_err(|error| ProjectorError::Sink {
            projection: "all".to_owned(),
            build: 0,
            error,
        })?;
        let known = projections.iter();
        let known = known.map(|known| format!("{}_v{}", known.name(), known.version()));
        let worker = worker(known.collect());
        let attempts = Arc::default();
        let resting = Mutex::default();
        Ok(Self { vault, config, projections, watermarks, limits, worker, attempts, resting })
    }

    /// Runs until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = PAUSE_MIN;
        loop {
            let before = self.progress();
            let error = match self.session(&stop).await {
                Ok(true) => return,
                // Something has rested, and is tried again.
                Ok(false) => continue,
                Err(error) => error,
            };
            if stop.is_cancelled() {
                return;
            }
            tracing::warn!(%error, "the read models stand still; trying again");
            // Forgetting takes the watermarks back, so this is asked before.
            if self.progress() > before {
                pause = PAUSE_MIN;
            }
            // A server that crashed has lost what it had not written yet: it is folded again, and
            // until then nobody is told that it can be read.
            self.watermarks.forget();
            metrics::counter!("millrace_projector_retries_total").increment(1);
            self.count(&error);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(self.limits.pause_max);
        }
    }

    fn progress(&self) -> i64 {
        self.watermarks.all().map(|(_, mark)| mark.reached.0).sum()
    }

    /// Of a build that refuses the same page again and again, facts are tried one by one; one that
    /// cannot be written at all rests, and the others go on.
    fn count(&self, error: &ProjectorError) {
        let (projection, build, is_refusal) = match error {
            ProjectorError::Sink { projection, build, error } if !error.passes() => {
                (projection, build, error.is_refusal())
            }
            ProjectorError::Blocked { projection, build, .. } => (projection, build, false),
            _ => return,
        };
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let attempts = attempts.entry(*build).or_insert(0);
        *attempts += 1;
        if *attempts >= self.limits.attempts_max && !is_refusal {
            let reason = error.to_string();
            tracing::error!(projection, reason, "a read model stands still; the others go on");
            metrics::gauge!("millrace_projection_stopped", "projection" => projection.clone())
                .set(1.0);
            self.watermarks.stop(projection, &reason);
            let rest = Resting { name: projection.clone(), until: Instant::now() + REST };
            self.resting().insert(*build, rest);
        }
    }

    fn resting(&self) -> MutexGuard<'_, HashMap<i64, Resting>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when a build has rested.
    async fn rested(&self) {
        let until = self.resting().values().map(|resting| resting.until).min();
        match until {
            Some(until) => tokio::time::sleep_until(until.into()).await,
            None => std::future::pending().await,
        }
        self.resting().retain(|_, resting| resting.until > Instant::now());
    }

    /// Joins the workers, and carries its parts on as long as every connection lives; whether it is
    /// done.
    async fn session(&self, stop: &CancellationToken) -> Result<bool, ProjectorError> {
        let lost = CancellationToken::new();
        let _ended = lost.clone().drop_guard();
        let since = self.watermarks.since();
        let lease = self.limits.lease;
        // What rests is left to others: another worker may be able to carry it on.
        let member = Membership::join(&self.config, self.present(), lease, &lost).await?;
        let shared = Shared {
            vault: self.vault.clone(),
            watermarks: self.watermarks.clone(),
            limits: self.limits.clone(),
            since,
            teller: member.teller(),
            skips: self.skips().await?,
            attempts: self.attempts.clone(),
        };
        loop {
            let settled = member.settle().await?;
            // Connections that end with what they were opened for are not lost.
            let lost = lost.child_token();
            let carried = tokio::select! {
                // What fails drops its connection: why it failed is asked first.
                biased;
                () = stop.cancelled() => break,
                carried = self.carry_on(&settled, &shared, &lost) => carried,
                () = lost.cancelled() => Err(ProjectorError::Lost),
                () = self.rested() => return Ok(false),
                changed = member.changed(&settled) => changed.map_err(ProjectorError::from),
            };
            // Parts that another worker took are let go, and whatever is this one's is taken.
            match carried {
                Err(ProjectorError::Sink { error: SinkError::Lost { .. }, .. }) => {}
                carried => carried?,
            }
        }
        match tokio::time::timeout(LEAVE_WAIT_MAX, member.leave()).await {
            Ok(left) => left.map(|()| true).map_err(ProjectorError::from),
            Err(_) => Ok(true),
        }
    }

    /// This process among the workers, as far as it can carry read models on now.
    fn present(&self) -> Worker {
        let mut worker = self.worker.clone();
        let resting = self.resting();
        let rests = |known: &String| {
            resting.values().any(|resting| known.starts_with(&format!("{}_v", resting.name)))
        };
        worker.knows.retain(|known| !rests(known));
        worker
    }

    /// What was decided about parked facts so far.
    async fn skips(&self) -> Result<Skips, ProjectorError> {
        read_skips(&self.vault).await.map_err(ProjectorError::from)
    }

    /// Feeds what this worker holds, and sees builds to their end; until something fails.
    async fn carry_on(
        &self,
        settled: &Situation,
        shared: &Shared,
        lost: &CancellationToken,
    ) -> Result<(), ProjectorError> {
        let held = settled.held(self.worker.id);
        let line = (&self.config, lost);
        let own = |build: &&Build| held.contains_key(&build.id);
        let (mut live, mut building, mut finishing) = (Vec::new(), Vec::new(), Vec::new());
        for build in settled.builds.iter().filter(own) {
            let known = self.projections.iter().find(|known| build.is_of(known.as_ref()));
            let (Some(projection), Some(parts)) = (known, held.get(&build.id)) else {
                continue;
            };
            let projection = projection.as_ref();
            let unit = Unit::open(projection, build, parts.clone(), shared, line);
            if build.state == State::Live {
                live.push(unit);
                continue;
            }
            building.push(unit);
            // Whoever has the first part sees to the rest.
            if parts.iter().any(|held| held.part == 0) {
                let (log, limits) = (self.vault.log(), &self.limits);
                finishing.push(finish(log, projection, build.clone(), limits, line));
            }
        }
        let (live, building) = tokio::try_join!(try_join_all(live), try_join_all(building))?;
        let limits = &self.limits;
        tokio::try_join!(
            feed(shared, live, limits.page_facts_max),
            feed(shared, building, limits.build_page_facts_max),
            async { try_join_all(finishing).await.map(drop) },
            drop_retired(limits, &self.config),
        )?;
        Ok(())
    }
}

/// Every decision to go on without a fact that the log holds.
///
/// # Errors
/// If the log cannot be read.
pub async fn read_skips(vault: &Vault) -> Result<Skips, LogError> {
    let features = vec![ParkedEvent::FEATURE.to_owned()];
    let selection = Selection { features, ..Selection::default() };
    let pages = vault.log().read(selection, DECISIONS_PAGE);
    pin_mut!(pages);
    let mut skips = Skips::default();
    while let Some(page) = pages.next().await {
        for raw in page? {
            match Recorded::try_from(&raw) {
                Ok(fact) => skips.take(&fact.event),
                Err(error) => tracing::warn!(%error, "a decision about a parked fact is unknown"),
            }
        }
    }
    Ok(skips)
}

/// This process among the workers.
#[expect(clippy::disallowed_methods, reason = "workers make ids")]
#[must_use]
pub fn worker(knows: Vec<String>) -> Worker {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let pid = i32::try_from(std::process::id()).unwrap_or_default();
    Worker { id: Uuid::now_v7(), host: host.trim().to_owned(), pid, knows }
}
