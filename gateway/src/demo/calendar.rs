//! When the demo's customers order: the days of half a year up to a moment, how many orders each
//! has, and at what hours. Not who orders what: that is `trade`.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use rand::Rng;

/// Where the wholesaler is.
pub(super) const ZONE: Tz = chrono_tz::Europe::Berlin;
/// Half a year: 26 weeks.
pub(super) const DAYS: u64 = 182;
/// How many orders there would be in all, if the last day were a whole one.
const ORDERS: u64 = 2_800;

/// A day of trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) date: NaiveDate,
    /// How many orders it has, if it is a whole one.
    pub(super) orders: u64,
}

/// The days up to that of a moment.
pub(super) fn days(until: DateTime<Utc>) -> Vec<Day> {
    let last = until.with_timezone(&ZONE).date_naive();
    let first = last - Days::new(DAYS - 1);
    let dates: Vec<NaiveDate> = first.iter_days().take(DAYS as usize).collect();
    let whole: u64 = dates.iter().map(|date| weight(*date)).sum();
    let (mut days, mut passed) = (Vec::with_capacity(dates.len()), 0);
    for date in dates {
        let before = ORDERS * passed / whole;
        passed += weight(date);
        days.push(Day { date, orders: ORDERS * passed / whole - before });
    }
    days
}

/// How much is ordered on such a day, beside others.
fn weight(date: NaiveDate) -> u64 {
    let day = match date.weekday() {
        Weekday::Mon => 125,
        Weekday::Tue => 112,
        Weekday::Wed | Weekday::Thu => 100,
        Weekday::Fri => 82,
        Weekday::Sat => 14,
        Weekday::Sun => 6,
    };
    let season = match date.month() {
        1 | 7 => 85,
        2 | 6 => 96,
        8 | 12 => 72,
        4 | 9 => 114,
        10 => 122,
        _ => 106,
    };
    // Some weeks are better than others.
    let week = 90 + u64::from(date.iso_week().week() * 7 % 21);
    day * season * week
}

/// A moment of a day's business hours: most order in the morning.
pub(super) fn moment(date: NaiveDate, dice: &mut impl Rng) -> DateTime<Utc> {
    let hour = 7 + dice.random_range(0..12_u32).min(dice.random_range(0..15));
    at(date, hour, dice.random_range(0..60), dice.random_range(0..60))
}

/// A moment by the wholesaler's clock; no hour that a change of it leaves out is asked for.
pub(super) fn at(date: NaiveDate, hour: u32, minute: u32, second: u32) -> DateTime<Utc> {
    let local = date.and_hms_opt(hour, minute, second).unwrap_or_default();
    let zoned = ZONE.from_local_datetime(&local).earliest();
    zoned.map_or_else(|| local.and_utc(), |zoned| zoned.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until() -> DateTime<Utc> {
        "2026-03-04T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn half_a_year_ends_on_the_day_and_every_order_has_one() {
        let days = days(until());
        assert_eq!(days.len(), 182);
        assert_eq!(days.last().unwrap().date, "2026-03-04".parse().unwrap());
        assert_eq!(days.iter().map(|day| day.orders).sum::<u64>(), ORDERS);
    }

    #[test]
    fn the_end_of_the_day_is_that_of_the_wholesalers_zone() {
        let days = days("2026-03-04T23:30:00Z".parse().unwrap());
        assert_eq!(days.last().unwrap().date, "2026-03-05".parse().unwrap());
    }

    #[test]
    fn weekends_are_quiet() {
        for week in days(until()).chunks(7) {
            let of = |weekday| week.iter().find(|day| day.date.weekday() == weekday).unwrap();
            assert!(of(Weekday::Mon).orders > 3 * of(Weekday::Sat).orders, "{week:?}");
            assert!(of(Weekday::Sun).orders <= of(Weekday::Sat).orders, "{week:?}");
        }
    }
}
