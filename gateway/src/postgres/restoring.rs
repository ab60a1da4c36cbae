//! A cluster put together from elsewhere instead of by `initdb`: where it is written until it is
//! whole, and how it is put into place. What is written there is the caller's.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, lchown};
use std::path::{Path, PathBuf};

use super::deadline::Deadline;
use super::error::{PostgresError, cannot};
use super::layout::Layout;
use super::locks::{Lock, locked_file};
use super::server::Server;
use super::{Binaries, EmbeddedOptions, cluster, find_binaries};

/// A cluster that is being written. Dropped, nothing of it is ever taken for one.
pub struct Restoring {
    layout: Layout,
    _start: Lock,
    _initdb: File,
}

impl Restoring {
    /// Makes an empty directory for the files of a cluster that PostgreSQL of this major version
    /// made; `made_by` names what is restored, for the error.
    ///
    /// # Errors
    /// When there is a cluster already, or no PostgreSQL of that version.
    pub async fn begin(
        options: &EmbeddedOptions,
        (made_by, major): (&Path, u32),
    ) -> Result<Self, PostgresError> {
        let deadline = Deadline::after(options.start_timeout);
        let layout = Layout::prepare(&options.data)?;
        let start = Lock::exclusive(&layout.start_lock(), deadline).await?;
        let initdb = locked_file(&layout.initdb_log(), deadline).await?;
        if cluster::major(&layout)?.is_some() {
            return Err(PostgresError::Occupied { cluster: layout.cluster() });
        }
        let (extra, account) = (options.binaries.clone(), layout.account.clone());
        let made_by = made_by.to_owned();
        let wanted = move || Binaries::find(&extra, Some((&made_by, major)), &account);
        let found = tokio::task::spawn_blocking(wanted).await.map_err(io::Error::other);
        found.map_err(cannot("find binaries for", &layout.home))??;
        let directory = layout.unfinished();
        cluster::remove(&directory).await?;
        // Ours until it is whole: so nobody else can plant a link where root will write.
        let made = fs::DirBuilder::new().mode(0o700).create(&directory);
        made.map_err(cannot("create the directory", &directory))?;
        Ok(Self { layout, _start: start, _initdb: initdb })
    }

    /// Where the cluster's files go.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.layout.unfinished()
    }

    /// Puts the cluster into place, once its files are on the disk. Blocks.
    ///
    /// # Errors
    /// When the operating system refuses; then there is no cluster.
    pub fn finish(self) -> Result<(), PostgresError> {
        let (directory, account) = (self.directory(), &self.layout.account);
        if account.is_stand_in {
            hand_over(&directory, account.ids())?;
        }
        let place = self.layout.cluster();
        fs::rename(&directory, &place).map_err(cannot("move into place", &directory))?;
        sync(&self.layout)
    }
}

/// Takes away a cluster that turned out to be none of use after it was put into place.
///
/// # Errors
/// When the operating system refuses.
pub async fn withdraw(options: &EmbeddedOptions) -> Result<(), PostgresError> {
    let layout = Layout::find(&options.data)?;
    let deadline = Deadline::after(options.start_timeout);
    let _start = Lock::exclusive(&layout.start_lock(), deadline).await?;
    let (layout, unfinished) = stopped(layout, options).await?;
    cluster::remove(&unfinished).await?;
    let place = layout.cluster();
    fs::rename(&place, &unfinished).map_err(cannot("move away", &place))?;
    sync(&layout)?;
    cluster::remove(&unfinished).await
}

/// Stops the server of a data directory, if it runs, and removes all that PostgreSQL has of it.
///
/// # Errors
/// When the server does not end, or the operating system refuses.
pub async fn discard(options: &EmbeddedOptions) -> Result<(), PostgresError> {
    let layout = Layout::find(&options.data)?;
    let (layout, _) = stopped(layout, options).await?;
    cluster::remove(&layout.home).await?;
    if !layout.sockets.starts_with(&layout.home) {
        cluster::remove(&layout.sockets).await?;
    }
    Ok(())
}

async fn stopped(
    layout: Layout,
    options: &EmbeddedOptions,
) -> Result<(Layout, PathBuf), PostgresError> {
    let (layout, binaries) = find_binaries(layout, options.binaries.clone()).await?;
    let server = Server { layout, binaries, settings: Vec::new() };
    server.shut_down(options.stop_timeout).await?;
    let unfinished = server.layout.unfinished();
    Ok((server.layout, unfinished))
}

fn sync(layout: &Layout) -> Result<(), PostgresError> {
    let home = File::open(&layout.home).map_err(cannot("open", &layout.home))?;
    home.sync_all().map_err(cannot("write to disk", &layout.home))
}

/// Gives a directory to the server's user, with what is in it first: until it has the whole, it
/// cannot even enter.
fn hand_over(directory: &Path, (uid, gid): (u32, u32)) -> Result<(), PostgresError> {
    let entries = fs::read_dir(directory).map_err(cannot("list", directory))?;
    for entry in entries {
        let entry = entry.map_err(cannot("list", directory))?;
        let (path, kind) = (entry.path(), entry.file_type());
        if kind.map_err(cannot("look at", &path))?.is_dir() {
            hand_over(&path, (uid, gid))?;
        } else {
            lchown(&path, Some(uid), Some(gid)).map_err(cannot("hand over", &path))?;
        }
    }
    lchown(directory, Some(uid), Some(gid)).map_err(cannot("hand over", directory))
}
