//! How a file writes moments, and what they come to: an instant, and the business day in the
//! mapping's zone.

use std::str::FromStr;

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::words::from_text;
use crate::import::reading::quoted;

/// A zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(pub Tz);

/// How moments are written.
#[derive(Debug, Clone)]
pub struct DateFormat {
    text: String,
    items: Vec<Item<'static>>,
}

from_text! { Zone, DateFormat, }

/// When something happened, and the business day that it counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The instant.
    pub at: DateTime<Utc>,
    /// The day, in the mapping's zone.
    pub day: NaiveDate,
}

/// What a text says, before a zone makes an instant of it.
#[derive(Debug, PartialEq)]
enum Read {
    At(DateTime<FixedOffset>),
    Local(NaiveDateTime),
    Day(NaiveDate),
}

impl FromStr for Zone {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let right = "use one of the IANA database, such as Europe/Zurich";
        text.parse().map(Self).map_err(|_| format!("unknown time zone `{text}`; {right}"))
    }
}

impl FromStr for DateFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let right = "write it as chrono's strftime does, such as %Y-%m-%d %H:%M:%S or %d.%m.%Y";
        let items = StrftimeItems::new(text).parse_to_owned();
        let items = items.map_err(|_| format!("`{text}` is no date format; {right}"))?;
        let format = Self { text: text.to_owned(), items };
        // What it writes of a day has to tell that day again.
        let day = NaiveDate::from_ymd_opt(2001, 2, 3).and_then(|day| day.and_hms_opt(4, 5, 0));
        let moment = day.map(|day| day.and_utc().fixed_offset()).unwrap_or_default();
        let mut written = String::new();
        let formatted = moment.format_with_items(format.items.iter());
        let tells = std::fmt::write(&mut written, format_args!("{formatted}")).is_ok()
            && format.read(&written).is_some_and(|read| read.day() == moment.date_naive());
        if tells {
            return Ok(format);
        }
        Err(format!("`{text}` does not tell a day with its month and year; {right}"))
    }
}

impl Read {
    fn day(&self) -> NaiveDate {
        match self {
            Self::At(at) => at.date_naive(),
            Self::Local(local) => local.date(),
            Self::Day(day) => *day,
        }
    }
}

impl DateFormat {
    fn read(&self, text: &str) -> Option<Read> {
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, text, self.items.iter()).ok()?;
        if parsed.offset().is_some() || parsed.timestamp().is_some() {
            let instant = || parsed.to_datetime_with_timezone(&Utc).ok();
            return match parsed.to_datetime() {
                Ok(at) => Some(Read::At(at)),
                Err(_) => Some(Read::At(instant()?.fixed_offset())),
            };
        }
        if let Ok(local) = parsed.to_naive_datetime_with_offset(0) {
            return Some(Read::Local(local));
        }
        let timeless = parsed.hour_mod_12().is_none() && parsed.minute().is_none();
        parsed.to_naive_date().ok().filter(|_| timeless).map(Read::Day)
    }

    /// The moment that a cell tells. A time that a change of clocks makes twice is the earlier one;
    /// one that it leaves out is none. A day alone is its first instant.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn moment(&self, text: &str, zone: Zone) -> Result<Moment, String> {
        let (format, read) = (&self.text, self.read(text));
        let text = quoted(text);
        let read = read.ok_or_else(|| {
            format!("`{text}` is no date of the mapping's format `{format}` (`dates.format`)")
        })?;
        let year = read.day().year();
        if !(1..=9_999).contains(&year) {
            return Err(format!("`{text}` has the year {year}, not one of 1 to 9999"));
        }
        let at = match read {
            Read::At(at) => at.with_timezone(&zone.0),
            Read::Local(local) => {
                zone.0.from_local_datetime(&local).earliest().ok_or_else(|| {
                    format!("there was no {text} in {}: the clocks were put forward then", zone.0)
                })?
            }
            Read::Day(day) => zone.start_of(day).ok_or_else(|| {
                format!("there was no {text} in {}: the calendar left it out", zone.0)
            })?,
        };
        Ok(Moment { at: at.to_utc(), day: at.date_naive() })
    }
}

