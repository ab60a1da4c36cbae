//! The rows that may fit, from PostgreSQL: bounded, whatever is asked for.

use std::collections::HashSet;

use deadpool_postgres::Object;
use events::access::Access;
use projections::search::{Class, FEW_OF, Lexemes, few, tag};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::conditions::{Asked, Completions};
use super::features::{Findable, Kept};
use super::query::{Query, Word};
use super::ranking;
use crate::filter::Filter;
use crate::filter::sql::Sql;
use crate::{Param, QueryError, ReaderLimits};

/// Words of the vocabulary that a word is completed with.
const COMPLETIONS_MAX: usize = 50;
/// Codes that begin with the query: the others of the hits are for those with its words.
const CODES_MAX: usize = 250;
/// Hits that are enough at least, where there are more.
const ENOUGH: usize = 100;

/// A row that fits.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) id: Uuid,
    /// How good it is, from 0 to 1.
    pub(super) score: f64,
    /// Its values of the facets.
    pub(super) facets: Vec<Option<String>>,
}

/// Rows that fit, and whether there may be more.
#[derive(Debug, Clone, Default)]
pub(super) struct Candidates {
    pub(super) found: Vec<Candidate>,
    pub(super) is_cut: bool,
}

/// Asks PostgreSQL about the rows of one feature, within the boundary of an access.
pub(super) struct Searching<'a> {
    pub(super) client: &'a Object,
    pub(super) access: &'a Access,
    pub(super) limits: &'a ReaderLimits,
    /// The boundary.
    pub(super) within: Filter,
    /// What else has to hold.
    pub(super) filter: &'a Filter,
}

