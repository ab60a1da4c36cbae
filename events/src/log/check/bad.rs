//! What can be wrong with a log, and how it is told. How it is found is not here.

use chrono::DateTime;
use serde::Serialize;

use crate::log::Hash;

/// What sort of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Facts are not there.
    Missing,
    /// A fact or a batch is where none belongs.
    Stray,
    /// Positions that belong to no batch, or to two.
    Batches,
    /// A time that is not that of the batch, or before that of the batch before.
    Time,
    /// A stream's versions are not 1, 2, 3 and so on, in the order of positions.
    Version,
    /// The hash of a batch is not what its facts make, behind the batch before.
    Hash,
    /// A batch that was noted is not there.
    CutOff,
}

/// Something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// The first position concerned; none, if that cannot be told.
    pub first: Option<i64>,
    /// The last one: that of the batch, if a batch of several facts is meant.
    pub last: Option<i64>,
    /// What sort of thing it is.
    pub kind: Kind,
    /// What is wrong, for people.
    pub reason: String,
}

impl Bad {
    /// At these positions.
    pub(super) fn at(first: i64, last: i64, kind: Kind, reason: String) -> Self {
        Self { first: Some(first), last: Some(last), kind, reason }
    }

    /// Where it begins, to compare; what has no place is behind all others.
    pub(super) fn from(&self) -> i64 {
        self.first.unwrap_or(i64::MAX)
    }
}

/// Facts stand behind the last batch.
pub(super) fn behind(last: Option<i64>, position: i64) -> Bad {
    let reason = match last {
        Some(last) => format!("a fact stands behind the last batch, which ends at {last}"),
        None => "a fact is there, and no batch at all".to_owned(),
    };
    Bad::at(position, position, Kind::Stray, reason)
}

/// The batch of a noted hash is not there.
pub(super) fn cut_off(hash: Hash) -> Bad {
    let reason = format!(
        "no batch has the hash {hash}: since that was noted the log was cut off, or rewritten \
         from some position on; or it is another log's"
    );
    Bad { first: None, last: None, kind: Kind::CutOff, reason }
}

/// PostgreSQL counts microseconds from 2000 on; this many lie between 1970 and then.
pub(super) const EPOCH_US: i64 = 946_684_800_000_000;

/// A time as PostgreSQL stores it, for people.
pub(super) fn time(stored_us: i64) -> String {
    let time = stored_us.checked_add(EPOCH_US).and_then(DateTime::from_timestamp_micros);
    time.map_or_else(|| format!("{stored_us} µs from 2000 on"), |time| time.to_rfc3339())
}

/// "position 4" or "positions 4 to 9".
pub(super) fn positions(first: i64, last: i64) -> String {
    if first == last { format!("position {first}") } else { format!("positions {first} to {last}") }
}
