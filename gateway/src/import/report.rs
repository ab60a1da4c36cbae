//! The report of an import: every row that was not taken, once, in the order of the file. It is
//! made at the end, by reading the file once more, and appears whole or not at all.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{self, BufWriter};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use events::words::{Quantity, UnitPrice};
use rust_decimal::Decimal;

use super::ImportError;
use super::row::{Kind, Row};
use super::survey::{Refusal, Survey};
use super::task::Task;

/// A report that is being written.
pub struct Draft {
    path: PathBuf,
    draft: PathBuf,
    writer: Option<csv::Writer<BufWriter<File>>>,
}

/// What became of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Those of orders that were taken.
    pub orders: Lines,
    /// Those of credit notes that were taken.
    pub credit_notes: Lines,
    /// How many stand in the report.
    pub reported: u64,
}

/// Rows that were taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lines {
    /// How many.
    pub lines: u64,
    /// Quantity × price of all of them, before rounding.
    pub gross: Decimal,
}

impl Counted {
    /// How many rows were taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.orders.lines + self.credit_notes.lines
    }

    fn take(&mut self, row: &Row<'_>) {
        let lines = match row.kind {
            Kind::Order => &mut self.orders,
            Kind::CreditNote => &mut self.credit_notes,
        };
        lines.add(row.quantity, row.unit_price);
    }
}

impl Lines {
    /// One more.
    pub fn add(&mut self, quantity: Quantity, unit_price: UnitPrice) {
        self.lines += 1;
        self.gross = self.gross.saturating_add(quantity.0 * unit_price.0);
    }
}

impl Draft {
    /// Begins a report, which is going to appear at this path.
    ///
    /// # Errors
    /// If it cannot be written there.
    pub fn create(path: &Path) -> Result<Self, ImportError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".draft");
        let draft = PathBuf::from(name);
        let wrong = |what: &dyn std::fmt::Display| {
            let shown = draft.display();
            ImportError::Usage(format!("the report cannot be written: {shown}: {what}"))
        };
        let file = own(&draft).map_err(|error| wrong(&error))?;
        let right = "another import is writing it; name another file with --report";
        let file = file.ok_or_else(|| wrong(&right))?;
        let writer = Some(csv::Writer::from_writer(BufWriter::new(file)));
        Ok(Self { path: path.to_owned(), draft, writer })
    }

    fn write(&mut self, cells: [&str; 4]) -> io::Result<()> {
        match &mut self.writer {
            Some(writer) => writer.write_record(cells).map_err(io::Error::from),
            None => Ok(()),
        }
    }

    /// Puts it where it belongs, in place of an earlier one.
    fn publish(mut self) -> io::Result<()> {
        if let Some(writer) = self.writer.take() {
            let file = writer.into_inner().map_err(|error| error.into_error())?;
            file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
            std::fs::rename(&self.draft, &self.path)?;
        }
        Ok(())
    }
}

/// The file at this path, empty, and nobody else's for as long as it is open; none: it is somebody
/// else's.
fn own(path: &Path) -> io::Result<Option<File>> {
    loop {
        let file = File::options().write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever had it may just have put it where it belongs.
        let there = std::fs::metadata(path).ok();
        if there.is_some_and(|there| Some(there.ino()) == file.metadata().ok().map(|own| own.ino()))
        {
            file.set_len(0)?;
            return Ok(Some(file));
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // One that was not finished is of no use; one that cannot be removed does no harm.
        if self.writer.take().is_some() {
            drop(std::fs::remove_file(&self.draft));
        }
    }
}

/// Writes the report: rows that cannot be taken, and those of documents that the survey or, by
/// their index, a rule refused.
///
/// # Errors
/// If the file cannot be read again, or the report cannot be written.
pub fn write(
    task: &Task,
    survey: &Survey,
    refused: &HashMap<u32, Refusal>,
    mut draft: Draft,
) -> Result<Counted, ImportError> {
    let path = draft.path.clone();
    let unwritten = |error: io::Error| {
        ImportError::Work(format!("the report {} cannot be written: {error}", path.display()))
    };
    let changed = || ImportError::Work("the file was changed while it was imported".to_owned());
    let mut counted = Counted::default();
    task.progress.begin("bytes reported on", task.source.bytes);
    draft.write(["row", "document", "field", "reason"]).map_err(unwritten)?;
    task.each_row(|cells, row| {
        task.tell_rows(counted.taken() + counted.reported);
        let row = row.and_then(|row| match survey.belongs(task, &row)? {
            Some(belongs) => Ok((row, belongs.document)),
            None => Ok((row, u32::MAX)),
        });
        let (document, field, reason) = match row {
            Err(fault) => (fault.document, fault.field, fault.reason),
            Ok((_, u32::MAX)) => return Err(changed()),
            Ok((row, index)) => {
                let entry = survey.documents.at(index);
                match entry.refusal.as_deref().or_else(|| refused.get(&index)) {
                    None => {
                        counted.take(&row);
                        return Ok(());
                    }
                    Some(refusal) if refusal.line == row.line => {
                        (row.document, refusal.field, refusal.reason.clone())
                    }
                    Some(Refusal { line, reason, .. }) => {
                        let reason = format!(
                            "document {} was not taken: row {line}: {reason}",
                            row.document
                        );
                        (row.document, "document", reason)
                    }
                }
            }
        };
        counted.reported += 1;
        draft.write([&cells.line.to_string(), document, field, &reason]).map_err(unwritten)
    })?;
    if counted.taken() + counted.reported != survey.rows {
        return Err(changed());
    }
    draft.publish().map_err(unwritten)?;
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        let mut draft = Draft::create(&path).unwrap();
        draft.write(["1", "2", "3", "4"]).unwrap();
        let told = Draft::create(&path).map(drop).unwrap_err().to_string();
        assert!(told.contains("another import is writing it"), "{told}");
        drop(draft);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        for line in ["first", "second"] {
            let mut draft = Draft::create(&path).unwrap();
            draft.write([line, "a,b", "\"", "\n"]).unwrap();
            draft.publish().unwrap();
            let written = format!("{line},\"a,b\",\"\"\"\",\"\n\"\n");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
        }
    }
}
