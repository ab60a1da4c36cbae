//! What can go wrong with the embedded PostgreSQL, told to whoever runs the program; which of it
//! is tried again is decided where it happens, not here.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why the embedded PostgreSQL could not be started, stopped or found. Each message says what was
/// wrong, where, and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No candidate directory holds usable binaries.
    #[error(
        "no PostgreSQL {oldest} or newer was found. Looked at:\n{looked}\n\
         Install one (Debian: apt install postgresql; macOS: brew install postgresql@17), \
         or set DATABASE_URL to a server that runs already"
    )]
    NoBinaries {
        /// The oldest major version that is good enough.
        oldest: u32,
        /// One line for each candidate, with the reason it was passed over.
        looked: String,
    },
    /// The cluster was made by a major version that is not installed.
    #[error(
        "the cluster {} was made by PostgreSQL {wanted}, but only {found} was found. \
         Install PostgreSQL {wanted} beside it (Debian: apt install postgresql-{wanted}; \
         macOS: brew install postgresql@{wanted}), or choose another --data. Looked at:\n{looked}",
        cluster.display()
    )]
    WrongMajor {
        /// The cluster's directory.
        cluster: PathBuf,
        /// The major version in its `PG_VERSION`.
        wanted: u32,
        /// The versions that were found, or `none`.
        found: String,
        /// One line for each candidate.
        looked: String,
    },
    /// A directory or socket belongs to another user than the one PostgreSQL would run as.
    #[error(
        "{} belongs to the user {owner}, but PostgreSQL would run as {account}: {fix}",
        directory.display()
    )]
    SomebodyElses {
        /// What belongs to the other user.
        directory: PathBuf,
        /// Its owner's name.
        owner: String,
        /// The name of the user that PostgreSQL would run as.
        account: String,
        /// What to do.
        fix: String,
    },
    /// The cluster lies where the user that PostgreSQL runs as cannot go (any more).
    #[error(
        "the user {account}, as whom PostgreSQL runs because millrace runs as root, cannot reach \
         the cluster in {}: {} is closed to it. Open it (chmod o+x {}), or choose another --data",
        home.display(), closed.display(), closed.display()
    )]
    Unreachable {
        /// Where the cluster lies.
        home: PathBuf,
        /// The first directory on the way that is closed.
        closed: PathBuf,
        /// The name of the user that PostgreSQL runs as.
        account: String,
    },
    /// There is a directory where the cluster belongs, and it is none.
    #[error(
        "{} has no PG_VERSION: it is not a PostgreSQL cluster, and not a leftover of millrace's. \
         Move it away, or choose another --data",
        directory.display()
    )]
    NotACluster {
        /// The directory in question.
        directory: PathBuf,
    },
    /// A cluster was to be restored where there is one.
    #[error(
        "there is a cluster in {} already: restore into another --data, or move that one away",
        cluster.display()
    )]
    Occupied {
        /// The cluster's directory.
        cluster: PathBuf,
    },
    /// The data directory says that its cluster is elsewhere, and there it is not.
    #[error(
        "{} leads to a directory that is gone. Bring it back from a backup, \
         or remove the link to start with an empty database",
        link.display()
    )]
    Gone {
        /// The symbolic link in the data directory.
        link: PathBuf,
    },
    /// Root has nobody to run PostgreSQL as.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has no user postgres or nobody to \
         run it as. Create one (useradd --system postgres), or run millrace as another user"
    )]
    NoAccount,
    /// A setting that the supervisor relies on was to be changed.
    #[error(
        "the PostgreSQL setting {name} is kept by millrace itself: remove it from the settings"
    )]
    FixedSetting {
        /// The setting's name.
        name: String,
    },
    /// `initdb` failed.
    #[error("initdb could not create the cluster {}: {output}", cluster.display())]
    Initdb {
        /// The directory that it was to create.
        cluster: PathBuf,
        /// The end of what it printed.
        output: String,
    },
    /// The server ended while it started.
    #[error("PostgreSQL could not start on {}: {output}", cluster.display())]
    Start {
        /// The cluster's directory.
        cluster: PathBuf,
        /// The end of its log.
        output: String,
    },
    /// The server did not accept connections in time; it is left running.
    #[error(
        "PostgreSQL on {} did not accept connections within {} s ({state}). It goes on by itself: \
         a long crash recovery ends, so start again later, or allow more time. \
         The end of its log: {output}",
        cluster.display(), limit.as_secs_f32()
    )]
    StartTimeout {
        /// The cluster's directory.
        cluster: PathBuf,
        /// How long was allowed.
        limit: Duration,
        /// What it answered last.
        state: String,
        /// The end of its log.
        output: String,
    },
    /// The server did not end in time.
    #[error(
        "PostgreSQL (process {pid}) on {} has not ended {} s after it was told to. \
         Its log is in {}",
        cluster.display(), limit.as_secs_f32(), log.display()
    )]
    StopTimeout {
        /// The server's process id.
        pid: i32,
        /// The cluster's directory.
        cluster: PathBuf,
        /// How long was allowed, in all.
        limit: Duration,
        /// The directory of its log.
        log: PathBuf,
    },
    /// Another program kept a lock for too long.
    #[error(
        "another program has kept {} locked for {} s: it is starting or stopping PostgreSQL. \
         Wait for it, or end it (fuser {} names it)",
        lock.display(), limit.as_secs_f32(), lock.display()
    )]
    Locked {
        /// The lock's file.
        lock: PathBuf,
        /// How long was waited.
        limit: Duration,
    },
    /// The server runs but refused what the supervisor asked.
    #[error("PostgreSQL on {} refused to {what}: {source}", cluster.display())]
    Refused {
        /// What was asked.
        what: &'static str,
        /// The cluster's directory.
        cluster: PathBuf,
        /// Its answer.
        source: tokio_postgres::Error,
    },
    /// The operating system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file, directory or program.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// Says what was tried with which path, for `map_err`.
pub(super) fn cannot(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PostgresError {
    move |source| PostgresError::Io { what, path: path.to_owned(), source }
}
