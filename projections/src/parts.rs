//! The parts that a projection's work is split into. Not who has which: that is `sinks::leases`.

use events::log::RawFact;
use events::{Event, Recorded};
use uuid::Uuid;

/// Parts of a build of a projection: so many workers at most can share its work. Fixed for each
/// build when it begins.
pub const PARTS: i32 = 4;

/// The part of so many that a stream belongs to: the last eight bytes of both ids, mixed as
/// Fibonacci hashing does it (Knuth, The Art of Computer Programming, volume 3, 6.4). Parts that
/// are stored stand on it, so it never changes.
#[must_use]
pub fn part_of(organization: Uuid, stream: Uuid, parts: i32) -> i32 {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let low = |id: Uuid| id.as_u64_pair().1;
    let mixed = (low(organization).rotate_left(32) ^ low(stream)).wrapping_mul(GOLDEN) >> 32;
    let parts = u64::try_from(parts.max(1)).unwrap_or(1);
    i32::try_from(mixed % parts).unwrap_or(0)
}

/// The stream whose part takes a fact in: its own; for what is decided about a parked fact, that
/// of the parked fact.
#[must_use]
pub fn stream_of(fact: &Recorded) -> Uuid {
    match &fact.event {
        Event::Parked(decided) => decided.about().stream_id,
        _ => fact.stream_id,
    }
}

/// As [`part_of`], of a fact that is not decoded yet.
#[must_use]
pub fn part_of_raw(fact: &RawFact, parts: i32) -> i32 {
    part_of(fact.stream.organization, fact.stream.id, parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_spread_evenly_and_stay_where_they_are() {
        let organization = Uuid::from_u128(7);
        for parts in [1, 2, 4, 7] {
            let mut counts = vec![0_usize; usize::try_from(parts).unwrap()];
            for number in 0..10_000_u128 {
                let stream = Uuid::new_v5(&organization, &number.to_be_bytes());
                let part = part_of(organization, stream, parts);
                counts[usize::try_from(part).unwrap()] += 1;
            }
            let fair = 10_000 / counts.len();
            assert!(counts.iter().all(|count| count.abs_diff(fair) < fair / 10), "{counts:?}");
        }
        let stream = Uuid::parse_str("0192c7a0-5f3e-7a11-9d4b-3f2e1d0c9b8a").unwrap();
        assert_eq!([2, 4, 7].map(|parts| part_of(organization, stream, parts)), [1, 1, 2]);
    }
}
