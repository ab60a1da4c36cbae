//! The head of the chain: its last batch. Noted elsewhere, it tells later whether the log was cut
//! off or rewritten.

use std::fmt;
use std::str::FromStr;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, Row};

use super::chain::Sum;
use super::{Log, LogError, connect};
use crate::words::Position;

/// The hash of a batch, and with it of everything before; written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub(super) Sum);

/// The last batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its last fact's position.
    pub position: Position,
    /// Its hash.
    pub hash: Hash,
}

/// A text is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no hash of the log: that has 64 hexadecimal digits, as `millrace log head` shows"
)]
pub struct NoHash(String);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
        let bytes = digits.map(|digits| {
            digits
                .chunks(2)
                .map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit) as u8)
                .collect::<Vec<u8>>()
        });
        let sum = bytes.and_then(|bytes| Sum::try_from(bytes).ok());
        sum.filter(|_| text.len() == 64).map(Self).ok_or_else(|| NoHash(text.to_owned()))
    }
}

/// The last batch; none, if the log is empty. For those who have not opened the log.
///
/// # Errors
/// If the database cannot be reached, has no log, or what is stored is no hash.
pub async fn chain_head(config: &Config) -> Result<Option<Head>, LogError> {
    let client = connect(config).await?;
    let row = client.query_opt(include_str!("sql/chain_head.sql"), &[]).await;
    row.map_err(no_log)?.as_ref().map(head).transpose()
}

impl Log {
    /// The last batch; none, if the log is empty.
    ///
    /// # Errors
    /// If the database cannot be reached, or what is stored is no hash.
    pub async fn chain_head(&self) -> Result<Option<Head>, LogError> {
        let client = self.reader().await?;
        let statement = client.prepare_cached(include_str!("sql/chain_head.sql")).await?;
        client.query_opt(&statement, &[]).await?.as_ref().map(head).transpose()
    }
}

/// What went wrong; a database without a log's tables has another word for it.
pub(super) fn no_log(error: tokio_postgres::Error) -> LogError {
    match error.code() {
        Some(&SqlState::UNDEFINED_TABLE) => LogError::Database(
            "there is no log in it; `millrace migrate` and `millrace serve` make one".to_owned(),
        ),
        _ => error.into(),
    }
}

/// The head in a row of `chain_head.sql`.
fn head(row: &Row) -> Result<Head, LogError> {
    let (position, stored): (i64, &[u8]) = (row.get("last_position"), row.get("hash"));
    let hash = Sum::try_from(stored).map(Hash).map_err(|_| {
        let bytes = stored.len();
        LogError::Database(format!(
            "the batch that ends at position {position} has a hash of {bytes} bytes, not of 32: \
             `millrace check --log` tells more"
        ))
    })?;
    Ok(Head { position: Position(position), hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = Hash(std::array::from_fn(|index| index as u8 * 8));
        let text = hash.to_string();
        assert_eq!((text.len(), &text[..8]), (64, "00081018"));
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(text.to_uppercase().parse(), Ok(hash));
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let right = "ab".repeat(32);
        for wrong in [
            "",
            "ab",
            &right[1..],
            &format!("{right}a"),
            &right.replace('b', "g"),
            &format!("0x{right}"),
            &"ä".repeat(32),
        ] {
            assert_eq!(wrong.parse::<Hash>(), Err(NoHash(wrong.to_owned())));
        }
    }
}
