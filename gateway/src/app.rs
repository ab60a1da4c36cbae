//! What a running gateway holds: the parts that requests need, and the clock and ids that come in
//! from here.
#![expect(clippy::disallowed_methods, reason = "time and ids are made here, and passed in")]

use std::sync::Arc;

use chrono::{DateTime, Utc};
use commands::Executor;
use events::log::Log;
use queries::Reader;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::auth::Auth;
use crate::config::Config;
use crate::live::documents::Documents;
use crate::live::sharing::Live;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The clock of the machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(Utc::now)
}

/// A fresh id, ordered by time (UUIDv7).
#[must_use]
pub fn fresh_id() -> Uuid {
    Uuid::now_v7()
}

/// What requests need: one for all of them.
pub struct App {
    /// Executes commands.
    pub executor: Executor,
    /// Answers queries.
    pub reader: Reader,
    /// The log, for its head.
    pub log: Log,
    /// Tells who calls.
    pub auth: Auth,
    /// The GraphQL documents that clients have sent.
    pub documents: Documents,
    /// Tells the time.
    pub clock: Clock,
    /// The settings in force.
    pub config: Arc<Config>,
    /// Who is pushed to, and what they are shown.
    pub live: Live,
    /// Cancelled when the program is to stop.
    pub stop: CancellationToken,
}
