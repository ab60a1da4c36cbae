//! `log head`.

use std::path::PathBuf;

use clap::Args;
use events::log::{Head, chain_head};
use serde_json::{Value, json};

use super::parts::Database;
use super::{Failure, print};
use crate::config::Config;

/// What `log head` is asked.
#[derive(Debug, Args)]
pub(super) struct LogHead {
    /// Tell it as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn head(data: PathBuf, config: Config, arguments: LogHead) -> Result<(), Failure> {
    config.check()?;
    let database = Database::open(&data, &config).await?;
    let head = chain_head(database.config()).await;
    let closed = database.close().await;
    let head = head.map_err(|error| Failure::work(&error))?;
    closed?;
    let head = head.ok_or_else(|| Failure::work(&"the log is empty: it has no head yet"))?;
    match arguments.json {
        true => print(&told(&head).to_string()),
        false => print(&format!("{} {}", head.position.0, head.hash)),
    }
}

/// For programs.
pub(super) fn told(head: &Head) -> Value {
    json!({ "position": head.position.0, "hash": head.hash.to_string() })
}
