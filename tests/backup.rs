//! Claims about backups of the embedded cluster: what was acknowledged before one was begun is in
//! it, what is damaged is found, and what was cut off is never taken for whole.

mod cut_off;
mod damage;
mod making;
mod refusals;

use std::path::{Path, PathBuf};

use harness::app::scratch;
use harness::program::{millrace, outcome};

use crate::crashes::Place;

/// Two master keys, as the file of a data directory has them.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
const OTHER_KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n";

/// A folder with a data directory, room for a backup, and for what is restored of it.
struct Rooms {
    used: Place,
    restored: Place,
    folder: tempfile::TempDir,
    backup: PathBuf,
}

impl Rooms {
    fn new() -> Self {
        let folder = scratch();
        let backup = folder.path().join("backup");
        Self { used: Place(scratch()), restored: Place(scratch()), folder, backup }
    }

    /// A data directory with a cluster that has a log, and a backup of it.
    fn with_backup() -> Self {
        let rooms = Self::new();
        std::fs::create_dir_all(rooms.data()).expect("the data directory");
        std::fs::write(rooms.data().join("master-keys"), KEY).expect("the keys");
        done(&["migrate"], &rooms.data());
        let made = rooms.create();
        assert!(made.starts_with("backed up "), "{made}");
        rooms
    }

    fn data(&self) -> PathBuf {
        self.used.data()
    }

    fn restored(&self) -> PathBuf {
        self.restored.data()
    }

    fn backup(&self) -> &Path {
        &self.backup
    }

    fn create(&self) -> String {
        done(&["backup", "create", "--to", text(self.backup())], &self.data())
    }

    /// Restores it, and sees whether Millrace finds its database there.
    fn restore(&self) {
        let said = done(&["backup", "restore", text(self.backup())], &self.restored());
        assert!(said.contains("millrace serve --data"), "{said}");
        let said = done(&["migrate"], &self.restored());
        assert_eq!(said.trim(), "the database is up to date");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

/// What a verb says that has to succeed.
#[track_caller]
fn done(arguments: &[&str], data: &Path) -> String {
    let mut command = millrace(arguments);
    let (code, out, err) = outcome(command.arg("--data").arg(data));
    assert_eq!(code, 0, "{arguments:?}: {err}");
    out
}

/// What a verb says that has to fail with this exit code.
#[track_caller]
fn refused(arguments: &[&str], data: &Path, code: i32) -> String {
    let mut command = millrace(arguments);
    let (ended, out, err) = outcome(command.arg("--data").arg(data));
    assert_eq!((ended, out.as_str()), (code, ""), "{arguments:?}: {err}");
    assert!(!err.contains("panicked"), "{err}");
    err
}
