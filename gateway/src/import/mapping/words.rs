//! The words that a mapping's keys take, each of which parses itself: where one is wrong, the error
//! says so at its place in the mapping.

use std::str::FromStr;

use regex::Regex;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What stands between two cells: one ASCII character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(pub u8);

/// What a cell may stand in; none: quotes mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote(pub Option<u8>);

/// What may stand between groups of three digits; none: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Separator(pub Option<char>);

/// A character encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(pub &'static encoding_rs::Encoding);

/// A regular expression.
#[derive(Debug, Clone)]
pub struct Pattern(pub Regex);

/// A column of the file, and which part of its cells is meant.
#[derive(Debug, Clone)]
pub struct Column {
    /// Which.
    pub place: Place,
    /// Its first group, or else all that it finds, is the value.
    pub pattern: Option<Pattern>,
}

/// Where a column stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Under this heading.
    Heading(String),
    /// It is the one of this number, from 1.
    Number(usize),
}

impl Default for Encoding {
    fn default() -> Self {
        Self(encoding_rs::UTF_8)
    }
}

/// Deserializes what parses itself from a string.
macro_rules! from_text {
    ($( $word:ty, )+) => { $(
        impl<'de> serde::Deserialize<'de> for $word {
            fn deserialize<D: serde::Deserializer<'de>>(words: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str>>::deserialize(words)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+ };
}

pub(super) use from_text;

from_text! { Delimiter, Quote, Separator, Encoding, Pattern, }

fn ascii(text: &str) -> Option<u8> {
    let fits = |byte: &u8| byte.is_ascii_graphic() || [b'\t', b' '].contains(byte);
    text.bytes().next().filter(|byte| text.len() == 1 && fits(byte))
}

impl FromStr for Delimiter {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no delimiter; use one ASCII character: , ; | or \\t");
        ascii(text).map(Self).ok_or_else(wrong)
    }
}

impl FromStr for Quote {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no quote; use one ASCII character, or \"\" for none");
        if text.is_empty() {
            return Ok(Self(None));
        }
        ascii(text).map(|byte| Self(Some(byte))).ok_or_else(wrong)
    }
}

impl FromStr for Separator {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (None, _) => Ok(Self(None)),
            (Some(one), None) if !one.is_ascii_digit() && !"+-".contains(one) => {
                Ok(Self(Some(one)))
            }
            _ => Err(format!("`{text}` is no separator; use one character, or \"\" for none")),
        }
    }
}

impl FromStr for Encoding {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("unknown encoding `{text}`; use a label such as utf-8 or latin1");
        encoding_rs::Encoding::for_label(text.as_bytes()).map(Self).ok_or_else(wrong)
    }
}

impl FromStr for Pattern {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let pattern = Regex::new(text);
        pattern.map(Self).map_err(|error| format!("`{text}` is no regular expression: {error}"))
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnVisitor)
    }
}

struct ColumnVisitor;

impl<'de> Visitor<'de> for ColumnVisitor {
    type Value = Column;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a heading, a column's number, or { column = \"…\", pattern = \"…\" }")
    }

    fn visit_str<E: Error>(self, heading: &str) -> Result<Column, E> {
        let heading = heading.trim();
        if heading.is_empty() {
            return Err(E::custom("an empty heading; name a column"));
        }
        Ok(Column { place: Place::Heading(heading.to_owned()), pattern: None })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Column, E> {
        let number = usize::try_from(number).ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| E::custom("columns are numbered from 1"))?;
        Ok(Column { place: Place::Number(number), pattern: None })
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Column, M::Error> {
        let (mut column, mut pattern) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "column" => column = Some(map.next_value::<Column>()?),
                "pattern" => pattern = Some(map.next_value::<Pattern>()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    return Err(Error::unknown_field(&key, &["column", "pattern"]));
                }
            }
        }
        let column = column.ok_or_else(|| Error::missing_field("column"))?;
        if column.pattern.is_some() {
            return Err(Error::custom("`column` is a heading or a number"));
        }
        Ok(Column { place: column.place, pattern })
    }
}
