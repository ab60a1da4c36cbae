//! `work`: workers without a gateway.

use std::path::PathBuf;

use super::parts::{Database, Parts};
use super::serve::stop_signal;
use super::{Failure, print};
use crate::config::Config;

/// Carries read models on until it is told to stop.
pub(super) async fn run(data: PathBuf, config: Config) -> Result<(), Failure> {
    config.check()?;
    let stop = stop_signal()?;
    let database = Database::open(&data, &config).await?;
    let worked = async {
        database.migrate().await?;
        let masters = database.masters().clone().source();
        let parts = Parts::start(database.config(), masters, &config).await?;
        print("ready to work")?;
        stop.cancelled().await;
        parts.stop().await;
        Ok(())
    };
    let worked = worked.await;
    let closed = database.close().await;
    worked.and(closed)
}
