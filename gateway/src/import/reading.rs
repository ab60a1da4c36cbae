//! A file as rows of cells: unpacked, decoded, split, each row with the line that it begins on.
//! Memory does not grow with the file, however it is broken. What cells mean stands in `layout`.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use csv_core::ReadRecordResult;
use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};
use flate2::read::MultiGzDecoder;
use liblzma::read::XzDecoder;

use super::mapping::FileShape;

/// What decoding puts where bytes are wrong; see [`Cells::is_broken`].
const BROKEN: char = char::REPLACEMENT_CHARACTER;

/// Columns of the widest spreadsheets.
const CELLS_MAX: usize = 16_384;

/// How much of a cell a reason quotes.
const QUOTED_CHARACTERS_MAX: usize = 60;

/// A file to import. It is read more than once, so it must not change meanwhile.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    file: File,
    /// Its size in bytes.
    pub bytes: u64,
    modified: Option<SystemTime>,
    /// How many of its bytes the reading under way has consumed.
    pub consumed: Arc<AtomicU64>,
    row_bytes_max: usize,
}

/// A file that cannot be read: which, where, why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(String);

impl Source {
    /// Opens a file; a row of it may have so many bytes.
    ///
    /// # Errors
    /// If it is no file that can be read more than once, or not a table.
    pub fn open(path: &Path, row_bytes_max: usize) -> Result<Self, ReadError> {
        let told = |what: &dyn std::fmt::Display| ReadError(format!("{}: {what}", path.display()));
        let file = File::open(path).map_err(|error| told(&error))?;
        let known = file.metadata().map_err(|error| told(&error))?;
        if !known.is_file() {
            return Err(told(&"not a file; it is read more than once, so a pipe will not do"));
        }
        let source = Self {
            path: path.to_owned(),
            file,
            bytes: known.len(),
            modified: known.modified().ok(),
            consumed: Arc::default(),
            row_bytes_max,
        };
        if source.magic().map_err(|error| told(&error))?.starts_with(b"PK\x03\x04") {
            return Err(told(&"a ZIP archive or an Excel workbook; save it as CSV, or unpack it"));
        }
        Ok(source)
    }

    /// The first bytes, which tell how it is packed; reading begins before them.
    fn magic(&self) -> io::Result<Vec<u8>> {
        let mut file = &self.file;
        let mut magic = Vec::new();
        file.rewind()?;
        file.take(6).read_to_end(&mut magic)?;
        file.rewind()?;
        Ok(magic)
    }

    /// Its rows, from the first.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn rows(&self, shape: &FileShape) -> Result<Rows, ReadError> {
        let told = |error: io::Error| ReadError(format!("{}: {error}", self.path.display()));
        let magic = self.magic().map_err(told)?;
        self.consumed.store(0, Ordering::Relaxed);
        let file = self.file.try_clone().map_err(told)?;
        let packed = BufReader::new(Counted { file, consumed: self.consumed.clone() });
        let unpacked: Box<dyn Read + Send> = match magic.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(packed)),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Box::new(XzDecoder::new_multi_decoder(packed)),
            _ => Box::new(packed),
        };
        let mut decoder = DecodeReaderBytesBuilder::new();
        let decoder = decoder.encoding(Some(shape.encoding.0)).bom_override(true).build(unpacked);
        let mut parser = csv_core::ReaderBuilder::new();
        parser.delimiter(shape.delimiter.0);
        match shape.quote.0 {
            Some(quote) => parser.quote(quote),
            None => parser.quoting(false),
        };
        Ok(Rows {
            path: self.path.clone(),
            input: BufReader::with_capacity(1 << 16, decoder),
            parser: parser.build(),
            text: vec![0; 1 << 10],
            ends: vec![0; 64],
            lines: Lines { number: 1, after_return: false },
            row_bytes_max: self.row_bytes_max,
        })
    }

    /// Fails if the file is not what it was when it was opened.
    ///
    /// # Errors
    /// As it says.
    pub fn unchanged(&self) -> Result<(), ReadError> {
        let path = self.path.display();
        let known = self.file.metadata();
        let known = known.map_err(|error| ReadError(format!("{path}: {error}")))?;
        if known.len() == self.bytes && known.modified().ok() == self.modified {
            return Ok(());
        }
        Err(ReadError(format!("{path} was changed while it was imported; run it again")))
    }
}