impl Zone {
    /// The first instant of a day: where clocks are put forward at midnight, an hour later.
    fn start_of(self, day: NaiveDate) -> Option<DateTime<Tz>> {
        let midnight = day.and_time(chrono::NaiveTime::MIN);
        let quarters = (0..96).map(|quarter| midnight + TimeDelta::minutes(15 * quarter));
        quarters.filter_map(|local| self.0.from_local_datetime(&local).earliest()).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(format: &str, zone: &str, text: &str) -> Result<(String, String), String> {
        let moment = format.parse::<DateFormat>()?.moment(text, zone.parse()?)?;
        Ok((moment.at.to_rfc3339(), moment.day.to_string()))
    }

    #[test]
    fn a_local_time_is_an_instant_and_a_business_day_of_its_zone() {
        for (format, zone, text, at, day) in [
            (
                "%Y-%m-%d %H:%M:%S",
                "Europe/London",
                "2011-07-01 00:30:00",
                "2011-06-30T23:30",
                "07-01",
            ),
            ("%d.%m.%Y %H:%M", "Europe/Zurich", "1.2.2011 0:05", "2011-01-31T23:05", "02-01"),
            (
                "%m/%d/%y %I:%M %p",
                "America/New_York",
                "12/31/10 11:30 PM",
                "2011-01-01T04:30",
                "12-31",
            ),
            (
                "%Y-%m-%dT%H:%M:%S%z",
                "Europe/Zurich",
                "2011-01-01T23:30:00+0000",
                "2011-01-01T23:30",
                "01-02",
            ),
            ("%s", "Europe/Zurich", "1293922200", "2011-01-01T22:50", "01-01"),
            ("%d.%m.%Y", "Europe/Zurich", "01.07.2011", "2011-06-30T22:00", "07-01"),
            ("%Y%m%d", "UTC", "20110701", "2011-07-01T00:00", "07-01"),
        ] {
            let (found, found_day) = moment(format, zone, text).expect(text);
            assert!(found.starts_with(at), "{text}: {found}");
            assert!(found_day.ends_with(day), "{text}: {found_day}");
        }
    }

    #[test]
    fn a_time_that_is_twice_is_the_earlier_one() {
        let (at, day) =
            moment("%Y-%m-%d %H:%M", "Europe/London", "2011-10-30 01:30").expect("a moment");
        assert_eq!((at.as_str(), day.as_str()), ("2011-10-30T00:30:00+00:00", "2011-10-30"));
    }

    #[test]
    fn a_time_that_never_was_is_refused() {
        let told = moment("%Y-%m-%d %H:%M", "Europe/London", "2011-03-27 01:30").unwrap_err();
        assert!(told.contains("clocks were put forward"), "{told}");
    }

    #[test]
    fn a_day_whose_midnight_never_was_begins_at_one() {
        let (at, day) = moment("%d/%m/%Y", "America/Sao_Paulo", "16/10/2011").expect("a moment");
        assert_eq!((at.as_str(), day.as_str()), ("2011-10-16T03:00:00+00:00", "2011-10-16"));
        // Samoa went over the date line.
        assert!(moment("%d/%m/%Y", "Pacific/Apia", "30/12/2011").unwrap_err().contains("calendar"));
    }

    #[test]
    fn what_is_no_date_is_refused_with_the_format() {
        for text in ["", "2011-13-01 00:00:00", "2011-02-29 00:00:00", "01.07.2011", "2011-07-01"] {
            let told = moment("%Y-%m-%d %H:%M:%S", "UTC", text).unwrap_err();
            assert!(told.contains("%Y-%m-%d %H:%M:%S"), "{text}: {told}");
        }
        assert!(moment("%Y-%m-%d", "UTC", "0000-01-01").unwrap_err().contains("1 to 9999"));
    }

    #[test]
    fn a_format_that_tells_no_day_is_refused() {
        for format in ["%H:%M", "%d.%m.", "%Y-%m", "%Q", "", "%", "today"] {
            assert!(format.parse::<DateFormat>().is_err(), "{format}");
        }
        for format in ["%Y-%j", "%d %b %Y", "%A, %d %B %Y", "%G-W%V-%u", "%+", "%s"] {
            assert!(format.parse::<DateFormat>().is_ok(), "{format}");
        }
    }
}
