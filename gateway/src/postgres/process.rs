//! Processes by their ids: whether one lives, and whether it is the server that a cluster's
//! `postmaster.pid` speaks of; starting and stopping are in `server.rs`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::errno::Errno;
use nix::libc::O_NOFOLLOW;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// An id that no process has: above the highest that Linux (2^22) and macOS (99,999) give.
const NO_PROCESS: i32 = i32::MAX;

/// Whether the process runs. One that has ended, but whose parent has not asked how, does not:
/// in a container without an init process it stays in that state for good.
pub(super) fn is_alive(pid: Pid) -> bool {
    exists(pid) && !is_zombie(pid)
}

fn exists(pid: Pid) -> bool {
    matches!(kill(pid, None), Ok(()) | Err(Errno::EPERM))
}

fn is_zombie(pid: Pid) -> bool {
    // `<id> (<name>) <state> …`, where the name may hold anything. Elsewhere than on Linux there
    // is no such file.
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']))
}

/// The server of `cluster` by its `postmaster.pid`, if that process lives and is it.
pub(super) fn server_of(cluster: &Path) -> Option<Pid> {
    let pid = noted(&fs::read_to_string(pid_file(cluster)).ok()?)?;
    (is_alive(pid) && serves(pid, cluster)).then_some(pid)
}

/// Frees a cluster whose server was killed, but whose server's id is still taken: because nobody
/// asked how the server ended, or because another process of the same user got it by now. Either
/// way PostgreSQL takes that for its server and refuses to start. The id alone is replaced: by the
/// rest of the file PostgreSQL recognises orphans of the killed server.
pub(super) fn disown_taken_id(cluster: &Path, socket: &Path) -> io::Result<()> {
    for path in [pid_file(cluster), socket.with_added_extension("lock")] {
        match disown_in(&path, cluster) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

fn disown_in(path: &Path, cluster: &Path) -> io::Result<()> {
    let text = fs::read_to_string(path)?;
    let is_taken = |pid: &Pid| exists(*pid) && !(is_alive(*pid) && serves(*pid, cluster));
    let Some(pid) = noted(&text).filter(is_taken) else {
        return Ok(());
    };
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    let replaced = format!("{NO_PROCESS}\n{rest}");
    let mut file = OpenOptions::new().write(true).custom_flags(O_NOFOLLOW).open(path)?;
    // One write of a longer text over a shorter one: a kill leaves the one or the other.
    file.write_all(replaced.as_bytes())?;
    tracing::warn!(%pid, file = %path.display(), "the killed PostgreSQL's process id is \
        still taken, but not by a server: replaced it in its lock file");
    Ok(())
}

fn pid_file(cluster: &Path) -> PathBuf {
    cluster.join("postmaster.pid")
}

/// The process id in the first line of a `postmaster.pid`.
fn noted(text: &str) -> Option<Pid> {
    let pid: i32 = text.lines().next()?.trim().parse().ok()?;
    (pid > 0).then(|| Pid::from_raw(pid))
}

/// Whether the process works in the cluster's directory, as every server does before it writes
/// its id down. In doubt it does: then PostgreSQL decides.
fn serves(pid: Pid, cluster: &Path) -> bool {
    if cfg!(target_os = "linux") {
        let directory = fs::read_link(format!("/proc/{pid}/cwd"));
        return directory.map_or(true, |found| found == cluster);
    }
    let listed = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
    listed.map_or(true, |ps| {
        String::from_utf8_lossy(&ps.stdout).contains(&*cluster.to_string_lossy())
    })
}
