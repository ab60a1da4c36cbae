//! Search: what somebody typed, in one feature or in all that they may read. What is asked and
//! answered stands here, as any search engine could answer it; how PostgreSQL does, in `search/`.
//!
//! A hit has every word of the query, the last one perhaps only begun. Codes come first, then words
//! by where they stand; where that finds too little, typos are tolerated.

mod candidates;
mod conditions;
mod facets;
mod features;
mod highlights;
mod place;
mod query;
mod ranking;
mod typos;

use std::collections::HashMap;

use events::access::{Access, read};
use futures_util::future::try_join_all;
use futures_util::{FutureExt, TryFutureExt, try_join};
use projections::search::Class;
use uuid::Uuid;

use crate::boundary::boundary;
use crate::filter::Filter;
use crate::page::PageArgs;
use crate::{QueryError, Reader, Seen};
use candidates::{Candidates, Searching};
pub use facets::{Facet, FacetValue};
pub use features::{FEATURES, Findable, Found};
use features::{Kept, each_feature};
pub use highlights::{Highlight, Part};
use place::{Book, HitsPage};
use query::Query;

/// What is searched for.
#[derive(Debug, Clone)]
pub struct SearchArgs {
    /// As it was typed.
    pub query: String,
    /// Which records, of one feature.
    pub filter: Filter,
    /// The facets to count.
    pub facets: Vec<String>,
    /// Which hits: `first` and `after` only.
    pub page: PageArgs,
}

/// A page of what was found, best first.
#[derive(Debug, Clone)]
pub struct Hits<T> {
    /// The page.
    pub items: Vec<Hit<T>>,
    /// Whether there are more behind it.
    pub has_next: bool,
    /// Whether there are some before it.
    pub has_previous: bool,
    /// How many there are in all, so far as they were looked for.
    pub total: usize,
    /// Whether there may be more than the total and the facets say.
    pub is_cut: bool,
    /// How many hits have which value.
    pub facets: Vec<Facet>,
}

/// Something that was found.
#[derive(Debug, Clone)]
pub struct Hit<T> {
    /// The record.
    pub record: T,
    /// How good it is, from 0 to 1.
    pub score: f64,
    /// Its texts that fit.
    pub highlights: Vec<Highlight>,
    /// Its place among the hits, for `after`.
    pub cursor: String,
}

/// What was found in a feature, before a page of it is made.
struct Ranked {
    feature: usize,
    query: Query,
    candidates: Candidates,
}

