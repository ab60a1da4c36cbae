//! What an export's folder says of itself: `export.json`, written behind the files that it names.

use std::fs;
use std::io;
use std::path::Path;

use clap::ValueEnum;
use events::words::Position;
use serde::{Deserialize, Serialize};

use super::ExportError;
use crate::durable::{self, cannot};

/// The manifest's file.
pub const MANIFEST: &str = "export.json";
/// The version of the layout and the manifest that this program writes and reads.
pub const VERSION: u32 = 1;

/// As what facts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A JSON object a line, by day.
    Ndjson,
    /// Parquet with zstd, by fact type and day.
    Parquet,
}

impl Format {
    /// The ending of its files, and what people call it.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

/// What is in a folder, and what is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the layout and of this manifest.
    pub version: u32,
    /// As what its facts are written.
    pub format: Format,
    /// Which facts it is to have.
    pub filter: Filter,
    /// Where the first run began, if that was said: as it was said.
    pub since: Option<String>,
    /// Only facts behind this position are in it.
    pub after: Position,
    /// All that it is to have up to this position is in it.
    pub position: Position,
    /// The last batch of the log that ends at that position or before it: it tells one log from
    /// another.
    pub chain: ChainEnd,
    /// How many facts are in it.
    pub facts: u64,
    /// Every file with facts.
    pub files: Vec<ExportedFile>,
}

/// Which facts are exported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Those of the organization with this slug; none: of all.
    pub organization: Option<String>,
    /// Those of these features; none: of all.
    pub features: Vec<String>,
}

/// The end of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainEnd {
    /// Its last position; 0: there is none.
    pub position: Position,
    /// The hash of the chain there, in hexadecimal.
    pub hash: String,
}

/// A file with facts, in order of position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedFile {
    /// Where it is, below the folder.
    pub path: String,
    /// How many facts it has.
    pub facts: u64,
    /// Its size.
    pub bytes: u64,
}

impl Manifest {
    /// Reads it. None: there is none.
    ///
    /// # Errors
    /// If it cannot be read, or this program does not understand it.
    pub fn read(folder: &Path) -> Result<Option<Self>, ExportError> {
        let path = folder.join(MANIFEST);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(cannot("read", &path))?,
        };
        let wrong = |why: &str| ExportError::Work(format!("{}: {why}", path.display()));
        let value: serde_json::Value = serde_json::from_slice(&text)
            .map_err(|error| wrong(&format!("it is no JSON: {error}")))?;
        if value["version"] != VERSION {
            return Err(wrong(&format!(
                "its version is {}, and this program knows {VERSION}: export into another folder",
                value["version"]
            )));
        }
        let read = serde_json::from_value(value);
        read.map(Some).map_err(|error| wrong(&format!("it is not an export's: {error}")))
    }

    /// Writes it, in one piece.
    ///
    /// # Errors
    /// If it cannot be written; the old one is still there.
    pub fn write(&self, folder: &Path) -> Result<(), ExportError> {
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|error| ExportError::Work(error.to_string()))? + "\n";
        Ok(durable::replace(&folder.join(MANIFEST), text.as_bytes(), 0o644)?)
    }
}
