//! What rows are found by: the words of their texts, as they are compared, and their code. Whoever
//! searches makes words of a query here too, so that both are the same. How it is searched is the
//! queries' business.

mod text;
pub(crate) mod words;

use std::borrow::Cow;

use uuid::Uuid;

use crate::table::RecordTable;
pub use text::{Token, code, tokens};
pub use words::{FoundBy, Lexemes, Words};

/// How much it says that a word stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Descriptions, reasons.
    D,
    /// References, names of others, addresses.
    C,
    /// The record's name.
    B,
    /// Its code: SKU, number.
    A,
}

/// A text of a record that it is found by.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub text: Cow<'a, str>,
    /// How much it says that a word stands in it.
    pub weight: Weight,
}

impl<'a> Field<'a> {
    /// A text, if it is there.
    pub(crate) fn of(name: &'static str, weight: Weight, text: &'a Option<String>) -> Option<Self> {
        let text = Cow::Borrowed(text.as_deref()?);
        Some(Self { name, text, weight })
    }

    /// A text that is always there.
    pub(crate) fn always(name: &'static str, weight: Weight, text: &'a str) -> Option<Self> {
        Some(Self { name, text: Cow::Borrowed(text), weight })
    }
}

/// A row that is found by its words.
pub trait Searched: RecordTable {
    /// Its texts, those that say most first. At most one is its code.
    fn fields(&self) -> Vec<Field<'_>>;
}

/// What kind of word it is: those of descriptions stand apart, so that whoever looks for a name
/// need not go through them, and so do those with digits, which are not part of any language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Of a name, a code or a reference.
    Name,
    /// Of a description.
    Text,
    /// With a digit in it, wherever it stands.
    Digits,
}

impl Class {
    const ALL: [(Self, char); 3] = [(Self::Name, 'n'), (Self::Text, 'd'), (Self::Digits, 'c')];

    fn letter(self) -> char {
        Self::ALL.iter().find(|(class, _)| *class == self).map_or('n', |(_, letter)| *letter)
    }
}

/// What every lexeme of an organization begins with: six digits of its id. So its words have
/// entries of their own in the index, and nobody waits for going through those of others.
#[must_use]
pub fn tag(organization: Uuid) -> String {
    organization.as_bytes()[..3].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Of so many rows one is of the few.
pub const FEW_OF: usize = 8;

/// Which rows are a few of all, by chance. What is found too often among all is looked
/// for among these, in an index of their own, which has this condition.
#[must_use]
pub fn few(id: &str) -> String {
    format!("get_byte(uuid_send({id}), 15) < {}", 256 / FEW_OF)
}

/// How many characters a lexeme has before the word itself: the tag and the class.
pub const LEXEME_HEAD: usize = 7;

/// A word as it stands in the index: letters and digits alone, whoever typed it.
#[must_use]
pub fn lexeme(tag: &str, class: Class, word: &str) -> String {
    let mut lexeme = String::with_capacity(LEXEME_HEAD + word.len());
    lexeme.push_str(tag);
    lexeme.push(class.letter());
    lexeme.push_str(word);
    lexeme
}

/// Whether it has a digit.
#[must_use]
pub fn has_digit(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit())
}
