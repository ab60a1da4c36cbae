//! Rows as `copy … to stdout (format binary)` sends them: a quarter cheaper for PostgreSQL than a
//! query's, and read here without taking anything out of its buffer. What they mean is not known
//! here.

use std::pin::Pin;

use futures_util::{TryStream, TryStreamExt};
use tokio_postgres::{Client, CopyOutStream};

use crate::log::LogError;

/// What a binary copy begins with: the signature, flags and the length of an extension: none.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Rows that come.
pub(super) struct Copied {
    rows: Pin<Box<CopyOutStream>>,
    /// The one that is looked at.
    message: <CopyOutStream as TryStream>::Ok,
    began: bool,
}

impl Copied {
    /// Of this statement, in which numbers stand in place of FIRST and LAST.
    pub(super) async fn ask(
        client: &Client,
        statement: &str,
        (first, last): (i64, i64),
    ) -> Result<Self, LogError> {
        let bounds = [("'FIRST'", first), ("'LAST'", last)];
        let statement = bounds.iter().fold(statement.to_owned(), |statement, (name, number)| {
            statement.replace(name, &format!("'{number}'"))
        });
        let rows = Box::pin(client.copy_out(&statement).await?);
        Ok(Self { rows, message: Default::default(), began: false })
    }

    /// The next row's bytes: PostgreSQL sends each row in one message, the first behind the header.
    pub(super) async fn next(&mut self) -> Result<Option<Fields<'_>>, LogError> {
        let Some(message) = self.rows.try_next().await? else { return Ok(None) };
        self.message = message;
        let mut row = &self.message[..];
        if !self.began {
            row = row.strip_prefix(HEADER).ok_or_else(unreadable)?;
            self.began = true;
        }
        let (count, row) = row.split_first_chunk::<2>().ok_or_else(unreadable)?;
        // What ends the copy has −1 columns.
        Ok((i16::from_be_bytes(*count) >= 0).then_some(Fields(row)))
    }
}

/// The columns of a row, one behind the other.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The next column's bytes; none, if it has no value.
    pub(super) fn bytes(&mut self) -> Result<Option<&'a [u8]>, LogError> {
        let (length, rest) = self.0.split_first_chunk::<4>().ok_or_else(unreadable)?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            self.0 = rest;
            return Ok(None);
        };
        let (column, rest) = rest.split_at_checked(length).ok_or_else(unreadable)?;
        self.0 = rest;
        Ok(Some(column))
    }

    /// The next column, a bigint or a timestamptz.
    pub(super) fn number(&mut self) -> Result<i64, LogError> {
        let bytes = self.bytes()?.and_then(|bytes| bytes.try_into().ok());
        Ok(i64::from_be_bytes(bytes.ok_or_else(unreadable)?))
    }
}

/// The rows are not what the statement should bring.
pub(super) fn unreadable() -> LogError {
    let what = "what it copies cannot be read: is it another table's, or a column without a value?";
    LogError::Database(what.to_owned())
}
