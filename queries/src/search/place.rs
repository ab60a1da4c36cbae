//! Pages of hits: by the place of the last one seen, so that none is shown twice.

use std::cmp::Ordering;
use std::collections::HashMap;

use events::personal::Key;
use uuid::Uuid;

use super::{Facet, Highlight, Hit, Hits, Ranked};
use crate::cursor;
use crate::page::PageArgs;
use crate::{QueryError, ReaderLimits};

/// The place of a hit: the better ones stand before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    score: f64,
    feature: u8,
    id: Uuid,
}

impl Place {
    fn order(&self, other: &Self) -> Ordering {
        let by_score = other.score.total_cmp(&self.score);
        by_score.then((self.feature, self.id).cmp(&(other.feature, other.id)))
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.score.to_be_bytes().to_vec();
        bytes.push(self.feature);
        bytes.extend_from_slice(self.id.as_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (score, rest) = bytes.split_first_chunk::<8>()?;
        let (feature, id) = rest.split_first()?;
        let score = Some(f64::from_be_bytes(*score)).filter(|score| score.is_finite())?;
        Some(Self { score, feature: *feature, id: Uuid::from_slice(id).ok()? })
    }
}

/// What cursors are signed with, and which search they belong to.
pub(super) struct Book<'a> {
    pub(super) key: &'a Key,
    pub(super) of: String,
}

impl Book<'_> {
    fn place(&self, text: &str) -> Result<Place, QueryError> {
        let bytes = cursor::open(self.key, &self.of, "after", text)?;
        Place::decode(&bytes).ok_or_else(|| QueryError::Invalid {
            field: "after",
            message: format!("`{text}` is a cursor of an older program; begin the search again"),
        })
    }

    fn cursor(&self, place: &Place) -> String {
        cursor::seal(self.key, &self.of, &place.encode())
    }
}

/// Which hits a page shows, and what there is around it.
pub(super) struct HitsPage {
    places: Vec<(Place, String)>,
    has_next: bool,
    has_previous: bool,
    total: usize,
    is_cut: bool,
}

/// The page of these hits that is wanted. The first so many are ranked; it ends there.
pub(super) fn page(
    book: &Book<'_>,
    args: &PageArgs,
    limits: &ReaderLimits,
    ranked: &[&Option<Ranked>],
) -> Result<HitsPage, QueryError> {
    let (size, _) = args.size(limits)?;
    let after = args.after.as_deref().map(|after| book.place(after)).transpose()?;
    let mut places: Vec<Place> = Vec::new();
    let mut is_cut = false;
    for ranked in ranked.iter().filter_map(|ranked| ranked.as_ref()) {
        let feature = u8::try_from(ranked.feature).unwrap_or(u8::MAX);
        is_cut |= ranked.candidates.is_cut;
        let found = ranked.candidates.found.iter();
        places.extend(found.map(|hit| Place { score: hit.score, feature, id: hit.id }));
    }
    let total = places.len();
    places.sort_by(Place::order);
    places.truncate(limits.search_hits_max);
    let seen = |after: Place| places.partition_point(|place| place.order(&after).is_le());
    let behind = places.split_off(after.map_or(0, seen));
    let has_next = behind.len() > size;
    let has_previous = after.is_some();
    let places = behind.into_iter().take(size).map(|place| (place, book.cursor(&place))).collect();
    Ok(HitsPage { places, has_next, has_previous, total, is_cut })
}

impl HitsPage {
    /// The ids of its hits of a feature.
    pub(super) fn ids(&self, feature: usize) -> Vec<Uuid> {
        let of_it = self.places.iter().filter(|(place, _)| usize::from(place.feature) == feature);
        of_it.map(|(place, _)| place.id).collect()
    }

    /// The page, with the records.
    pub(super) fn hits<T>(
        self,
        mut records: HashMap<Uuid, (T, Vec<Highlight>)>,
        facets: Vec<Facet>,
    ) -> Hits<T> {
        let items = self.places.into_iter().filter_map(|(place, cursor)| {
            let (record, highlights) = records.remove(&place.id)?;
            Some(Hit { record, score: place.score, highlights, cursor })
        });
        Hits {
            items: items.collect(),
            has_next: self.has_next,
            has_previous: self.has_previous,
            total: self.total,
            is_cut: self.is_cut,
            facets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_bytes_and_nothing_else_is_one() {
        let place = Place { score: 0.123_456_789, feature: 3, id: Uuid::from_u128(7) };
        assert_eq!(Place::decode(&place.encode()), Some(place));
        let not_a_number = Place { score: f64::NAN, ..place }.encode();
        for bytes in [&[][..], &[1], &[0; 24], &not_a_number] {
            assert_eq!(Place::decode(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn better_hits_stand_before_worse_ones() {
        let place = |score, id| Place { score, feature: 0, id: Uuid::from_u128(id) };
        let mut places = [place(0.1, 1), place(0.5, 3), place(0.5, 2)];
        places.sort_by(Place::order);
        assert_eq!(places.map(|place| place.id.as_u128()), [2, 3, 1]);
    }
}
