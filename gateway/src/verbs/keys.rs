//! `keys rotate`.

use std::path::PathBuf;
use std::time::Duration;

use events::log::{Log, LogId};
use events::personal::Vault;
use indicatif::{ProgressBar, ProgressStyle};

use super::parts::Database;
use super::{Failure, print};
use crate::config::Config;
use crate::master_keys::{Place, fresh_keys};

/// Wraps every person's key by a new master key, or by the one that the settings have in front.
pub(super) async fn rotate(data: PathBuf, config: Config) -> Result<(), Failure> {
    config.check()?;
    let database = Database::open(&data, &config).await?;
    let rotated = rotate_in(&database, &config).await;
    let closed = database.close().await;
    rotated.and(closed)
}

async fn rotate_in(database: &Database, config: &Config) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::work(error);
    database.migrate().await?;
    let place = database.masters();
    if matches!(place, Place::Nowhere) {
        let message = "there is no master key to rotate: state one as `personal.master_keys`, or \
            name a file of them as `personal.master_keys_file`";
        return Err(Failure::usage(&message));
    }
    let renewed = place.renew().map_err(|error| failed(&error))?;
    let log = Log::open(database.config(), LogId::default(), (&config.log).into()).await;
    let log = log.map_err(|error| failed(&error))?;
    let vault = Vault::new(log, place.clone().source(), fresh_keys(), (&config.personal).into());
    let progress = ProgressBar::no_length();
    let style = ProgressStyle::with_template("{spinner} {human_pos} keys wrapped anew");
    progress.set_style(style.map_err(|error| failed(&error))?);
    progress.enable_steady_tick(Duration::from_millis(200));
    let rotated = vault.rotate(|keys| progress.set_position(keys)).await;
    progress.finish_and_clear();
    let keys = rotated.map_err(|error| failed(&error))?.keys;
    let (of, then) = match (place, renewed) {
        (Place::File(path), true) => (
            format!("a new master key, the first in {}", path.display()),
            "The older ones there are needed by backups that were made before; without those, \
             remove their lines.",
        ),
        _ => (
            "the first of `personal.master_keys`".to_owned(),
            "Once every process runs with these settings, the older ones are needed by backups \
             alone that were made before.",
        ),
    };
    print(&format!("{keys} keys of persons are wrapped anew by {of}.\n{then}"))
}
