//! Batch, apply, checkpoint: reads facts once for all projections of the process and gives each
//! its own. What they make of them is theirs.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use events::Recorded;
use events::facts::DecodeError;
use events::log::{ConnectError, LogError, RawFact, connect, watched};
use events::personal::{Vault, VaultError};
use events::words::Position;
use futures_util::future::join_all;
use futures_util::{StreamExt, pin_mut};
use projections::checkpoints;
use projections::sinks::sql::{Projection, Sink, SinkError};
use projections::watermarks::Watermarks;
use tokio_postgres::Config;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Bounds of the projector.
#[derive(Debug, Clone)]
pub struct ProjectorLimits {
    /// Facts read at once.
    pub page_facts_max: u32,
    /// How often a page that a projection refuses is tried, before that projection stops.
    pub attempts_max: u32,
    /// The longest pause before a new attempt.
    pub pause_max: Duration,
    /// Records that each projection keeps in memory, lest it reads them again and again.
    pub hot_records_max: usize,
}

/// The first pause before a new attempt.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// How long a projection may be ahead of its stored checkpoint where no fact was its own: other
/// processes know it by that.
const UNSTORED_WAIT_MAX: Duration = Duration::from_secs(1);

/// Something kept the projector from going on.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    /// The log could not be read.
    #[error("reading the log: {0}")]
    Log(#[from] LogError),
    /// No connection to write on.
    #[error("connecting: {0}")]
    Connect(#[from] ConnectError),
    /// Others could not be told that the read models are carried on.
    #[error("holding the read models: {0}")]
    Hold(tokio_postgres::Error),
    /// A connection ended: what was not on the disk yet may be gone.
    #[error("a connection to the read models ended")]
    Lost,
    /// A read model could not be written.
    #[error("writing `{projection}`: {error}")]
    Sink {
        /// Which one.
        projection: &'static str,
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
    stopped: HashSet<&'static str>,
    attempts: HashMap<&'static str, u32>,
}

/// A projection that is open for writing.
struct Open {
    name: &'static str,
    features: &'static [&'static str],
    sink: Box<dyn Sink>,
    /// It holds everything up to here, stored or not.
    reached: Position,
    /// When its checkpoint was stored.
    stored_at: Instant,
}

/// Facts, decoded once for everybody.
struct Page {
    facts: Vec<Recorded>,
    last: Position,
    /// There was no room for more.
    full: bool,
    /// Features of which a fact cannot be read, and why.
    unreadable: HashMap<String, Unreadable>,
}

/// A fact cannot be read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Fact(#[from] DecodeError),
    #[error(transparent)]
    Personal(#[from] VaultError),
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
        for projection in &projections {
            let name = projection.name();
            let created = projection.create(&mut client).await;
            created.map_err(|error| ProjectorError::Sink { projection: name, error })?;
        }
        let (stopped, attempts) = (HashSet::new(), HashMap::new());
        Ok(Self { vault, config, projections, watermarks, limits, stopped, attempts })
    }

    /// Runs until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut pause = PAUSE_MIN;
        loop {
            let (token, before) = (stop.clone(), self.progress());
            let error = tokio::select! {
                () = token.cancelled() => return,
                result = self.follow() => match result {
                    Ok(()) => return,
                    Err(error) => error,
                },
            };
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
                () = token.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(self.limits.pause_max);
        }
    }

    fn progress(&self) -> i64 {
        self.watermarks.all().map(|(_, mark)| mark.reached.0).sum()
    }

    /// A projection that refuses the same page again and again stops alone.
    fn count(&mut self, error: &ProjectorError) {
        let ProjectorError::Sink { projection, error } = error else {
            return;
        };
        if !error.is_refusal() {
            return;
        }
        let attempts = self.attempts.entry(projection).or_insert(0);
        *attempts += 1;
        if *attempts >= self.limits.attempts_max {
            stop(&self.watermarks, &mut self.stopped, projection, &error.to_string());
        }
    }

    /// Follows the log from the lowest checkpoint, as long as every connection lives.
    async fn follow(&mut self) -> Result<(), ProjectorError> {
        let lost = CancellationToken::new();
        let ended = lost.clone();
        let holder = watched(&self.config, move || ended.cancel()).await?;
        checkpoints::hold(&holder).await.map_err(ProjectorError::Hold)?;
        let open = self.open(&lost).await?;
        tokio::select! {
            () = lost.cancelled() => Err(ProjectorError::Lost),
            result = self.feed(open) => result,
        }
    }

    /// Gives every projection its facts, page by page.
    async fn feed(&mut self, mut open: Vec<Open>) -> Result<(), ProjectorError> {
        let Some(from) = open.iter().map(|open| open.reached).min() else {
            return Ok(());
        };
        let features: HashSet<&str> = open.iter().flat_map(|open| open.features).copied().collect();
        let raw = self.vault.log().follow(from, self.limits.page_facts_max.into());
        let full = self.limits.page_facts_max as usize;
        let vault = self.vault.clone();
        let pages = raw.then(|raw| async { page(&raw?, &features, full, &vault).await });
        pin_mut!(pages);
        let mut next = pages.next().await;
        while let Some(page) = next {
            let page = page?;
            let unreadable = |feature: &&'static str| page.unreadable.get(*feature);
            open.retain(|open| match open.features.iter().find_map(unreadable) {
                Some(error) => {
                    stop(&self.watermarks, &mut self.stopped, open.name, &error.to_string());
                    false
                }
                None => true,
            });
            let watermarks = &self.watermarks;
            let (applied, ahead) = {
                let applied = join_all(open.iter_mut().map(|open| open.apply(&page, watermarks)));
                tokio::pin!(applied);
                let mut ahead = None;
                loop {
                    tokio::select! {
                        applied = &mut applied => break (applied, ahead),
                        // Where the end of the log is near, the next page is read once this one is
                        // done: it is larger then, and large ones cost less.
                        page = pages.next(), if page.full && ahead.is_none() => ahead = Some(page),
                    }
                }
            };
            for (result, open) in applied.into_iter().zip(&open) {
                let projection = open.name;
                result.map_err(|error| ProjectorError::Sink { projection, error })?;
                self.attempts.remove(projection);
            }
            next = match ahead {
                Some(page) => page,
                None => loop {
                    match tokio::time::timeout(UNSTORED_WAIT_MAX, pages.next()).await {
                        Ok(page) => break page,
                        Err(_) => store(&mut open).await?,
                    }
                },
            };
        }
        Ok(())
    }

    async fn open(&self, lost: &CancellationToken) -> Result<Vec<Open>, ProjectorError> {
        let mut open = Vec::with_capacity(self.projections.len());
        for projection in &self.projections {
            let (name, features) = (projection.name(), projection.features());
            if self.stopped.contains(name) {
                continue;
            }
            let lost = lost.clone();
            let client = watched(&self.config, move || lost.cancel()).await?;
            let sink = projection.open(client, self.limits.hot_records_max).await;
            let sink = sink.map_err(|error| ProjectorError::Sink { projection: name, error })?;
            let reached = sink.position();
            self.watermarks.advance(name, reached);
            open.push(Open { name, features, sink, reached, stored_at: Instant::now() });
        }
        Ok(open)
    }
}

