//! What somebody typed: its words, and what in a row fits each of them. The index and the ranking
//! ask the same.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use projections::search::{code, has_digit, tokens};

use super::typos;
use crate::{QueryError, ReaderLimits};

/// Corrections of a word that are looked for.
const CORRECTIONS_MAX: usize = 30;
/// How long a code is in which a typo is tolerated.
const CODE_CHARS: RangeInclusive<usize> = 4..=40;

/// What is searched for.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// Its words, in order, each once.
    pub(super) words: Vec<Word>,
    /// All of it as a code.
    pub(super) code: String,
    /// Whether codes that are one typo away are meant too.
    pub(super) corrects_code: bool,
}

/// A word of it.
#[derive(Debug, Clone)]
pub(super) struct Word {
    /// As it is compared.
    pub(super) text: String,
    /// Whether it is still being typed: words that begin so fit too.
    pub(super) is_begun: bool,
    /// Whether it has a digit.
    pub(super) has_digit: bool,
    /// Words that are meant if it was mistyped, with the number of typos.
    pub(super) corrections: HashMap<String, u8>,
}

/// How well a word fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It is the word.
    Whole,
    /// It begins with the word.
    Begun,
    /// It is so many typos away.
    Typos(u8),
}

impl Query {
    /// The query in a text; none: it has no letter and no digit, so nothing fits it.
    pub(super) fn of(text: &str, limits: &ReaderLimits) -> Result<Option<Self>, QueryError> {
        let refused = |message| Err(QueryError::Invalid { field: "query", message });
        let (chars, most) = (text.chars().count(), limits.search_chars_max);
        if chars > most {
            return refused(format!("it has {chars} characters; at most {most} are searched for"));
        }
        let found = tokens(text);
        let (count, most) = (found.len(), limits.search_words_max);
        if count > most {
            return refused(format!("it has {count} words; at most {most} are searched for"));
        }
        let Some(code) = code(text) else { return Ok(None) };
        let is_open = !text.ends_with(char::is_whitespace);
        let mut words: Vec<Word> = Vec::new();
        for (at, token) in found.into_iter().enumerate() {
            let is_begun = is_open && at + 1 == count;
            match words.iter_mut().find(|word| word.text == token.word) {
                // Whatever is the word also begins with it.
                Some(word) => word.is_begun &= is_begun,
                None => words.push(Word::new(token.word, is_begun)),
            }
        }
        Ok(Some(Self { words, code, corrects_code: false }))
    }

    /// Lets words fit that are near to those that were typed, by what each is similar to; whether
    /// there are any.
    pub(super) fn correct(&mut self, similar: &[Vec<String>]) -> bool {
        for (word, similar) in self.words.iter_mut().zip(similar) {
            word.correct(similar, CORRECTIONS_MAX);
        }
        self.words.iter().any(|word| !word.corrections.is_empty())
    }

    /// The codes that may have been meant, if it is one.
    pub(super) fn similar_codes(&self) -> Option<Vec<String>> {
        let is_code = has_digit(&self.code) && CODE_CHARS.contains(&self.code.len());
        is_code.then(|| typos::of_code(&self.code))
    }

    /// Whether a word of a row fits any word of the query.
    pub(super) fn fits(&self, word: &str) -> bool {
        self.words.iter().any(|wanted| wanted.fit(word).is_some())
    }
}

impl Word {
    fn new(text: String, is_begun: bool) -> Self {
        let has_digit = has_digit(&text);
        Self { text, is_begun, has_digit, corrections: HashMap::new() }
    }

    /// How well a word of a row fits.
    pub(super) fn fit(&self, word: &str) -> Option<Fit> {
        match word.strip_prefix(self.text.as_str()) {
            Some("") => Some(Fit::Whole),
            Some(_) if self.is_begun => Some(Fit::Begun),
            _ => self.corrections.get(word).map(|typos| Fit::Typos(*typos)),
        }
    }

    /// How many typos are tolerated in it. Of a number none: another number means another thing.
    pub(super) fn tolerated(&self) -> u8 {
        if self.has_digit { 0 } else { typos::tolerated(&self.text) }
    }

    /// Keeps those words of a vocabulary that may have been meant: the nearest, at most so many.
    pub(super) fn correct(&mut self, vocabulary: &[String], most: usize) {
        let typed: Vec<char> = self.text.chars().collect();
        let tolerated = self.tolerated();
        let near = vocabulary.iter().filter_map(|word| {
            // A wrong first letter counts twice.
            let first = u8::from(word.chars().next() != typed.first().copied());
            let typos = typos::between(&typed, word, tolerated, self.is_begun)? + first;
            (typos > 0 && typos <= tolerated).then_some((typos, word))
        });
        let mut near: Vec<(u8, &String)> = near.collect();
        near.sort();
        near.truncate(most);
        self.corrections = near.into_iter().map(|(typos, word)| (word.clone(), typos)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::of(text, &ReaderLimits::default()).unwrap().expect("words")
    }

    #[test]
    fn the_last_word_is_being_typed_until_a_space_follows() {
        let begun = |text: &str| query(text).words.iter().map(|w| w.is_begun).collect::<Vec<_>>();
        assert_eq!(begun("Red hea"), [false, true]);
        assert_eq!(begun("Red hea "), [false, false]);
        assert_eq!(begun("red RED"), [false], "a word that is said twice is whole");
    }

    #[test]
    fn what_has_no_words_finds_nothing_and_what_is_endless_is_refused() {
        let limits = ReaderLimits::default();
        for text in ["", " ", "\0", "& | ! ( ) : * ' \\ %", "\u{301}"] {
            assert!(Query::of(text, &limits).unwrap().is_none(), "{text:?}");
        }
        assert!(Query::of(&"x".repeat(201), &limits).is_err());
        assert!(Query::of("a b c d e f g h i j", &limits).is_ok());
        assert!(Query::of("a b c d e f g h i j k", &limits).is_err());
    }

    #[test]
    fn a_word_fits_whole_begun_or_mistyped() {
        let mut word = query("chrismas").words.remove(0);
        let vocabulary = ["christmas", "chris", "thrismas", "chrismasy", "mass"];
        word.correct(&vocabulary.map(str::to_owned), 10);
        assert_eq!(word.fit("chrismas"), Some(Fit::Whole));
        assert_eq!(word.fit("chrismasy"), Some(Fit::Begun));
        assert_eq!(word.fit("christmas"), Some(Fit::Typos(1)));
        assert_eq!(word.fit("thrismas"), Some(Fit::Typos(2)), "the first letter counts twice");
        assert_eq!(word.fit("mass"), None);
        assert_eq!(query("M8").words[0].tolerated(), 0);
    }
}
