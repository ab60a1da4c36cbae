//! Where the cluster, its socket, logs and locks lie, and the URL that leads there; nothing here
//! starts a program.

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

use super::account::{Account, user_name};
use super::error::{PostgresError, cannot};

/// The role that owns everything, as whom the program signs in.
pub(super) const ROLE: &str = "millrace";
/// The database that the program uses.
pub(super) const DATABASE: &str = "millrace";
/// The port that names the socket's file. It is fixed, so that `PGPORT` changes nothing.
pub(super) const PORT: u16 = 5432;

/// Where clusters live that could not be reached in their data directory.
const ELSEWHERE: &str = "/var/lib/millrace";
/// The longest path of a socket. The system's limit is 107 bytes on Linux and 103 on macOS.
const SOCKET_BYTES_MAX: usize = 100;

/// Where the parts of one cluster lie, and as whom its server runs.
#[derive(Debug)]
pub(super) struct Layout {
    /// As whom the server runs.
    pub(super) account: Account,
    /// The directory that holds all of it: `<data>/postgres`, unless that is a link elsewhere.
    pub(super) home: PathBuf,
    /// The directory of the socket.
    pub(super) sockets: PathBuf,
    data: PathBuf,
}

impl Layout {
    /// Finds out where the cluster of `data` lies, or would lie, and creates nothing.
    pub(super) fn find(data: &Path) -> Result<Self, PostgresError> {
        let data = std::path::absolute(data)
            .and_then(|path| real(&path))
            .map_err(cannot("find the data directory", data))?;
        let link = data.join("postgres");
        let (account, home) = match fs::canonicalize(&link) {
            Ok(home) => (check_owner(&home)?, home),
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(denied(&link, e)),
            Err(_) if fs::symlink_metadata(&link).is_ok() => {
                return Err(PostgresError::Gone { link });
            }
            Err(_) => {
                let account = Account::choose(None)?;
                let closed = account.is_stand_in && account.closed_on_the_way(&data).is_some();
                let home = if closed { Path::new(ELSEWHERE).join(digest(&data)) } else { link };
                (account, home)
            }
        };
        let sockets = socket_directory(&home);
        Ok(Self { account, home, sockets, data })
    }

    /// Finds out where the cluster of `data` lies and creates the directories on the way to it.
    pub(super) fn prepare(data: &Path) -> Result<Self, PostgresError> {
        fs::create_dir_all(data).map_err(|e| denied(data, e))?;
        let layout = Self::find(data)?;
        layout.create_home()?;
        // The home may have been there before, with a cluster, and its owner decides again.
        let layout = Self::find(data)?;
        if layout.account.is_stand_in {
            layout.must_be_reachable()?;
        }
        layout.account.own_directory(&layout.sockets)?;
        layout.account.own_directory(&layout.log())?;
        Ok(layout)
    }

    fn create_home(&self) -> Result<(), PostgresError> {
        let link = self.data.join("postgres");
        // As root, the home stays root's and is open, so that the server's user passes through
        // but cannot exchange the files that root opens there.
        let mode = if self.account.is_stand_in { 0o755 } else { 0o700 };
        if self.home != link && !Path::new(ELSEWHERE).exists() {
            create_open(Path::new(ELSEWHERE), mode)?;
        }
        if !self.cluster().exists() {
            create_open(&self.home, mode)?;
        }
        // A link, so that the cluster is found again after the data directory was moved, opened
        // or handed to another user, instead of an empty one being made in its place.
        if fs::canonicalize(&link).is_ok() {
            return Ok(());
        }
        match symlink(&self.home, &link) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                return Err(cannot("create the link", &link)(e));
            }
            _ => {}
        }
        let (data, home, user) = (self.data.display(), self.home.display(), &self.account.name);
        tracing::info!(
            %data, %home, user,
            "the data directory is closed to the user as whom PostgreSQL runs under root: \
             the cluster lives elsewhere"
        );
        Ok(())
    }

    fn must_be_reachable(&self) -> Result<(), PostgresError> {
        let Some(closed) = self.account.closed_on_the_way(&self.home) else {
            return Ok(());
        };
        let (home, account) = (self.home.clone(), self.account.name.clone());
        Err(PostgresError::Unreachable { home, closed, account })
    }

    /// PostgreSQL's data directory.
    pub(super) fn cluster(&self) -> PathBuf {
        cluster_in(&self.home)
    }

    /// Where `initdb` works until it is done.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.home.join("cluster.unfinished")
    }

    /// The directory of the server's own, rotated log.
    pub(super) fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    /// What the server prints before its log begins.
    pub(super) fn start_log(&self) -> PathBuf {
        self.home.join("start.log")
    }

    /// What `initdb` prints. Locked for as long as one runs, even if who started it is dead.
    pub(super) fn initdb_log(&self) -> PathBuf {
        self.home.join("initdb.log")
    }

    /// Locked, shared, by everybody who uses the server. The last one out stops it.
    pub(super) fn users_lock(&self) -> PathBuf {
        self.home.join("users.lock")
    }

    /// Locked, exclusively, by whoever starts or stops the server.
    pub(super) fn start_lock(&self) -> PathBuf {
        self.home.join("start.lock")
    }

    /// The socket.
    pub(super) fn socket(&self) -> PathBuf {
        socket_in(&self.sockets)
    }

    /// The URL of the database, for libpq and for Rust's clients.
    pub(super) fn url(&self) -> String {
        let host = percent_encoded(self.sockets.as_os_str());
        format!("postgresql:///{DATABASE}?host={host}&port={PORT}&user={ROLE}")
    }
}