/// A file that tells how much of it was read.
struct Counted {
    file: File,
    consumed: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.consumed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Counts lines, however they end: with LF, CR LF or CR.
struct Lines {
    number: u64,
    after_return: bool,
}

impl Lines {
    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let ends = *byte == b'\r' || (*byte == b'\n' && !self.after_return);
            self.number += u64::from(ends);
            self.after_return = *byte == b'\r';
        }
    }
}

/// The rows of a file, one after another.
pub struct Rows {
    path: PathBuf,
    input: BufReader<DecodeReaderBytes<Box<dyn Read + Send>, Vec<u8>>>,
    parser: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    lines: Lines,
    row_bytes_max: usize,
}

/// The cells of a row.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    /// The line of the file that the row begins on, from 1.
    pub line: u64,
    /// The line that it ends on.
    pub last_line: u64,
    text: &'a str,
    ends: &'a [usize],
}

impl Rows {
    /// The next row; none at the end. Empty lines are no rows.
    ///
    /// # Errors
    /// If the file cannot be read or unpacked, or a row is too large.
    pub fn next_row(&mut self) -> Result<Option<Cells<'_>>, ReadError> {
        self.skip_empty_lines()?;
        let line = self.lines.number;
        let (mut bytes, mut cells, mut ended) = (0, 0, false);
        loop {
            let input = self.input.fill_buf();
            let input = input.map_err(|error| unreadable(&self.path, self.lines.number, &error))?;
            let (text, ends) = (&mut self.text[bytes..], &mut self.ends[cells..]);
            let (result, read, written, found) = self.parser.read_record(input, text, ends);
            self.lines.pass(&input[..read]);
            if read > 0 {
                ended = matches!(input[read - 1], b'\n' | b'\r');
            }
            self.input.consume(read);
            (bytes, cells) = (bytes + written, cells + found);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.text.len() < self.row_bytes_max => {
                    self.text.resize((self.text.len() * 2).min(self.row_bytes_max), 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < CELLS_MAX => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return Err(ReadError(format!(
                        "{}: the row on line {line} has more than {} bytes or {CELLS_MAX} cells: \
                         is a quote not closed? If not, raise `import.row_bytes_max`",
                        self.path.display(),
                        self.row_bytes_max
                    )));
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        // What is decoded is UTF-8; it was split at ASCII characters.
        let text = std::str::from_utf8(&self.text[..bytes]).unwrap_or_default();
        let last_line = self.lines.number - u64::from(ended);
        Ok(Some(Cells { line, last_line, text, ends: &self.ends[..cells] }))
    }

    fn skip_empty_lines(&mut self) -> Result<(), ReadError> {
        loop {
            let input = self.input.fill_buf();
            let input = input.map_err(|error| unreadable(&self.path, self.lines.number, &error))?;
            let ends = input.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            self.lines.pass(&input[..ends]);
            let rest = input.len() - ends;
            self.input.consume(ends);
            if rest > 0 || ends == 0 {
                return Ok(());
            }
        }
    }
}

/// A cell's text as reasons quote it: not more than tells which one is meant, for a cell can be as
/// long as its row.
#[must_use]
pub fn quoted(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(QUOTED_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

fn unreadable(path: &Path, line: u64, error: &io::Error) -> ReadError {
    ReadError(format!("{}: it cannot be read beyond line {line}: {error}", path.display()))
}

impl<'a> Cells<'a> {
    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a row has at least one cell")]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The cell at an index, from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..end)
    }

    /// Every cell, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let cells = *self;
        (0..cells.len()).filter_map(move |index| cells.get(index))
    }

    /// The first cell with bytes that the encoding does not have, or with the character that
    /// another program left in their place.
    #[must_use]
    pub fn broken(&self) -> Option<usize> {
        // Looked for in the whole row first: nearly all rows have none.
        if !self.text.contains(BROKEN) {
            return None;
        }
        self.iter().position(|cell| cell.contains(BROKEN))
    }
}

#[cfg(test)]
mod tests;
