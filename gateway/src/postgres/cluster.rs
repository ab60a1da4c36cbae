//! Creates the cluster, whole or not at all, and reads which version made it; the server that
//! runs on it is in `server.rs`.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::ExitStatus;

use super::binaries::Binaries;
use super::deadline::Deadline;
use super::error::{PostgresError, cannot};
use super::layout::{Layout, ROLE};
use super::locks::locked_file;
use super::logs::tail;

/// The locale that sorts by code point and still knows every script's letters. It is missing on
/// some systems, among them macOS; there, only ASCII letters have cases.
const LOCALE: &str = "--locale=C.UTF-8";
const NO_LOCALE: &str = "--no-locale";

/// The major version that made the cluster, or nothing if there is no cluster yet.
pub(super) fn major(layout: &Layout) -> Result<Option<u32>, PostgresError> {
    let cluster = layout.cluster();
    let file = cluster.join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_) => Err(PostgresError::NotACluster { directory: cluster }),
        },
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(cannot("read", &file)(e)),
        Err(_) if fs::symlink_metadata(&cluster).is_ok() => {
            Err(PostgresError::NotACluster { directory: cluster })
        }
        Err(_) => Ok(None),
    }
}

/// Creates the cluster if there is none. A program that is killed here leaves a directory under
/// another name, which the next one removes. To be called under the start lock.
pub(super) async fn create_if_new(
    layout: &Layout,
    binaries: &Binaries,
    deadline: Deadline,
) -> Result<(), PostgresError> {
    if major(layout)?.is_some() {
        return Ok(());
    }
    // The `initdb` of a killed program goes on, and holds this lock until it is done.
    let log = locked_file(&layout.initdb_log(), deadline).await?;
    let (unfinished, cluster) = (layout.unfinished(), layout.cluster());
    let mut output = String::new();
    for locale in [LOCALE, NO_LOCALE] {
        remove(&unfinished).await?;
        layout.account.own_directory(&unfinished)?;
        if initdb(layout, binaries, locale, &log, deadline).await?.success() {
            fs::rename(&unfinished, &cluster).map_err(cannot("move into place", &unfinished))?;
            let home = File::open(&layout.home).map_err(cannot("open", &layout.home))?;
            home.sync_all().map_err(cannot("write to disk", &layout.home))?;
            let directory = cluster.display();
            tracing::info!(%directory, major = binaries.major, "created a PostgreSQL cluster");
            return Ok(());
        }
        output = tail(&layout.initdb_log());
        if !output.contains("invalid locale") {
            break;
        }
    }
    Err(PostgresError::Initdb { cluster, output })
}

/// Runs `initdb` into the unfinished directory. Should this future be dropped, it is killed.
async fn initdb(
    layout: &Layout,
    binaries: &Binaries,
    locale: &str,
    log: &File,
    deadline: Deadline,
) -> Result<ExitStatus, PostgresError> {
    let program = binaries.initdb();
    let path = layout.initdb_log();
    log.set_len(0).map_err(cannot("empty", &path))?;
    let output = || log.try_clone().map_err(cannot("share", &path));
    let mut command = layout.account.command(&program);
    command.args(["--encoding=UTF8", locale, "--data-checksums", "--username", ROLE]);
    // Whoever reaches the socket, in a directory closed to others, is trusted. Nobody else.
    command.args(["--auth-local=trust", "--auth-host=reject", "--pgdata"]);
    command.arg(layout.unfinished()).stdout(output()?).stderr(output()?);
    let mut command = tokio::process::Command::from(command);
    let mut child = command.kill_on_drop(true).spawn().map_err(cannot("run", &program))?;
    let ended = tokio::time::timeout(deadline.left(), child.wait()).await;
    let status = ended.map_err(|_| PostgresError::Initdb {
        cluster: layout.cluster(),
        output: format!("not done within {} s", deadline.limit.as_secs_f32()),
    })?;
    status.map_err(cannot("wait for", &program))
}

/// Removes a directory and all below it, if it is there.
pub(super) async fn remove(directory: &Path) -> Result<(), PostgresError> {
    let path = directory.to_owned();
    let removed = tokio::task::spawn_blocking(move || fs::remove_dir_all(path)).await;
    match removed.unwrap_or_else(|e| Err(io::Error::other(e))) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(cannot("remove", directory)(e)),
        _ => Ok(()),
    }
}
