//! `config show | check | default`.

use super::{Failure, print};
use crate::config::{self, Loaded};

pub(super) fn default() -> Result<(), Failure> {
    print(config::default_toml().trim_end())
}

pub(super) fn show(loaded: &Loaded) -> Result<(), Failure> {
    print(config::show(&loaded.config, &loaded.origins).trim_end())
}

/// Whoever comes here has loaded the settings; what remains is what loading does not look at.
pub(super) fn check(loaded: &Loaded) -> Result<(), Failure> {
    loaded.config.check()?;
    print("the configuration is right")
}
