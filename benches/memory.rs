//! `memory_idle`, `memory_loaded`: what the server's process holds, without PostgreSQL's processes.

use serde_json::json;

use crate::Scale;
use crate::market::Server;
use crate::report::{Goal, Row};
use crate::rounds::rounded;

/// What a process holds, in MB of 1,000,000 bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Now.
    resident: f64,
    /// The most until now.
    pub peak: f64,
}

impl Memory {
    /// Of the process with this id, which runs.
    pub fn of(pid: i32) -> Self {
        Self::of_running(pid).expect("the process's status (Linux)")
    }

    /// Of the process with this id, if it runs.
    pub fn of_running(pid: i32) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let megabytes = |name: &str| -> Option<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
            Some(kib * 1_024.0 / 1e6)
        };
        Some(Self { resident: megabytes("VmRSS:")?, peak: megabytes("VmHWM:")? })
    }

    /// Now, in MB.
    pub fn resident(self) -> f64 {
        self.resident
    }

    /// The row about a process's peak.
    pub fn row(self, name: &'static str, when: &str, most: f64, before: Option<Self>) -> Row {
        let mut details = serde_json::Map::new();
        details.insert("resident_mb".to_owned(), json!(rounded(self.resident)));
        if let Some(before) = before {
            details.insert("peak_before_load_mb".to_owned(), json!(rounded(before.peak)));
        }
        Row {
            name,
            what: format!("the most that the server's process held until {when} (VmHWM)"),
            ours: self.peak,
            baseline: None,
            unit: "MB",
            ratio: None,
            goal: Goal::AtMost(most),
            holds: true,
            details,
        }
    }
}

/// A server that nobody has asked anything yet.
pub async fn idle(scale: Scale) -> Row {
    let server = Server::start().await;
    tokio::time::sleep(scale.idle).await;
    let memory = Memory::of(server.program.pid());
    server.stop().await;
    memory.row("memory_idle", "it was idle for some seconds", 60.0, None)
}
