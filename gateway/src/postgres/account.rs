//! The user as whom PostgreSQL runs, and what that user owns and can reach; who may sign in to
//! the database is not decided here.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::libc::{O_DIRECTORY, O_NOFOLLOW};
use nix::unistd::{Uid, User, getegid, geteuid};

use super::error::{PostgresError, cannot};

/// As whom root runs PostgreSQL, which refuses to run as root: the first of these that exists.
const STAND_INS: [&str; 2] = ["postgres", "nobody"];

/// What PostgreSQL may see of our environment. The rest can hold secrets, and root's must not
/// become readable to other programs of the user `nobody`.
const ENVIRONMENT: [&str; 6] =
    ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ", "TZDIR", "ICU_DATA"];

/// The user as whom PostgreSQL runs.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Its name, or its number if it has none.
    pub(super) name: String,
    /// Its user id.
    pub(super) uid: u32,
    gid: u32,
    /// Whether we are root and PostgreSQL is to run as somebody else.
    pub(super) is_stand_in: bool,
}

impl Account {
    /// Ourselves; or, if we are root, a stand-in: `owner` of the existing cluster if it is one,
    /// so that a user `postgres` created later does not lock out a cluster of `nobody`.
    pub(super) fn choose(owner: Option<u32>) -> Result<Self, PostgresError> {
        let me = geteuid();
        if !me.is_root() {
            let gid = getegid().as_raw();
            let (name, uid) = (user_name(me.as_raw()), me.as_raw());
            return Ok(Self { name, uid, gid, is_stand_in: false });
        }
        let known: Vec<User> =
            STAND_INS.iter().filter_map(|name| User::from_name(name).ok().flatten()).collect();
        let user = known
            .iter()
            .find(|user| owner == Some(user.uid.as_raw()))
            .or(known.first())
            .ok_or(PostgresError::NoAccount)?;
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        Ok(Self { name: user.name.clone(), uid, gid, is_stand_in: true })
    }

    /// Its user and group.
    pub(super) fn ids(&self) -> (u32, u32) {
        (self.uid, self.gid)
    }

    /// A command that runs `program` as this user, away from our terminal, working directory,
    /// environment and input, in a process group of its own so that Ctrl-C does not reach it.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").current_dir("/");
        command.stdin(Stdio::null()).process_group(0);
        for name in ENVIRONMENT {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        if self.is_stand_in {
            // The standard library drops root's supplementary groups with this.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Refuses `path` unless it belongs to this user.
    pub(super) fn must_own(&self, path: &Path, owner: u32) -> Result<(), PostgresError> {
        if owner == self.uid {
            return Ok(());
        }
        let fix = if self.is_stand_in && Uid::from_raw(owner).is_root() {
            let (name, path) = (&self.name, path.display());
            format!("hand it over with chown -R {name} {path}, or choose another --data")
        } else {
            format!("run millrace as {}, or choose another --data", user_name(owner))
        };
        Err(self.somebody_elses(path, owner, fix))
    }

    /// The error for `path`, which belongs to `owner`, with what to do about it.
    pub(super) fn somebody_elses(&self, path: &Path, owner: u32, fix: String) -> PostgresError {
        let (directory, owner) = (path.to_owned(), user_name(owner));
        PostgresError::SomebodyElses { directory, owner, account: self.name.clone(), fix }
    }

    /// The first directory on the way to (and with) `directory` that this user cannot pass.
    /// Access control lists are not looked at.
    pub(super) fn closed_on_the_way(&self, directory: &Path) -> Option<PathBuf> {
        let way: Vec<&Path> = directory.ancestors().collect();
        way.into_iter().rev().find(|step| !self.can_pass(step)).map(Path::to_owned)
    }

    /// Whether it can, or could if the directory existed: then we would make it, open.
    fn can_pass(&self, directory: &Path) -> bool {
        let Ok(found) = fs::metadata(directory) else {
            return true;
        };
        let bit = if found.uid() == self.uid {
            0o100
        } else if found.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        found.mode() & bit != 0
    }

    /// Makes sure that `path` is a directory of this user's that is closed to others, and that
    /// nobody planted something else there.
    pub(super) fn own_directory(&self, path: &Path) -> Result<(), PostgresError> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                return Err(cannot("create the directory", path)(e));
            }
            _ => {}
        }
        // Everything goes through one handle: the name could be exchanged between two calls.
        let flags = O_DIRECTORY | O_NOFOLLOW;
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let directory = match opened {
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                let found = fs::symlink_metadata(path).map_err(cannot("look at", path))?;
                self.must_own(path, found.uid())?;
                return Err(cannot("open the directory", path)(e));
            }
            other => other.map_err(cannot("open the directory", path))?,
        };
        let owner = directory.metadata().map_err(cannot("look at", path))?.uid();
        if self.is_stand_in && Uid::from_raw(owner).is_root() {
            std::os::unix::fs::fchown(&directory, Some(self.uid), Some(self.gid))
                .map_err(cannot("hand over the directory", path))?;
        } else {
            self.must_own(path, owner)?;
        }
        directory
            .set_permissions(Permissions::from_mode(0o700))
            .map_err(cannot("close the directory", path))
    }
}

/// The name of the user with this id, or the id in words.
pub(super) fn user_name(uid: u32) -> String {
    let found = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    found.map_or_else(|| format!("with the id {uid}"), |user| user.name)
}
