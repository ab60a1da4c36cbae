//! What tests stand on: one PostgreSQL for all of them, a database for each, a gateway in process
//! or as a program, actors with tokens, builders. No claims: those are in the test files.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

pub mod app;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod desk;
pub mod dice;
pub mod duckdb;
pub mod golden;
pub mod node;
pub mod program;
pub mod proxy;
pub mod seeds;
pub mod shop;
pub mod socket;
pub mod untidy;
pub mod writer;

pub use app::{Gateway, TestApp, test, test_after, test_with, test_without_workers};
pub use client::Client;
pub use cluster::{TestDatabase, schema_of};
pub use desk::Desk;
pub use dice::Dice;
pub use program::Program;
pub use proxy::Proxy;
pub use seeds::Seeds;
pub use shop::Shop;
pub use socket::Socket;

use std::path::PathBuf;

/// The root of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A file or directory of the shared real data.
///
/// # Panics
/// If `CI` is set and it is missing. Without `CI`, the caller may do without.
#[must_use]
pub fn shared(path: &str) -> Option<PathBuf> {
    let found = root().join("../shared").join(path);
    assert!(found.exists() || std::env::var_os("CI").is_none(), "{} is missing", found.display());
    found.exists().then_some(found)
}