/// Above every text that begins so, in the order of code points.
fn behind(text: &str) -> String {
    format!("{text}\u{10FFFF}")
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Searching<'_> {
    /// Rows whose code is the query, or begins with it, or is one of these.
    pub(super) async fn codes<R: Findable>(
        &self,
        query: &Query,
        typos: Option<Vec<String>>,
    ) -> Result<Candidates, QueryError> {
        if R::KEPT == Kept::Rows {
            // They have no codes.
            return Ok(Candidates::default());
        }
        let mut sql = Sql::of(&self.within, 0);
        let fits = match typos {
            Some(typos) => {
                let typos = sql.param(typos, Type::TEXT_ARRAY);
                format!("search_code = any({typos})")
            }
            None => {
                let from = sql.param(query.code.clone(), Type::TEXT);
                let to = sql.param(behind(&query.code), Type::TEXT);
                format!("search_code >= {from} and search_code < {to}")
            }
        };
        let looked = sql.param(count(self.limits.search_rows_max), Type::INT8);
        let rows = format!(
            "(select * from search.{} where {} and {fits} order by search_code limit {looked})",
            R::NAME,
            sql.text()
        );
        self.ask::<R>(query, ("", &rows), "", (sql, &looked), CODES_MAX).await
    }

    /// Rows in which all words of the query stand, in places of these classes. What the index finds
    /// costs the more the more it is, whatever is read of it; so where it may be much, the index of
    /// a few of the rows is asked first, and the other only if those are not enough beside what was
    /// found before.
    pub(super) async fn words<R: Findable>(
        &self,
        query: &Query,
        among: &[Class],
        known: &Completions,
        before: &[Candidate],
    ) -> Result<Candidates, QueryError> {
        let rows_max = self.limits.search_rows_max;
        if R::KEPT == Kept::Rows {
            let mut sql = Sql::of(&self.within, 0);
            let found = self.in_rows_of_words::<R>(query, &mut sql);
            return self.looked_at::<R>(query, &found, None, (sql, rows_max)).await;
        }
        let asked = Asked::of(query, &tag(self.access.organization.0), among, known);
        let mut candidates = Candidates::default();
        if R::KEPT == Kept::IndexApart {
            let few = Some(few(R::KEY[1]));
            candidates = self.asked::<R>(query, &asked, few, rows_max.div_ceil(2)).await?;
            candidates.is_cut = self.are_enough(&candidates.found, before);
        }
        if !candidates.is_cut {
            candidates.add(self.asked::<R>(query, &asked, None, rows_max).await?);
            candidates.is_cut |= asked.is_cut;
        }
        // Of both together no more are ranked than of one.
        let most = self.limits.search_hits_max;
        candidates.is_cut |= candidates.found.len() > most;
        candidates.found.truncate(most);
        Ok(candidates)
    }

    /// Whether what a few of the rows gave is enough: all rows would give about as many as are
    /// ranked, or more.
    fn are_enough(&self, few: &[Candidate], before: &[Candidate]) -> bool {
        let most = self.limits.search_hits_max;
        let known: HashSet<Uuid> = before.iter().map(|candidate| candidate.id).collect();
        let others = few.iter().filter(|candidate| !known.contains(&candidate.id)).count();
        known.len() + others >= ENOUGH.min(most) && known.len() + others * FEW_OF >= most
    }

    /// Rows that fulfil what is asked, all or those within a part; at most so many are looked at.
    async fn asked<R: Findable>(
        &self,
        query: &Query,
        asked: &Asked,
        within: Option<String>,
        rows_max: usize,
    ) -> Result<Candidates, QueryError> {
        let mut sql = Sql::of(&self.within, 0);
        let index = sql.param(asked.index.clone(), Type::TEXT);
        // As a function it is not asked of the index, which would go through all of them; selected,
        // the query is read once, and not for each row.
        let rows = asked.rows.clone().map(|rows| {
            let rows = sql.param(rows, Type::TEXT);
            format!("ts_match_vq(search_words, (select {rows}::tsquery))")
        });
        let within = within.map(|within| format!("{within} and ")).unwrap_or_default();
        let found = format!("{within}search_words @@ {index}::tsquery");
        self.looked_at::<R>(query, &found, rows, (sql, rows_max)).await
    }

    /// That all words of the query stand in a row, where each word of a record is a row itself.
    fn in_rows_of_words<R: Findable>(&self, query: &Query, sql: &mut Sql) -> String {
        let (name, id) = (R::NAME, R::KEY[1]);
        let owner = sql.param(self.access.organization.0, Type::UUID);
        let most = sql.param(count(self.limits.search_rows_max), Type::INT8);
        let found = query.words.iter().map(|word| {
            let known = std::iter::once(&word.text).chain(word.corrections.keys());
            let known = sql.param(known.cloned().collect::<Vec<_>>(), Type::TEXT_ARRAY);
            let mut fits = format!("word = any({known})");
            if word.is_begun {
                let from = sql.param(word.text.clone(), Type::TEXT);
                let to = sql.param(behind(&word.text), Type::TEXT);
                fits = format!("({fits} or word >= {from} and word < {to})");
            }
            format!(
                "{id} in (select {id} from search.{name}_words \
                 where organization_id = {owner} and {fits} limit {most})"
            )
        });
        found.collect::<Vec<_>>().join(" and ")
    }

    /// Rows that an index finds, and of them those that fulfil the rest. The index is asked as if
    /// all were wanted, lest PostgreSQL reads the table instead, and read only as far as needed.
    async fn looked_at<R: Findable>(
        &self,
        query: &Query,
        found: &str,
        rest: Option<String>,
        (mut sql, rows_max): (Sql, usize),
    ) -> Result<Candidates, QueryError> {
        let looked = sql.param(count(rows_max), Type::INT8);
        // They are kept aside: whole rows of them are soon more than memory is granted for.
        let read = match *self.filter == Filter::all() {
            true => read::<R>().join(", "),
            false => "*".to_owned(),
        };
        let with = format!(
            "with found as materialized (select {read} from search.{} where {} and {found})",
            R::NAME,
            sql.text()
        );
        let rows = format!("(select * from found limit {looked})");
        let rest = rest.map(|rest| format!(" and {rest}")).unwrap_or_default();
        let hits_max = self.limits.search_hits_max;
        self.ask::<R>(query, (&with, &rows), &rest, (sql, &looked), hits_max).await
    }

    /// Of these rows the first so many that fulfil the filter and the rest.
    async fn ask<R: Findable>(
        &self,
        query: &Query,
        (with, rows): (&str, &str),
        rest: &str,
        (mut sql, looked): (Sql, &str),
        most: usize,
    ) -> Result<Candidates, QueryError> {
        let limit = sql.param(count(most), Type::INT8);
        let filter = Sql::of(self.filter, sql.params().count());
        let (columns, fits) = (columns::<R>(), format!("({}{rest}) is true", filter.text()));
        let statement = format!(
            "{with} select {columns}, {fits}, looked_at = {looked} \
             from (select f.*, row_number() over () as looked_at from {rows} as f) as looked \
             where {fits} or looked_at = {looked} limit {limit}"
        );
        let params: Vec<(Param<'_>, Type)> = sql.params().chain(filter.params()).collect();
        // Of filters there are any number.
        let rows = match *self.filter == Filter::all() {
            false => self.client.query_typed(&statement, &params).await?,
            true => {
                let statement = self.client.prepare_cached(&statement).await?;
                let params: Vec<Param<'_>> = params.into_iter().map(|(param, _)| param).collect();
                self.client.query(&statement, &params).await?
            }
        };
        let mut candidates = Candidates { found: Vec::new(), is_cut: rows.len() >= most };
        for row in &rows {
            if row.try_get(4)? {
                candidates.found.extend(candidate(query, row)?);
            }
            // The last row that was looked at comes whether it fits or not.
            candidates.is_cut |= row.try_get::<_, bool>(5)?;
        }
        Ok(candidates)
    }

    /// The first words of the vocabulary that begin as the word does that is being typed.
    pub(super) async fn completions<R: Findable>(
        &self,
        query: &Query,
    ) -> Result<Completions, QueryError> {
        let Some(word) = query.words.iter().find(|word| word.is_begun && !word.has_digit) else {
            return Ok(Completions { words: Vec::new(), are_all: true });
        };
        if R::KEPT == Kept::Rows {
            return Ok(Completions::default());
        }
        let statement = format!(
            "select distinct word from search.{}_words where organization_id = $1 \
             and word >= $2 and word < $3 order by word limit $4",
            R::NAME
        );
        let (end, most) = (behind(&word.text), count(COMPLETIONS_MAX + 1));
        let statement = self.client.prepare_cached(&statement).await?;
        let organization = &self.access.organization.0;
        let rows = self.client.query(&statement, &[organization, &word.text, &end, &most]).await?;
        let words = rows.iter().take(COMPLETIONS_MAX).map(|row| row.try_get(0));
        let words = words.collect::<Result<_, _>>()?;
        Ok(Completions { words, are_all: rows.len() <= COMPLETIONS_MAX })
    }

    /// Words of the vocabulary that may have been meant: those that begin with the same letter and
    /// are about as long; of a longer word also those with another first letter.
    pub(super) async fn similar<R: Findable>(
        &self,
        word: &Word,
    ) -> Result<Vec<String>, QueryError> {
        let typos = i32::from(word.tolerated());
        let Some(first) = word.text.chars().next().map(String::from) else {
            return Ok(Vec::new());
        };
        let statement = format!(
            "select coalesce(array_agg(distinct word), '{{}}') from ( \
                 (select word from search.{name}_words where organization_id = $1 \
                  and word >= $2 and word < $3 and char_length(word) between $4 and $5 limit $6) \
                 union all \
                 (select word from search.{name}_words \
                  where organization_id = $1 and word = any($7) limit $6)) as w",
            name = R::NAME
        );
        let letters = i32::try_from(word.text.chars().count()).unwrap_or(i32::MAX);
        let longest = if word.is_begun { i32::MAX } else { letters + typos };
        let shortest = letters - typos;
        let (end, others) = (behind(&first), word.with_other_first_letters());
        let most = count(self.limits.search_vocabulary_max);
        let statement = self.client.prepare_cached(&statement).await?;
        let organization = &self.access.organization.0;
        let row = self
            .client
            .query_one(
                &statement,
                &[organization, &first, &end, &shortest, &longest, &most, &others],
            )
            .await?;
        Ok(row.try_get(0)?)
    }
}

/// The columns that a candidate is made of.
fn read<R: Findable>() -> Vec<&'static str> {
    let facets = R::FACETS.iter().map(|(_, column)| *column);
    [R::KEY[1], "search_code", "search_words"].into_iter().chain(facets).collect()
}

/// What is read of a candidate; whether it fulfils the filter, and is the last one, comes behind.
fn columns<R: Findable>() -> String {
    let facets: Vec<String> =
        R::FACETS.iter().map(|(_, column)| format!("{column}::text")).collect();
    format!("{}, search_code, search_words, array[{}]", R::KEY[1], facets.join(", "))
}

fn candidate(query: &Query, row: &Row) -> Result<Option<Candidate>, QueryError> {
    let (code, lexemes): (Option<&str>, Option<Lexemes<'_>>) = (row.try_get(1)?, row.try_get(2)?);
    let score = lexemes.and_then(|lexemes| ranking::score(query, code, lexemes));
    let Some(score) = score else { return Ok(None) };
    Ok(Some(Candidate { id: row.try_get(0)?, score, facets: row.try_get(3)? }))
}

impl Word {
    fn with_other_first_letters(&self) -> Vec<String> {
        if self.tolerated() < 2 {
            return Vec::new();
        }
        super::typos::of_first_letter(&self.text.chars().collect::<Vec<_>>())
    }
}