/// Stores the checkpoints of the projections that are ahead of theirs.
async fn store(open: &mut [Open]) -> Result<(), ProjectorError> {
    for open in open.iter_mut().filter(|open| open.reached > open.sink.position()) {
        let stored = open.sink.apply(&[], open.reached).await;
        stored.map_err(|error| ProjectorError::Sink { projection: open.name, error })?;
    }
    Ok(())
}

fn stop(
    watermarks: &Watermarks,
    stopped: &mut HashSet<&'static str>,
    projection: &'static str,
    reason: &str,
) {
    tracing::error!(projection, reason, "a read model stops");
    metrics::gauge!("millrace_projection_stopped", "projection" => projection).set(1.0);
    stopped.insert(projection);
    watermarks.stop(projection, reason);
}

async fn page(
    raw: &[RawFact],
    features: &HashSet<&str>,
    full: usize,
    vault: &Vault,
) -> Result<Page, LogError> {
    let last = raw.last().map_or(Position(0), |fact| fact.position);
    let (facts, full) = (Vec::with_capacity(raw.len()), raw.len() >= full);
    let mut page = Page { facts, last, full, unreadable: HashMap::new() };
    for fact in raw.iter().filter(|fact| features.contains(fact.feature.as_str())) {
        match Recorded::try_from(fact) {
            Ok(recorded) => page.facts.push(recorded),
            Err(error) => drop(page.unreadable.insert(fact.feature.clone(), error.into())),
        }
    }
    for (index, error) in vault.open(&mut page.facts).await? {
        let feature = page.facts[index].event.feature().to_owned();
        page.unreadable.insert(feature, error.into());
    }
    Ok(page)
}

impl Open {
    /// Takes in the facts of a page that are its own.
    async fn apply(&mut self, page: &Page, watermarks: &Watermarks) -> Result<(), SinkError> {
        let own = |fact: &&Recorded| {
            fact.position > self.reached && self.features.contains(&fact.event.feature())
        };
        let facts: Vec<&Recorded> = page.facts.iter().filter(own).collect();
        if !facts.is_empty() || self.stored_at.elapsed() > UNSTORED_WAIT_MAX {
            let span = tracing::debug_span!(
                "projection",
                projection = self.name,
                from = self.reached.0,
                to = page.last.0,
                facts = facts.len(),
            );
            self.reached = self.sink.apply(&facts, page.last).instrument(span).await?;
            self.stored_at = Instant::now();
        }
        self.reached = self.reached.max(page.last);
        watermarks.advance(self.name, self.reached);
        if let Some(last) = facts.last() {
            metrics::gauge!("millrace_projection_lag_seconds", "projection" => self.name)
                .set(since(last));
            metrics::counter!("millrace_projection_facts_total", "projection" => self.name)
                .increment(facts.len() as u64);
        }
        Ok(())
    }
}

/// Seconds since a fact was recorded.
#[expect(clippy::disallowed_methods, reason = "lag is measured by the clock, and decides nothing")]
fn since(fact: &Recorded) -> f64 {
    (chrono::Utc::now() - fact.recorded_at).as_seconds_f64()
}
