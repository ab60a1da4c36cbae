//! A chunk of facts becomes files: which fact goes to which, and each on the disk before it has its
//! name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use chrono::NaiveDate;
use events::log::RawFact;

use super::manifest::{ExportedFile, Format};
use super::{ExportError, ndjson, parquet};
use crate::durable::{self, cannot, sync_directory, unfinished};

/// Writes facts, which come in order of position, to the files that they belong to.
pub(super) fn write(
    folder: &Path,
    format: Format,
    facts: Vec<RawFact>,
) -> Result<Vec<ExportedFile>, ExportError> {
    let mut parts: BTreeMap<String, Vec<RawFact>> = BTreeMap::new();
    let mut names = Names::default();
    for fact in facts {
        let name = names.of(format, &fact);
        match parts.get_mut(name) {
            Some(part) => part.push(fact),
            None => {
                parts.insert(name.to_owned(), vec![fact]);
            }
        }
    }
    parts.into_iter().map(|(name, facts)| file(folder, format, &name, facts)).collect()
}

/// The names of parts, made once for each of their kinds.
#[derive(Default)]
struct Names {
    last: Option<(String, NaiveDate, String)>,
    known: BTreeMap<(String, NaiveDate), String>,
}

impl Names {
    fn of(&mut self, format: Format, fact: &RawFact) -> &str {
        let day = fact.recorded_at.date_naive();
        let is_last =
            self.last.as_ref().is_some_and(|(of, at, _)| *of == fact.fact_type && *at == day);
        if !is_last {
            let made = self.known.entry((fact.fact_type.clone(), day));
            let name = made.or_insert_with(|| match format {
                Format::Ndjson => format!("day={day}"),
                Format::Parquet => format!("type={}/day={day}", escaped(&fact.fact_type)),
            });
            self.last = Some((fact.fact_type.clone(), day, name.clone()));
        }
        self.last.as_ref().map_or("", |(_, _, name)| name)
    }
}

/// A value as it stands in the name of a directory; DuckDB and Spark read it back.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut name, byte| {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            name.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(name, "%{byte:02X}");
        }
        name
    })
}

fn file(
    folder: &Path,
    format: Format,
    part: &str,
    facts: Vec<RawFact>,
) -> Result<ExportedFile, ExportError> {
    must_be_text(&facts)?;
    let (first, last) = (facts.first(), facts.last());
    let at = |fact: Option<&RawFact>| fact.map_or(0, |fact| fact.position.0);
    let (first, last, count) = (at(first), at(last), facts.len() as u64);
    // So many digits that names sort as positions do, for a billion facts a day over a lifetime.
    let name = format!("{part}/{first:014}-{last:014}.{}", format.ending());
    let path = folder.join(&name);
    make_directories(folder, part)?;
    let open = unfinished(&path);
    let file = File::create(&open).map_err(cannot("create", &open))?;
    let mut buffered = BufWriter::with_capacity(1 << 20, file);
    let written = match format {
        Format::Ndjson => ndjson::write(&facts, &mut buffered),
        Format::Parquet => parquet::write(facts, &mut buffered).map_err(as_io),
    };
    let written = written.and_then(|()| buffered.flush());
    let synced = written.and_then(|()| buffered.get_ref().sync_all());
    synced.map_err(cannot("write", &open))?;
    durable::finish(&path)?;
    let bytes = fs::metadata(&path).map_err(cannot("look at", &path))?.len();
    Ok(ExportedFile { path: name, facts: count, bytes })
}

/// What the disk refused, without the words around it.
fn as_io(error: ::parquet::errors::ParquetError) -> io::Error {
    match error {
        ::parquet::errors::ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(cause) => io::Error::other(cause),
        },
        other => io::Error::other(other),
    }
}

/// Both formats promise text: better to stop than to write what nobody can read.
fn must_be_text(facts: &[RawFact]) -> Result<(), ExportError> {
    let is_text =
        |fact: &&RawFact| str::from_utf8(&fact.data).is_ok() && str::from_utf8(&fact.meta).is_ok();
    match facts.iter().find(|fact| !is_text(fact)) {
        None => Ok(()),
        Some(fact) => Err(ExportError::Work(format!(
            "the fact at position {} is no text: the log was changed by hand",
            fact.position
        ))),
    }
}

fn make_directories(folder: &Path, part: &str) -> Result<(), ExportError> {
    let mut path = folder.to_owned();
    for step in part.split('/') {
        let parent = path.clone();
        path.push(step);
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                made.map_err(cannot("create the directory", &path))?;
                sync_directory(&parent)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn no_type_leads_out_of_its_folder() {
        assert_eq!(escaped("order.placed"), "order.placed");
        assert_eq!(escaped("a/../b=c ü"), "a%2F..%2Fb%3Dc%20%C3%BC");
    }
}
