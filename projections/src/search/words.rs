//! The words of a row as PostgreSQL's `tsvector`, in its binary form, both ways.

use std::collections::BTreeMap;
use std::error::Error;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::table::{Column, NamedType, Value};

use super::{Class, LEXEME_HEAD, Searched, Weight, code, has_digit, lexeme, tag, tokens};

/// The columns of a table that are written for searching alone.
pub(crate) const COLUMNS: &[NamedType] = &[("search_code", "text"), ("search_words", "tsvector")];

/// Words of a row that count; further ones are not found.
const WORDS_MAX: usize = 2_000;
/// How long a text may be, for it to be looked for in one piece.
const CODE_BYTES_MAX: usize = 40;

/// The lexemes of a row, each with the weight of the best place where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(BTreeMap<String, Weight>);

/// What a row is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundBy {
    /// Its code, without whatever stands between letters and digits.
    pub code: Option<String>,
    /// Its words.
    pub words: Words,
}

impl FoundBy {
    /// What this row is found by.
    pub fn of<R: Searched>(row: &R) -> Self {
        let tag = tag(row.key().0);
        let (mut words, mut whole) = (Words::default(), None);
        for field in row.fields() {
            for token in tokens(&field.text) {
                words.add(&tag, &token.word, field.weight);
            }
            // What has digits is also looked for in one piece: numbers, references, phones.
            if field.weight >= Weight::C
                && has_digit(&field.text)
                && let Some(code) = code(&field.text).filter(|code| code.len() <= CODE_BYTES_MAX)
            {
                words.add(&tag, &code, field.weight);
            }
            if field.weight == Weight::A {
                whole = code(&field.text);
            }
        }
        Self { code: whole, words }
    }
}

/// Adds the values of [`COLUMNS`], a column an array.
pub(crate) fn with_columns<R: Searched>(mut columns: Vec<Column>, rows: &[&R]) -> Vec<Column> {
    let found = rows.iter().map(|row| FoundBy::of(*row));
    let (codes, words): (Vec<_>, Vec<_>) = found.map(|found| (found.code, found.words)).unzip();
    columns.extend([Box::new(codes) as Column, Box::new(words)]);
    columns
}

/// Adds the values of [`COLUMNS`]: the row stands for each.
pub(crate) fn with_values<'a, R: ToSql + Sync>(
    mut values: Vec<Value<'a>>,
    row: &'a R,
) -> Vec<Value<'a>> {
    values.extend([row as Value<'a>; COLUMNS.len()]);
    values
}

/// The one or the other, as the column wants it.
impl ToSql for FoundBy {
    fn to_sql(
        &self,
        sql_type: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match *sql_type {
            Type::TS_VECTOR => self.words.to_sql(sql_type, out),
            _ => self.code.to_sql(sql_type, out),
        }
    }

    fn accepts(sql_type: &Type) -> bool {
        Words::accepts(sql_type) || *sql_type == Type::TEXT
    }

    to_sql_checked!();
}

impl Words {
    fn add(&mut self, tag: &str, word: &str, weight: Weight) {
        let class = match weight {
            _ if has_digit(word) => Class::Digits,
            Weight::D => Class::Text,
            _ => Class::Name,
        };
        let lexeme = lexeme(tag, class, word);
        if self.0.len() < WORDS_MAX || self.0.contains_key(&lexeme) {
            let best = self.0.entry(lexeme).or_insert(weight);
            *best = weight.max(*best);
        }
    }
}

impl ToSql for Words {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&u32::try_from(self.0.len())?.to_be_bytes());
        for (lexeme, weight) in &self.0 {
            out.extend_from_slice(lexeme.as_bytes());
            out.extend_from_slice(&[0, 0, 1]);
            // The weight stands in the two highest bits of a place; which place, nobody asks.
            out.extend_from_slice(&((*weight as u16) << 14 | 1).to_be_bytes());
        }
        Ok(IsNull::No)
    }

    fn accepts(sql_type: &Type) -> bool {
        *sql_type == Type::TS_VECTOR
    }

    to_sql_checked!();
}

/// The lexemes of a stored row, as they lie in what PostgreSQL sent.
#[derive(Debug, Clone, Copy)]
pub struct Lexemes<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Lexemes<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.get(4..).ok_or("a tsvector without a length")?))
    }

    fn accepts(sql_type: &Type) -> bool {
        *sql_type == Type::TS_VECTOR
    }
}

impl<'a> Iterator for Lexemes<'a> {
    type Item = (&'a str, Weight);

    /// The next word, without what stands before it in its lexeme, and its weight.
    fn next(&mut self) -> Option<Self::Item> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let lexeme = std::str::from_utf8(&self.0[..end]).ok()?;
        let rest = self.0.get(end + 1..)?;
        let (count, rest) = rest.split_first_chunk::<2>()?;
        let (places, rest) = rest.split_at_checked(2 * usize::from(u16::from_be_bytes(*count)))?;
        self.0 = rest;
        let weight = match places.first().map_or(0, |byte| byte >> 6) {
            3 => Weight::A,
            2 => Weight::B,
            1 => Weight::C,
            _ => Weight::D,
        };
        Some((lexeme.get(LEXEME_HEAD..)?, weight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_way_through_their_bytes() {
        let mut words = Words::default();
        for (word, weight) in
            [("bolt", Weight::B), ("bolt", Weight::C), ("é", Weight::D), ("m8", Weight::A)]
        {
            words.add("0a1b2c", word, weight);
        }
        let mut bytes = BytesMut::new();
        words.to_sql(&Type::TS_VECTOR, &mut bytes).unwrap();
        let read: Vec<(&str, Weight)> =
            Lexemes::from_sql(&Type::TS_VECTOR, &bytes).unwrap().collect();
        assert_eq!(read, [("m8", Weight::A), ("é", Weight::D), ("bolt", Weight::B)]);
    }

    #[test]
    fn a_row_has_so_many_words_and_no_more() {
        let mut words = Words::default();
        for number in 0..3_000 {
            words.add("0a1b2c", &format!("w{number}"), Weight::D);
        }
        assert_eq!(words.0.len(), WORDS_MAX);
    }
}
