//! Write adapters: where folds are stored.

pub mod builds;
mod checkpoint;
pub mod comparing;
mod copying;
pub mod leases;
pub mod parking;
pub mod readers;
pub mod records;
pub mod rollups;
pub mod sql;
mod statements;
pub mod view;

/// Runs a fold; one that panics has met something that it cannot take, and the message says what.
pub(crate) fn unwound<T>(fold: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(fold)).map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        format!("the fold panicked: {}", said.unwrap_or("without a message"))
    })
}
