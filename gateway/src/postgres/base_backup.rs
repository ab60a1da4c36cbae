//! A base backup as the server sees it: where it begins and ends, and which files of a cluster are
//! part of it. By PostgreSQL's chapter "Making a Base Backup Using the Low Level API", for the npm
//! package brings no `pg_basebackup`. Copying is the caller's.

use std::path::Path;

use events::log::{ConnectError, connect};
use tokio_postgres::{Client, Config};

/// Keeps the write-ahead log from here on for as long as the session lasts, and no longer.
const KEEP: &str = "select pg_create_physical_replication_slot(\
    'millrace_backup_' || pg_backend_pid(), immediately_reserve => true, temporary => true)::text";
const BEGIN: &str = "select pg_backup_start('millrace', fast => true)::text";
/// Of the last byte that is needed, for the one behind it may be in a segment that is not there.
const END: &str = "select pg_walfile_name(lsn - 1), labelfile, coalesce(spcmapfile, '') \
    from pg_backup_stop(wait_for_archive => false)";

/// A base backup under way. Dropped, the server forgets it.
pub struct BaseBackup {
    client: Client,
}

/// What belongs to a base backup besides the copied files.
#[derive(Debug)]
pub struct BaseBackupEnd {
    /// The contents of its `backup_label`, without which a restored cluster would be broken.
    pub label: String,
    /// The first file of `pg_wal` that it needs.
    pub first_segment: String,
    /// The last one, which is complete by now.
    pub last_segment: String,
}

/// What becomes of an entry of the cluster's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It is copied.
    Copied,
    /// A directory that has to be there, without what is in it.
    Empty,
    /// It means something to the running server only.
    Left,
    /// It is copied after everything else.
    Last,
}

impl BaseBackup {
    /// Begins one: from here on the server keeps what a copy of its files needs to be consistent.
    ///
    /// # Errors
    /// If the server refuses: it may not log enough (`wal_level`), or have no slot left.
    pub async fn begin(database: &Config) -> Result<Self, BaseBackupError> {
        let client = connect(database).await?;
        client.query_one(KEEP, &[]).await?;
        client.query_one(BEGIN, &[]).await?;
        Ok(Self { client })
    }

    /// The connection, to ask what is certainly inside.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Ends it, once all is copied but the log. The log is kept for as long as `self` lives.
    ///
    /// # Errors
    /// If the connection broke, and the backup with it.
    pub async fn end(&self) -> Result<BaseBackupEnd, BaseBackupError> {
        let row = self.client.query_one(END, &[]).await?;
        let tablespaces: String = row.get(2);
        if !tablespaces.is_empty() {
            return Err(BaseBackupError::Tablespaces(tablespaces));
        }
        let label: String = row.get(1);
        let first = first_segment(&label).map(str::to_owned);
        let first_segment = first.ok_or_else(|| BaseBackupError::Label(label.clone()))?;
        Ok(BaseBackupEnd { label, first_segment, last_segment: row.get(0) })
    }
}

/// The segment that a `backup_label` says to begin with:
/// `START WAL LOCATION: 0/2000028 (file 000000010000000000000002)`.
fn first_segment(label: &str) -> Option<&str> {
    let line = label.lines().find(|line| line.starts_with("START WAL LOCATION:"))?;
    line.split_once("(file ")?.1.strip_suffix(')')
}

/// Why a base backup cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BaseBackupError {
    /// The server refused, or is gone.
    #[error("PostgreSQL: {}", told(.0))]
    Server(#[from] ConnectError),
    /// The server's label does not say where the log begins.
    #[error("PostgreSQL's backup_label does not say which file of the log it begins with: {0}")]
    Label(String),
    /// Parts of the cluster lie elsewhere.
    #[error("the cluster has tablespaces, which Millrace does not make nor back up: {0}")]
    Tablespaces(String),
}

/// What the server said, or what went wrong on the way to it.
fn told(error: &ConnectError) -> String {
    let refusal = error.as_db_error().map(|refusal| match refusal.hint() {
        Some(hint) => format!("{} ({hint})", refusal.message()),
        None => refusal.message().to_owned(),
    });
    refusal.unwrap_or_else(|| match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })
}

/// What becomes of the entry at this path below the cluster's directory.
#[must_use]
pub fn part(path: &Path) -> Part {
    const EMPTY: [&str; 8] = [
        "pg_dynshmem",
        "pg_notify",
        "pg_replslot",
        "pg_serial",
        "pg_snapshots",
        "pg_stat_tmp",
        "pg_subtrans",
        "pg_wal",
    ];
    const LEFT: [&str; 7] = [
        "backup_label",
        "backup_manifest",
        "current_logfiles",
        "postgresql.auto.conf.tmp",
        "postmaster.opts",
        "postmaster.pid",
        "tablespace_map",
    ];
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let at_top = path.parent().is_none_or(|parent| parent.as_os_str().is_empty());
    let is_made_anew = ["pgsql_tmp", "pg_internal.init"].iter().any(|it| name.starts_with(it));
    if at_top && EMPTY.contains(&&*name) {
        Part::Empty
    } else if is_made_anew || (at_top && LEFT.contains(&&*name)) {
        Part::Left
    } else if path == Path::new("global/pg_control") {
        Part::Last
    } else {
        Part::Copied
    }
}

/// Whether this file of `pg_wal` belongs to a backup from one segment to another: segments have
/// names of equal length that sort as they follow each other, and a history tells of time lines.
#[must_use]
pub fn is_needed(name: &str, end: &BaseBackupEnd) -> bool {
    let is_segment = name.len() == 24 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let between = end.first_segment.as_str() <= name && name <= end.last_segment.as_str();
    (is_segment && between) || name.ends_with(".history")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_running_server_knows_is_left_out() {
        let of = |path: &str| part(Path::new(path));
        assert_eq!(of("pg_wal"), Part::Empty);
        assert_eq!(of("postmaster.pid"), Part::Left);
        assert_eq!(of("base/5/pg_internal.init"), Part::Left);
        assert_eq!(of("base/pgsql_tmp"), Part::Left);
        assert_eq!(of("global/pg_control"), Part::Last);
        for path in ["base/5/2619", "base/5/postmaster.pid", "pg_xact/0000", "PG_VERSION"] {
            assert_eq!(of(path), Part::Copied, "{path}");
        }
    }

    #[test]
    fn the_label_says_where_the_log_begins() {
        let label = "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\nLABEL: a\n";
        assert_eq!(first_segment(label), Some("000000010000000000000002"));
        assert_eq!(first_segment("LABEL: a\n"), None);
    }

    #[test]
    fn the_log_is_needed_from_the_first_segment_to_the_last() {
        let end = BaseBackupEnd {
            label: String::new(),
            first_segment: "0000000100000000000000FE".into(),
            last_segment: "000000010000000100000001".into(),
        };
        let needed = |name: &str| is_needed(name, &end);
        assert!(needed("0000000100000000000000FE") && needed("0000000100000000000000FF"));
        assert!(needed("000000010000000100000001") && needed("00000002.history"));
        assert!(!needed("0000000100000000000000FD") && !needed("000000010000000100000002"));
        assert!(!needed("0000000100000000000000FF.partial") && !needed("archive_status"));
    }
}
