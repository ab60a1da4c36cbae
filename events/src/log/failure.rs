//! Why a batch was not answered, and what follows from that: whether it may have been written all
//! the same, whether to try again.

use std::time::Duration;

use super::connection;

/// How far a batch came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// Not even the database.
    Nothing,
    /// It was being looked at; nothing was written.
    Look,
    /// It was being written, and the commit was sent.
    Commit,
}

/// Why a batch was not answered.
#[derive(Debug)]
pub(super) struct Failure {
    /// What PostgreSQL or the connection said.
    pub fault: Fault,
    /// How far it came.
    pub reached: Reached,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// PostgreSQL or the connection said so.
    #[error("{}", connection::shown(.0))]
    Database(#[from] tokio_postgres::Error),
    /// The log's tail was not what it was taken for, so nothing was written.
    #[error("the log's tail has moved")]
    Moved,
    /// Nobody said anything for so long.
    #[error("the database has said nothing for {0:?}")]
    Silent(Duration),
}

impl Failure {
    fn new(error: tokio_postgres::Error, reached: Reached) -> Self {
        Self { fault: Fault::Database(error), reached }
    }

    pub(super) fn connecting(error: tokio_postgres::Error) -> Self {
        Self::new(error, Reached::Nothing)
    }

    pub(super) fn looking(error: tokio_postgres::Error) -> Self {
        Self::new(error, Reached::Look)
    }

    pub(super) fn sent(error: tokio_postgres::Error) -> Self {
        Self::new(error, Reached::Commit)
    }

    /// Of a statement that the commit was sent behind. If the server said so, the commit came to
    /// nothing; if the connection did, nobody knows.
    pub(super) fn before_commit(error: tokio_postgres::Error) -> Self {
        if error.code().is_some() { Self::looking(error) } else { Self::sent(error) }
    }

    pub(super) const MOVED: Self = Self { fault: Fault::Moved, reached: Reached::Commit };

    /// It may have committed: the commit was sent and its answer never came.
    /// A server that dies may say so (57P01, 57P02) after it has committed.
    pub(super) fn is_unknown(&self) -> bool {
        let lost = match &self.fault {
            Fault::Database(error) => is_of(error, &["08", "57"]),
            Fault::Moved => false,
            Fault::Silent(_) => true,
        };
        lost && self.reached == Reached::Commit
    }

    /// Nothing was heard, be it that the server is slow or that the connection goes nowhere.
    pub(super) fn is_silence(&self) -> bool {
        matches!(self.fault, Fault::Silent(_))
    }

    /// The statement itself is at fault, so trying again gives the same.
    pub(super) fn is_refusal(&self) -> bool {
        let Fault::Database(error) = &self.fault else { return false };
        self.reached != Reached::Nothing && error.code().is_some() && !passes(error)
    }

    /// Whether the connection can still be used.
    pub(super) fn spares_connection(&self) -> bool {
        matches!(self.fault, Fault::Moved) || self.is_refusal()
    }
}

/// Whether an error is of a server that is away, stopping, starting or short of something: no
/// answer at all, or one of these classes.
pub(super) fn passes(error: &tokio_postgres::Error) -> bool {
    is_of(error, &["08", "25", "40", "53", "57", "58"])
}

/// Whether an error has no code, as the server did not answer, or one of these classes.
fn is_of(error: &tokio_postgres::Error, classes: &[&str]) -> bool {
    let state = error.code().map(|state| state.code());
    state.is_none_or(|code| classes.iter().any(|class| code.starts_with(class)))
}
