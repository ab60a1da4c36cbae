//! The demo: a wholesaler's half year, made of commands. What there is to see of it stands in
//! `demo/`: what is sold, who buys, when, and what one may try. Nothing of it is stored but facts.

mod calendar;
mod customers;
pub mod guide;
mod play;
mod products;
mod script;
mod stock;
mod trade;

use chrono::{DateTime, Utc};
use commands::organizations::register::RegisterOrganization;
use commands::{CommandError, Context, Executor};
use events::Recorded;
use events::facts::DecodeError;
use events::log::{Log, LogError, RawFact, StreamKey};
use events::words::{Actor, OrganizationId, Position};
use indicatif::ProgressBar;
use uuid::Uuid;

/// The slug of the demo's organization.
pub const SLUG: &str = "demo";
const NAME: &str = "Kestelbrunn Fasteners & Tools";
const CURRENCY: &str = "EUR";
/// The key under which the organization is registered.
const REGISTERED: &str = "demo/organization";

/// What is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// The demo: this call filled it, or what it lacked.
    Now,
    /// The demo: it was whole already.
    Before,
    /// Something else, and no demo: it was left alone.
    Occupied,
}

/// Why the demo is not whole.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A step did not happen.
    #[error("the demo's step {key} did not happen: {error}")]
    Step {
        /// Its idempotency key.
        key: String,
        /// Why.
        error: CommandError,
    },
    /// The log cannot be read.
    #[error("the demo cannot be looked for: {0}")]
    Log(#[from] LogError),
    /// What is in the log cannot be read by this program.
    #[error("the demo cannot be looked for: {0}")]
    Unreadable(#[from] DecodeError),
    /// There is nothing to give: an error of the program.
    #[error("the demo has no script: {0}")]
    Script(String),
}

impl DemoError {
    /// Whether a rule forbids a step: somebody has changed something in the meantime, and giving it
    /// again would not help.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Step { error: CommandError::Rejected(_), .. })
    }
}

/// The demo's organization.
#[must_use]
pub fn organization() -> OrganizationId {
    OrganizationId::of_slug(SLUG)
}

/// The id of what the step with this key makes.
fn id_of(key: &str) -> Uuid {
    organization().derive("demo", &[key.as_bytes()])
}

/// Fills an empty log with the demo, or a demo that was begun with what it lacks.
///
/// # Errors
/// [`DemoError`]; called again, it goes on where it ended.
pub async fn fill(
    log: &Log,
    executor: &Executor,
    now: DateTime<Utc>,
    progress: &ProgressBar,
) -> Result<Filled, DemoError> {
    let until = match registration(log).await? {
        Registration::Ours(at) => at,
        Registration::Anothers => return Ok(Filled::Occupied),
        Registration::None if log.head().await? > Position(0) => return Ok(Filled::Occupied),
        Registration::None => {
            register(executor, now).await?;
            match registration(log).await? {
                Registration::Ours(at) => at,
                _ => return Err(DemoError::Script("its organization is not there".to_owned())),
            }
        }
    };
    if first_fact(log, id_of(script::LAST)).await?.is_some() {
        return Ok(Filled::Before);
    }
    trade(executor, until, progress).await?;
    Ok(Filled::Now)
}

/// Registers the demo's organization. Its half year ends at the moment when that is recorded, which
/// every later start finds in the log.
///
/// # Errors
/// [`DemoError`].
pub async fn register(executor: &Executor, now: DateTime<Utc>) -> Result<(), DemoError> {
    let key = REGISTERED.to_owned();
    let (organization, actor) = (organization(), Actor::Administrator);
    let context = Context { organization, actor, now, id: id_of(&key) };
    let command = RegisterOrganization {
        slug: SLUG.to_owned(),
        name: NAME.to_owned(),
        currency: CURRENCY.parse().map_err(DemoError::Script)?,
        time_zone: calendar::ZONE,
    };
    play::give(executor, key, context, command).await?;
    Ok(())
}

/// Gives the commands of the half year that ends at a moment, in the demo's organization. The same
/// moment gives the same facts.
///
/// # Errors
/// [`DemoError`].
pub async fn trade(
    executor: &Executor,
    until: DateTime<Utc>,
    progress: &ProgressBar,
) -> Result<(), DemoError> {
    play::play(executor, script::stages(until)?, progress).await
}

/// Who registered the organization of the demo's slug.
enum Registration {
    None,
    /// The demo, at this moment.
    Ours(DateTime<Utc>),
    /// Somebody else.
    Anothers,
}

async fn registration(log: &Log) -> Result<Registration, DemoError> {
    let Some(fact) = first_fact(log, organization().0).await? else {
        return Ok(Registration::None);
    };
    let ours = Recorded::try_from(&fact)?.meta.correlation == id_of(REGISTERED);
    Ok(if ours { Registration::Ours(fact.recorded_at) } else { Registration::Anothers })
}

/// The first fact of one of the demo's records, if it is there.
async fn first_fact(log: &Log, id: Uuid) -> Result<Option<RawFact>, LogError> {
    let stream = StreamKey { organization: organization().0, id };
    Ok(log.read_stream(stream, 0, 1).await?.pop())
}
