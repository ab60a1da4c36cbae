//! Where a first export begins, as it is asked.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use events::log::{Log, LogError};
use events::words::Position;

/// Where a first export begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Behind this position.
    Position(Position),
    /// With what was recorded at this time or later.
    Time(DateTime<Utc>),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(position) = text.parse()
            && position >= 0
        {
            return Ok(Self::Position(Position(position)));
        }
        let day = text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN).and_utc());
        let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
        time.or(day).map(Self::Time).map_err(|_| {
            format!(
                "`{text}` is neither a position, such as 1200, nor a time, such as \
                 2026-03-01T12:00:00Z, nor a day (UTC), such as 2026-03-01"
            )
        })
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => position.fmt(f),
            Self::Time(time) => f.write_str(&time.to_rfc3339()),
        }
    }
}

impl Since {
    /// The last position that is not meant.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn after(&self, log: &Log) -> Result<Position, LogError> {
        match self {
            Self::Position(position) => Ok(*position),
            Self::Time(time) => log.position_at(*time - TimeDelta::microseconds(1)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_times_and_days_are_told_apart() {
        let at = |text: &str| Since::Time(text.parse().unwrap());
        assert_eq!("0".parse(), Ok(Since::Position(Position(0))));
        assert_eq!("2026-03-01".parse(), Ok(at("2026-03-01T00:00:00Z")));
        assert_eq!("2026-03-01T01:00:00+01:00".parse(), Ok(at("2026-03-01T00:00:00Z")));
        for wrong in ["", "-1", "yesterday", "2026-03", "1e3"] {
            let told = wrong.parse::<Since>().unwrap_err();
            assert!(told.contains(&format!("`{wrong}`")), "{told}");
        }
    }
}