impl Reader {
    /// A page of the records of a feature that fit.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn search_in<R: Findable>(
        &self,
        access: &Access,
        args: &SearchArgs,
    ) -> Result<Hits<Seen<R>>, QueryError> {
        let known: Vec<&str> = R::FACETS.iter().map(|(name, _)| *name).collect();
        facets::check(&known, &args.facets)?;
        args.filter.check(self.limits())?;
        let ranked = self.ranked::<R>(access, 0, args).await?;
        let counted = facets::count(R::FACETS, &args.facets, ranked.as_ref());
        let book = self.book(access, R::FEATURE, args).await?;
        let page = place::page(&book, &args.page, self.limits(), &[&ranked])?;
        let found = self.hits_of::<R>(access, ranked.as_ref(), &page).await?;
        Ok(page.hits(found.into_iter().collect(), counted))
    }

    /// A page of the records of these features that fit; none: of all that the actor may read.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn search(
        &self,
        access: &Access,
        features: Option<&[String]>,
        args: &SearchArgs,
    ) -> Result<Hits<Found>, QueryError> {
        let wanted = wanted(access, features)?;
        facets::check(&[facets::FEATURE], &args.facets)?;
        let mut number = 0..;
        macro_rules! ranked {
            ($row:ty) => {
                self.ranked_if::<$row>(access, number.next().unwrap_or_default(), &wanted, args)
                    .boxed()
            };
        }
        let ranked: Vec<Option<Ranked>> = try_join_all(each_feature!(ranked)).await?;
        let counted = facets::by_feature(&args.facets, &ranked);
        let book = self.book(access, &wanted.join(" "), args).await?;
        let all: Vec<_> = ranked.iter().collect();
        let page = place::page(&book, &args.page, self.limits(), &all)?;
        let mut by_feature = ranked.iter();
        macro_rules! rows {
            ($row:ty) => {{
                let ranked = by_feature.next().and_then(Option::as_ref);
                let rows = self.hits_of::<$row>(access, ranked, &page);
                let found = |(id, (row, marked))| (id, (Found::from(row), marked));
                rows.map_ok(move |rows| rows.into_iter().map(found).collect::<Vec<_>>()).boxed()
            }};
        }
        let found = try_join_all(each_feature!(rows)).await?;
        Ok(page.hits(found.into_iter().flatten().collect(), counted))
    }

    /// What the cursors of a search are signed with, and what they belong to.
    async fn book<'a>(
        &'a self,
        access: &Access,
        features: &str,
        args: &SearchArgs,
    ) -> Result<Book<'a>, QueryError> {
        let (key, owner) = (self.cursor_key().await?, access.organization.0);
        let (filter, query) = (&args.filter, &args.query);
        Ok(Book { key, of: format!("search {features} of {owner} {filter:?} {query}") })
    }

    async fn ranked_if<R: Findable>(
        &self,
        access: &Access,
        feature: usize,
        wanted: &[&str],
        args: &SearchArgs,
    ) -> Result<Option<Ranked>, QueryError> {
        match wanted.contains(&R::FEATURE) {
            true => self.ranked::<R>(access, feature, args).await,
            false => Ok(None),
        }
    }

    /// What fits in a feature; none: there is nothing that could fit.
    async fn ranked<R: Findable>(
        &self,
        access: &Access,
        feature: usize,
        args: &SearchArgs,
    ) -> Result<Option<Ranked>, QueryError> {
        let within = boundary(access, R::FEATURE)?;
        let limits = self.limits();
        let Some(mut query) = Query::of(&args.query, limits)? else { return Ok(None) };
        let client = self.client().await?;
        let searching = Searching { client: &client, access, limits, within, filter: &args.filter };
        let (codes, known) =
            try_join!(searching.codes::<R>(&query, None), searching.completions::<R>(&query))?;
        let mut candidates = codes;
        let names = searching.words::<R>(&query, &[Class::Name], &known, &[]).await?;
        let are_enough = names.is_cut;
        candidates.add(names);
        const EVERYWHERE: &[Class] = &[Class::Name, Class::Text];
        if R::KEPT == Kept::IndexApart && !are_enough {
            let found = &candidates.found;
            let others = searching.words::<R>(&query, EVERYWHERE, &known, found).await?;
            candidates.add(others);
        }
        if candidates.found.len() < limits.search_typos_below {
            let similar = query.words.iter().map(|word| searching.similar::<R>(word));
            let similar = try_join_all(similar).await?;
            if query.correct(&similar) {
                let found = &candidates.found;
                let others = searching.words::<R>(&query, EVERYWHERE, &known, found).await?;
                candidates.add(others);
            }
            if let Some(codes) = query.similar_codes() {
                query.corrects_code = true;
                candidates.add(searching.codes::<R>(&query, Some(codes)).await?);
            }
        }
        Ok(Some(Ranked { feature, query, candidates }))
    }

    /// The records of a page that are of a feature, each with its texts that fit.
    async fn hits_of<R: Findable>(
        &self,
        access: &Access,
        ranked: Option<&Ranked>,
        page: &HitsPage,
    ) -> Result<Vec<(Uuid, (Seen<R>, Vec<Highlight>))>, QueryError> {
        let ids = ranked.map(|ranked| page.ids(ranked.feature)).unwrap_or_default();
        let Some(ranked) = ranked.filter(|_| !ids.is_empty()) else { return Ok(Vec::new()) };
        let condition = format!("{} = any($1)", R::KEY[1]);
        let rows = self.rows::<R>(access, R::FEATURE, &condition, &[&ids]).await?;
        let marked = |row: Seen<R>| {
            let highlights = highlights::of(&ranked.query, &*row);
            (row.key().1, (row, highlights))
        };
        Ok(rows.into_iter().map(marked).collect())
    }
}

impl Candidates {
    /// Takes in others; a row that is in both is as good as it is in the better one.
    fn add(&mut self, others: Self) {
        self.is_cut |= others.is_cut;
        let mut places: HashMap<Uuid, usize> =
            self.found.iter().enumerate().map(|(at, candidate)| (candidate.id, at)).collect();
        for other in others.found {
            match places.get(&other.id).and_then(|at| self.found.get_mut(*at)) {
                Some(candidate) => candidate.score = candidate.score.max(other.score),
                None => {
                    places.insert(other.id, self.found.len());
                    self.found.push(other);
                }
            }
        }
    }
}

/// What has to have come so far as a caller says, where these features are searched.
#[must_use]
pub fn reads(features: Option<&[String]>) -> Vec<&'static str> {
    let is_wanted = |name: &str| features.is_none_or(|named| named.iter().any(|n| n == name));
    macro_rules! reads {
        ($row:ty) => {
            (<$row as Findable>::FEATURE, <$row as Findable>::READS)
        };
    }
    let wanted = each_feature!(reads).into_iter().filter(|(name, _)| is_wanted(name));
    wanted.flat_map(|(_, reads)| reads.iter().copied()).collect()
}

/// The features to search in: those that are named, which the actor has to be allowed to read; or
/// all that it may.
fn wanted<'a>(access: &Access, named: Option<&'a [String]>) -> Result<Vec<&'a str>, QueryError> {
    let Some(named) = named else {
        let readable = FEATURES.iter().copied().filter(|feature| access.actor.may(read(feature)));
        return Ok(readable.collect());
    };
    let unknown = named.iter().find(|name| !FEATURES.contains(&name.as_str()));
    if let Some(unknown) = unknown {
        let known = FEATURES.join(", ");
        let message = format!("`{unknown}` is not searched; there are {known}");
        return Err(QueryError::Invalid { field: "features", message });
    }
    Ok(named.iter().map(String::as_str).collect())
}