/// Creates the directory, unless it is there, with this mode, whatever our umask is.
fn create_open(path: &Path, mode: u32) -> Result<(), PostgresError> {
    fs::create_dir_all(path).map_err(|e| denied(path, e))?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(cannot("open", path))
}

/// The account for what lies in `home`: its cluster's owner, or nobody has business there.
fn check_owner(home: &Path) -> Result<Account, PostgresError> {
    let home_owner = fs::metadata(home).map_err(cannot("look at", home))?.uid();
    let cluster = cluster_in(home);
    let cluster_owner = fs::symlink_metadata(&cluster).ok().map(|found| found.uid());
    let account = Account::choose(cluster_owner)?;
    if home_owner != geteuid().as_raw() {
        account.must_own(home, home_owner)?;
    }
    // What is no cluster at all gets a better error later, whoever owns it.
    let is_none = |e: io::Error| e.kind() == io::ErrorKind::NotFound;
    let is_cluster = !fs::symlink_metadata(cluster.join("PG_VERSION")).is_err_and(is_none);
    if let Some(owner) = cluster_owner.filter(|_| is_cluster) {
        account.must_own(&cluster, owner)?;
    }
    Ok(account)
}

/// Names who could do what was denied to us: the owner of the directory where it failed.
fn denied(path: &Path, error: io::Error) -> PostgresError {
    let nearest = path.ancestors().skip(1).find_map(|step| Some((step, fs::metadata(step).ok()?)));
    match (error.kind(), nearest, Account::choose(None)) {
        (io::ErrorKind::PermissionDenied, Some((step, found)), Ok(account)) => {
            let (path, owner) = (path.display(), user_name(found.uid()));
            let fix = format!("it cannot use {path}. Choose another --data, or run as {owner}");
            account.somebody_elses(step, found.uid(), fix)
        }
        _ => cannot("create or reach the directory", path)(error),
    }
}

/// The path without links, also of what does not exist yet.
fn real(path: &Path) -> io::Result<PathBuf> {
    match (fs::canonicalize(path), path.parent(), path.file_name()) {
        (Err(e), Some(parent), Some(name)) if e.kind() == io::ErrorKind::NotFound => {
            Ok(real(parent)?.join(name))
        }
        (found, _, _) => found,
    }
}

fn cluster_in(home: &Path) -> PathBuf {
    home.join("cluster")
}

fn socket_in(directory: &Path) -> PathBuf {
    directory.join(format!(".s.PGSQL.{PORT}"))
}

/// `<home>/socket`; or, if that is too long for a socket or cannot be said in a URL and in
/// PostgreSQL's settings (where a comma separates hosts), a directory under `/tmp` that is
/// named after it.
fn socket_directory(home: &Path) -> PathBuf {
    let beside = home.join("socket");
    let fits = socket_in(&beside).as_os_str().len() <= SOCKET_BYTES_MAX;
    if fits && beside.to_str().is_some_and(|path| !path.contains([',', '"'])) {
        return beside;
    }
    Path::new("/tmp").join(format!("millrace-{}", digest(home)))
}

/// The first 16 hexadecimal digits of the path's SHA-256.
fn digest(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_bytes());
    hash.iter().take(8).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn percent_encoded(text: &OsStr) -> String {
    text.as_bytes().iter().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
