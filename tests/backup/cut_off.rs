//! Claims about backups and restores that are killed, or told to stop, halfway.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::*;

fn begin(arguments: &[&str], data: &Path) -> Child {
    let mut command = millrace(arguments);
    command.arg("--data").arg(data).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("starting millrace")
}

/// Ends it with this signal as soon as something is there.
fn end_when(mut child: Child, signal: Signal, there: impl Fn() -> bool) {
    let since = Instant::now();
    while !there() {
        assert!(since.elapsed() < Duration::from_secs(60), "it does not come to that");
        let ended = child.try_wait().expect("its state");
        assert_eq!(ended, None, "it ended before it came to that");
        std::thread::sleep(Duration::from_micros(200));
    }
    let pid = Pid::from_raw(child.id().try_into().expect("a process id"));
    kill(pid, signal).expect("a signal");
    let ended = child.wait().expect("its end");
    assert!(!ended.success(), "it was done before the signal came: {ended}");
}

#[test]
fn a_backup_that_was_killed_is_none() {
    let rooms = Rooms::new();
    done(&["migrate"], &rooms.data());
    let backup = rooms.backup();
    let create = ["backup", "create", "--to", text(backup)];
    for file in ["cluster/PG_VERSION", "cluster/global/pg_control", "cluster/backup_label"] {
        let child = begin(&create, &rooms.data());
        end_when(child, Signal::SIGKILL, || backup.join(file).exists());
        assert!(!backup.join("manifest.json").exists());
        for verb in ["verify", "restore"] {
            let told = refused(&["backup", verb, text(backup)], &rooms.restored(), 1);
            assert!(told.contains("is no whole backup"), "{told}");
        }
        assert!(!rooms.restored().join("postgres").exists());
        let told = refused(&create, &rooms.data(), 2);
        assert!(told.contains("a part of a backup that was cut off; remove it"), "{told}");
        std::fs::remove_dir_all(backup).expect("removing it");
    }
    // The server that the killed one left is used, and has kept nothing for it.
    rooms.create();
    rooms.restore();
}

#[test]
fn a_backup_that_is_told_to_stop_leaves_nothing() {
    let rooms = Rooms::new();
    done(&["migrate"], &rooms.data());
    let create = ["backup", "create", "--to", text(rooms.backup())];
    let child = begin(&create, &rooms.data());
    let there = || rooms.backup().join("cluster/PG_VERSION").exists();
    end_when(child, Signal::SIGTERM, there);
    assert!(!rooms.backup().exists());
    let running = gateway::postgres::url_for(&rooms.data()).expect("the address").1;
    assert!(!running, "it stopped the server that it had started");
}

#[test]
fn a_restore_that_was_killed_is_run_again() {
    let rooms = Rooms::with_backup();
    let home = rooms.restored().join("postgres");
    let restore = ["backup", "restore", text(rooms.backup())];
    for file in ["base", "backup_label"] {
        let child = begin(&restore, &rooms.restored());
        end_when(child, Signal::SIGKILL, || home.join("cluster.unfinished").join(file).exists());
        assert!(!home.join("cluster").exists(), "half of a cluster is taken for one");
    }
    rooms.restore();
    assert!(!home.join("cluster.unfinished").exists());
}

#[test]
fn a_verification_that_was_killed_is_run_again() {
    let rooms = Rooms::with_backup();
    let verify = ["backup", "verify", text(rooms.backup())];
    let scratch = rooms.folder.path().join("backup.verifying");
    for file in ["cluster.unfinished/base", "cluster/postmaster.pid"] {
        let child = begin(&verify, &rooms.data());
        end_when(child, Signal::SIGKILL, || scratch.join("postgres").join(file).exists());
    }
    done(&verify, &rooms.data());
    assert!(!scratch.exists(), "what it needed is gone");
}
