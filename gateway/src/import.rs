//! Importing what another program wrote: a file of orders and credit notes becomes commands. What
//! may happen is decided where it always is; nothing is written around it.
//!
//! The file is read more than once, and never kept: `survey` learns what it holds and what cannot
//! be taken; `documents` puts rows together and `execution` gives the commands; `report` says of
//! each row that was not taken why.

pub mod commander;
pub mod documents;
pub mod execution;
pub mod layout;
pub mod mapping;
pub mod names;
mod number;
pub mod organization;
pub mod patience;
pub mod reading;
pub mod report;
pub mod row;
#[cfg(test)]
mod scenario;
pub mod summary;
pub mod survey;
pub mod task;

use std::time::Duration;

use layout::LayoutError;
use mapping::MappingError;
use reading::ReadError;

/// Bounds of an import. Everything that waits or grows has one.
#[derive(Debug, Clone)]
pub struct ImportLimits {
    /// Documents that are executed at once.
    pub flight_documents_max: usize,
    /// Lines of documents that are executed at once; one document may exceed it alone.
    pub flight_lines_max: usize,
    /// Rows that are kept because their documents have not ended yet.
    pub open_rows_max: usize,
    /// Documents of one file.
    pub documents_max: usize,
    /// Customers of one file, and products of one file.
    pub names_max: usize,
    /// Bytes of one row.
    pub row_bytes_max: usize,
    /// How long it tries again what passes by itself, without getting any further.
    pub retry_wait_max: Duration,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self {
            flight_documents_max: 256,
            flight_lines_max: 16_000,
            open_rows_max: 1_000_000,
            documents_max: 1_000_000,
            names_max: 1_000_000,
            row_bytes_max: 1 << 20,
            retry_wait_max: Duration::from_secs(120),
        }
    }
}

/// Why an import ends before it is through.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Mapping, file or settings do not fit each other: whoever called can mend it.
    #[error("{0}")]
    Usage(String),
    /// It could not be done.
    #[error("{0}")]
    Work(String),
}

impl From<MappingError> for ImportError {
    fn from(error: MappingError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<ReadError> for ImportError {
    fn from(error: ReadError) -> Self {
        Self::Work(error.to_string())
    }
}

impl From<LayoutError> for ImportError {
    fn from(error: LayoutError) -> Self {
        match error {
            LayoutError::Read(error) => error.into(),
            LayoutError::Mapping(error) => error.into(),
        }
    }
}
