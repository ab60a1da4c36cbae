//! Pages of hits: by the place of the last one seen, so that none is shown twice.

use std::cmp::Ordering;
use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::{Facet, Highlight, Hit, Hits, Ranked};
use crate::page::PageArgs;
use crate::{QueryError, ReaderLimits};

/// The place of a hit: the better ones stand before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub(super) score: f64,
    pub(super) feature: u8,
    pub(super) id: Uuid,
}

impl Place {
    fn order(&self, other: &Self) -> Ordering {
        let by_score = other.score.total_cmp(&self.score);
        by_score.then((self.feature, self.id).cmp(&(other.feature, other.id)))
    }

    /// The opaque text of the place.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut bytes = self.score.to_be_bytes().to_vec();
        bytes.push(self.feature);
        bytes.extend_from_slice(self.id.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place in a text.
    ///
    /// # Errors
    /// If it is none.
    pub fn decode(text: &str) -> Result<Self, QueryError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let place = bytes.as_deref().and_then(|bytes| {
            let (score, rest) = bytes.split_first_chunk::<8>()?;
            let (feature, id) = rest.split_first()?;
            let score = Some(f64::from_be_bytes(*score)).filter(|score| score.is_finite())?;
            Some(Self { score, feature: *feature, id: Uuid::from_slice(id).ok()? })
        });
        place.ok_or_else(|| QueryError::Invalid {
            field: "after",
            message: format!("`{text}` is no cursor; use one that a page of this search gave you"),
        })
    }
}

/// Which hits a page shows, and what there is around it.
pub(super) struct HitsPage {
    places: Vec<Place>,
    has_next: bool,
    has_previous: bool,
    total: usize,
    is_cut: bool,
}

/// The page of these hits that is wanted. The first so many are ranked; it ends there.
pub(super) fn page(
    args: &PageArgs,
    limits: &ReaderLimits,
    ranked: &[&Option<Ranked>],
) -> Result<HitsPage, QueryError> {
    let (size, _) = args.size(limits)?;
    let after = args.after.as_deref().map(Place::decode).transpose()?;
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
    let places = behind.into_iter().take(size).collect();
    Ok(HitsPage { places, has_next, has_previous, total, is_cut })
}

impl HitsPage {
    /// The ids of its hits of a feature.
    pub(super) fn ids(&self, feature: usize) -> Vec<Uuid> {
        let of_it = self.places.iter().filter(|place| usize::from(place.feature) == feature);
        of_it.map(|place| place.id).collect()
    }

    /// The page, with the records.
    pub(super) fn hits<T>(
        self,
        mut records: HashMap<Uuid, (T, Vec<Highlight>)>,
        facets: Vec<Facet>,
    ) -> Hits<T> {
        let items = self.places.into_iter().filter_map(|place| {
            let (record, highlights) = records.remove(&place.id)?;
            Some(Hit { record, score: place.score, highlights, place })
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
    fn a_place_survives_its_text_and_nothing_else_is_one() {
        let place = Place { score: 0.123_456_789, feature: 3, id: Uuid::from_u128(7) };
        assert_eq!(Place::decode(&place.encode()).unwrap(), place);
        let not_a_number = Place { score: f64::NAN, ..place };
        for text in ["", "x", "AAAA", "not base64!", &not_a_number.encode()] {
            assert!(Place::decode(text).is_err(), "{text}");
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
