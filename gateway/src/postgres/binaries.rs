//! Finds the installed PostgreSQL whose binaries are used; nothing is downloaded, and nothing but
//! `pg_config` and `postgres --version` is run here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::account::Account;
use super::error::PostgresError;

/// The oldest major version that the program supports.
pub(super) const OLDEST: u32 = 15;

/// A directory of PostgreSQL's binaries that can be used.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    directory: PathBuf,
    /// The major version, such as 15.
    pub(super) major: u32,
}

impl Binaries {
    /// The first usable candidate, or the first of the major version that `cluster` was made by.
    /// `extra` directories are looked at last. Blocks while it asks each for its version.
    pub(super) fn find(
        extra: &[PathBuf],
        cluster: Option<(&Path, u32)>,
        account: &Account,
    ) -> Result<Self, PostgresError> {
        let mut looked = Vec::new();
        let mut found = Vec::new();
        for directory in candidates(extra) {
            match usable(&directory, account) {
                Ok(major) if cluster.is_none_or(|(_, wanted)| wanted == major) => {
                    return Ok(Self { directory, major });
                }
                Ok(major) => {
                    looked.push(format!("  {}: version {major}", directory.display()));
                    found.push(major.to_string());
                }
                Err(reason) => looked.push(format!("  {}: {reason}", directory.display())),
            }
        }
        if looked.is_empty() {
            looked.push("  pg_config, /usr/lib/postgresql, /usr/pgsql-*, Homebrew: nothing".into());
        }
        let looked = looked.join("\n");
        match cluster {
            Some((cluster, wanted)) => {
                let none = found.is_empty().then(|| "none".to_owned());
                let (cluster, found) = (cluster.to_owned(), none.unwrap_or(found.join(", ")));
                Err(PostgresError::WrongMajor { cluster, wanted, found, looked })
            }
            None => Err(PostgresError::NoBinaries { oldest: OLDEST, looked }),
        }
    }

    /// The server.
    pub(super) fn postgres(&self) -> PathBuf {
        self.directory.join("postgres")
    }

    /// The program that creates clusters.
    pub(super) fn initdb(&self) -> PathBuf {
        self.directory.join("initdb")
    }
}

/// Every directory that may hold the binaries, the preferred ones first, each once.
fn candidates(extra: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        let directory = String::from_utf8_lossy(&output.stdout);
        all.extend(Some(PathBuf::from(directory.trim())).filter(|path| path.is_absolute()));
    }
    all.extend(numbered(Path::new("/usr/lib/postgresql"), ""));
    all.extend(numbered(Path::new("/usr"), "pgsql-"));
    all.extend(numbered(Path::new("/opt/homebrew/opt"), "postgresql@"));
    all.extend(numbered(Path::new("/usr/local/opt"), "postgresql@"));
    all.extend(extra.iter().filter_map(|directory| std::path::absolute(directory).ok()));
    let mut once: Vec<PathBuf> = Vec::new();
    for directory in all {
        if !once.contains(&directory) {
            once.push(directory);
        }
    }
    once
}

/// The `bin` directories of `<parent>/<prefix><version>`, the newest version first.
fn numbered(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, directory)| directory).collect()
}

/// The major version in `directory` if it can be used, else why not. The account asks, because
/// binaries that only we can reach (in root's home) are of no use to it.
fn usable(directory: &Path, account: &Account) -> Result<u32, String> {
    if !directory.is_dir() {
        return Err("no such directory".into());
    }
    if !directory.join("initdb").is_file() {
        return Err("no initdb there".into());
    }
    let output = account.command(&directory.join("postgres")).arg("--version").output();
    let Output { status, stdout, stderr } =
        output.map_err(|e| format!("the user {} cannot run its postgres: {e}", account.name))?;
    if !status.success() {
        return Err(format!("postgres --version: {}", String::from_utf8_lossy(&stderr).trim()));
    }
    let version = String::from_utf8_lossy(&stdout);
    match major(&version) {
        Some(major) if major >= OLDEST => Ok(major),
        Some(major) => Err(format!("version {major} is too old")),
        None => Err(format!("postgres --version says {:?}", version.trim())),
    }
}

/// 15 from `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, 18 from `… 18beta1`.
fn major(version: &str) -> Option<u32> {
    let number = version.split("(PostgreSQL) ").nth(1)?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read_from_every_packagers_words() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 9.6.24"), Some(9));
        assert_eq!(major("postgres (EnterpriseDB) 15"), None);
    }
}
