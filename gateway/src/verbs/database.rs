//! `database url`; who reads with SQL is beside it.

pub(super) mod readers;

use std::path::Path;

use super::{Failure, print};
use crate::config::Config;
use crate::postgres;

#[expect(clippy::print_stderr, reason = "the address alone goes to stdout")]
pub(super) fn url(data: &Path, config: &Config) -> Result<(), Failure> {
    if !config.database.url.is_empty() {
        return print(&config.database.url);
    }
    let (url, running) = postgres::url_for(data).map_err(|error| Failure::work(&error))?;
    if !running {
        eprintln!("the embedded PostgreSQL does not run now; `millrace serve` starts it");
    }
    print(&url)
}
