//! How many hits have which value of a column.

use std::collections::BTreeMap;

use super::Ranked;
use super::features::FEATURES;
use crate::QueryError;

/// How many hits have which value of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// Of what.
    pub name: String,
    /// The values, the most frequent first.
    pub values: Vec<FacetValue>,
}

/// How many hits have a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetValue {
    /// The value; none: those that have none.
    pub value: Option<String>,
    /// How many.
    pub count: usize,
}

/// The only facet of hits of several features.
pub(super) const FEATURE: &str = "feature";

/// Refuses facets that there are not.
pub(super) fn check(known: &[&str], wanted: &[String]) -> Result<(), QueryError> {
    let unknown = wanted.iter().find(|name| !known.contains(&name.as_str()));
    unknown.map_or(Ok(()), |unknown| {
        let message = format!("there is no facet `{unknown}`; there are {}", known.join(", "));
        Err(QueryError::Invalid { field: "facets", message })
    })
}

/// Counts the facets of a feature's hits; each that is wanted is one of these.
pub(super) fn count(
    facets: &[(&str, &str)],
    wanted: &[String],
    ranked: Option<&Ranked>,
) -> Vec<Facet> {
    let place = |name: &String| facets.iter().position(|(known, _)| known == name);
    let counted = wanted.iter().filter_map(|name| {
        let place = place(name)?;
        let hits = ranked.into_iter().flat_map(|ranked| &ranked.candidates.found);
        Some(facet(name, hits.map(|hit| hit.facets.get(place).cloned().flatten())))
    });
    counted.collect()
}

/// Counts the hits of each feature, if that is wanted.
pub(super) fn by_feature(wanted: &[String], ranked: &[Option<Ranked>]) -> Vec<Facet> {
    let hits = ranked.iter().flatten().flat_map(|ranked| {
        let feature = FEATURES.get(ranked.feature).map(|feature| (*feature).to_owned());
        vec![feature; ranked.candidates.found.len()]
    });
    let facet = |_: &String| facet(FEATURE, hits.clone());
    wanted.iter().take(1).map(facet).collect()
}

fn facet(name: &str, values: impl Iterator<Item = Option<String>>) -> Facet {
    let mut counts: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let value = |(value, count)| FacetValue { value, count };
    let mut values: Vec<FacetValue> = counts.into_iter().map(value).collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.count));
    Facet { name: name.to_owned(), values }
}
