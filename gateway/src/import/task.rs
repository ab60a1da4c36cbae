//! A file to import with everything that says how to read it. Each stage reads it from its start.

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};

use super::layout::Layout;
use super::mapping::Mapping;
use super::reading::{Cells, Source};
use super::row::{Fault, Row, RowReader};
use super::{ImportError, ImportLimits};
use crate::progress::Progress;

/// Telling of every row would cost more than reading it.
const ROWS_TOLD: u64 = 1_024;

/// A file with everything that says how to read it.
pub struct Task {
    /// The file.
    pub source: Source,
    /// How it is to be read.
    pub mapping: Mapping,
    /// Where its columns stand.
    pub layout: Layout,
    /// Nothing in it was placed later.
    pub now: DateTime<Utc>,
    /// Bounds.
    pub limits: ImportLimits,
    /// Who is told how far it is.
    pub progress: Progress,
}

impl Task {
    /// Gives every row of the file to `take`, with what it means or why it means nothing.
    ///
    /// # Errors
    /// If the file cannot be read, or `take` fails.
    pub fn each_row(
        &self,
        mut take: impl FnMut(&Cells<'_>, Result<Row<'_>, Fault<'_>>) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let reader = RowReader { mapping: &self.mapping, layout: &self.layout, now: self.now };
        let mut rows = self.source.rows(&self.mapping.file)?;
        if self.mapping.file.headings {
            rows.next_row()?;
        }
        while let Some(cells) = rows.next_row()? {
            take(&cells, reader.row(&cells))?;
        }
        Ok(self.source.unchanged()?)
    }

    /// Tells, now and then, how much of the file was read.
    pub fn tell_rows(&self, rows: u64) {
        if rows.is_multiple_of(ROWS_TOLD) {
            self.progress.at(self.source.consumed.load(Ordering::Relaxed));
        }
    }

    /// The number of a row's customer.
    pub(super) fn customer_number<'a>(&'a self, row: &Row<'a>) -> Cow<'a, str> {
        let customers = &self.mapping.customers;
        match (row.customer, &customers.unknown) {
            (None, Some(unknown)) => unknown.number.trim().into(),
            (number, _) if customers.number_prefix.is_empty() => number.unwrap_or_default().into(),
            (number, _) => {
                format!("{}{}", customers.number_prefix, number.unwrap_or_default()).into()
            }
        }
    }
}
