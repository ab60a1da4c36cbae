//! What the rows were measured on.

use std::fmt;
use std::fs::File;
use std::io::{Seek, Write};
use std::process::Command;
use std::time::Instant;

use harness::cluster::{TestDatabase, target};
use serde::Serialize;

use crate::rounds::{median, rounded};

/// What the rows were measured on.
#[derive(Debug, Serialize)]
pub struct Machine {
    cores: usize,
    cpu: String,
    memory_gb: f64,
    postgresql: String,
    fsync: String,
    synchronous_commit: String,
    /// How long 8 KiB take to the disk, in the median of 200.
    fdatasync_ms: f64,
    /// Of this tree, with `+` if it was changed since.
    commit: String,
    date: String,
}

impl Machine {
    /// Looks at this one, and at the PostgreSQL that everything is measured on.
    pub async fn look() -> Self {
        let database = TestDatabase::create().await;
        let client = database.connect().await;
        let show = async |name: &str| -> String {
            client.query_one(&format!("show {name}"), &[]).await.unwrap().get(0)
        };
        let machine = Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            cpu: line_of("/proc/cpuinfo", "model name"),
            memory_gb: memory_gb(),
            postgresql: show("server_version").await,
            fsync: show("fsync").await,
            synchronous_commit: show("synchronous_commit").await,
            fdatasync_ms: fdatasync_ms(),
            commit: commit(),
            date: chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        };
        drop(client);
        database.remove().await;
        machine
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, cpu, memory_gb, postgresql, fsync, fdatasync_ms, commit, date, .. } =
            self;
        write!(
            f,
            "{cores} cores of {cpu}, {memory_gb} GB; PostgreSQL {postgresql}, fsync {fsync}, \
             fdatasync {fdatasync_ms} ms\ncommit {commit}, {date}"
        )
    }
}

/// What stands behind the colon in the first line that begins like this.
fn line_of(path: &str, begin: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(begin));
    let value = line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim());
    value.unwrap_or("unknown").to_owned()
}

pub fn memory_gb() -> f64 {
    let total = line_of("/proc/meminfo", "MemTotal");
    let kib: f64 = total.trim_end_matches(" kB").parse().unwrap_or(0.0);
    rounded(kib * 1_024.0 / 1e9)
}

fn fdatasync_ms() -> f64 {
    let path = target().join("bench-fdatasync");
    let mut file = File::create(&path).unwrap();
    let seconds: Vec<f64> = (0..200)
        .map(|_| {
            file.rewind().unwrap();
            file.write_all(&[7; 8_192]).unwrap();
            let asked = Instant::now();
            file.sync_data().unwrap();
            asked.elapsed().as_secs_f64()
        })
        .collect();
    std::fs::remove_file(&path).unwrap();
    rounded(median(seconds.into_iter()) * 1_000.0)
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(harness::root()).args(arguments).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let (Ok(commit), Ok(changes)) =
        (git(&["rev-parse", "--short", "HEAD"]), git(&["status", "-s"]))
    else {
        return "unknown".to_owned();
    };
    commit + if changes.is_empty() { "" } else { "+" }
}
