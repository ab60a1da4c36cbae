//! `migrate`: brings the database to the shape that this program needs.

use std::path::PathBuf;

use super::parts::Database;
use super::{Failure, print};
use crate::config::Config;

pub(super) async fn run(data: PathBuf, config: Config) -> Result<(), Failure> {
    config.check()?;
    let database = Database::open(&data, &config).await?;
    let migrated = database.migrate().await;
    database.close().await?;
    match migrated? {
        0 => print("the database is up to date"),
        count => print(&format!("applied {count} migrations")),
    }
}
