//! Giving a command until it is certain what became of it: under a key, so that nothing happens
//! twice, however often it is tried.

use std::sync::Arc;

use commands::{Command, CommandError, Context, Executor, Outcome, Request};
use events::log::LogError;
use events::personal::VaultError;
use events::words::{Actor, OrganizationId};
use queries::QueryError;
use uuid::Uuid;

use super::ImportError;
use super::patience::Patience;
use crate::app::Clock;

/// Gives commands in an organization; clones share one patience.
#[derive(Clone)]
pub struct Commander {
    /// Executes them.
    pub executor: Executor,
    /// Where they act.
    pub organization: OrganizationId,
    /// Tells the time.
    pub clock: Clock,
    /// Joins everything that this import causes.
    pub correlation: Uuid,
    /// How long it tries again.
    pub patience: Arc<Patience>,
}

/// A command was decided: it is not going to happen.
#[derive(Debug)]
pub struct Refused {
    /// The command's field, if it is about one.
    pub field: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// Why, for whoever can do something about it.
    pub why: Why,
}

/// Why a command is not going to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A thing that is unique is taken.
    Taken,
    /// Its key was used for another request.
    KeyReused,
    /// Anything else.
    Rule,
}

/// Whether a command that ended so may well succeed when it is repeated.
fn passes(error: &CommandError) -> bool {
    match error {
        CommandError::Busy | CommandError::Unanswered => true,
        CommandError::Log(error) | CommandError::Vault(VaultError::Log(error)) => {
            matches!(error, LogError::Busy { .. } | LogError::Unavailable(_))
        }
        CommandError::Rejected(_)
        | CommandError::Stale { .. }
        | CommandError::KeyReused
        | CommandError::Vault(_)
        | CommandError::Unreadable(_) => false,
    }
}

impl Commander {
    /// Gives a command that makes the record of this id, under a key.
    ///
    /// # Errors
    /// If it cannot become certain what became of it.
    pub async fn give<C: Command + Clone>(
        &self,
        id: Uuid,
        key: &str,
        command: &C,
    ) -> Result<Result<Outcome, Refused>, ImportError> {
        let attempt = async || {
            let (organization, now) = (self.organization, (self.clock)());
            let request = Request {
                command: command.clone(),
                context: Context { organization, actor: Actor::Administrator, now, id },
                key: Some(key.to_owned()),
                expected_version: None,
                correlation: self.correlation,
            };
            self.executor.execute(request).await
        };
        let error = match self.patience.outcome(passes, attempt).await? {
            Ok(outcome) => return Ok(Ok(outcome)),
            Err(error) => error,
        };
        let reason = error.to_string();
        match error {
            CommandError::Rejected(rejection) => {
                let taken = rejection.kind == commands::Kind::Taken;
                let why = if taken { Why::Taken } else { Why::Rule };
                Ok(Err(Refused { field: rejection.field, reason, why }))
            }
            CommandError::KeyReused => {
                Ok(Err(Refused { field: None, reason, why: Why::KeyReused }))
            }
            CommandError::Log(LogError::TooLarge { .. }) => {
                Ok(Err(Refused { field: None, reason, why: Why::Rule }))
            }
            _ => Err(ImportError::Work(format!("{}.{}: {reason}", C::FEATURE, C::ACTION))),
        }
    }

    /// The answer to a query, which is asked again while the database is away.
    ///
    /// # Errors
    /// If there is none.
    pub async fn ask<T>(
        &self,
        query: impl AsyncFn() -> Result<T, QueryError>,
    ) -> Result<T, ImportError> {
        let passes = |error: &QueryError| {
            matches!(error, QueryError::Unavailable(_) | QueryError::Pending(_))
        };
        let answer = self.patience.outcome(passes, query).await?;
        answer.map_err(|error| ImportError::Work(error.to_string()))
    }
}
