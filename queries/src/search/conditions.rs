//! A query as PostgreSQL asks its index: which lexemes have to be there. What is too common to be
//! asked of the index is asked of the rows that the rest finds.

use projections::search::{Class, lexeme};

use super::query::{Query, Word};

/// Letters of a word that is being typed from which on all that begin with it are asked of the
/// index together, however many they are.
const BEGUN_MIN: usize = 3;
/// Digits of a number from which on.
const NUMBER_MIN: usize = 2;
/// Completions that are asked of the index one by one; more are asked together, as all words that
/// begin so: it compares the rows of each with those of all others.
const APART_MAX: usize = 12;

/// Words of the vocabulary that begin with the one that is being typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Completions {
    /// The first of them.
    pub(super) words: Vec<String>,
    /// Whether there are no others.
    pub(super) are_all: bool,
}

/// What to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// Of the index, as a `tsquery`.
    pub(super) index: String,
    /// Of each row that it finds, as a `tsquery`.
    pub(super) rows: Option<String>,
    /// Whether more may fit than is asked for.
    pub(super) is_cut: bool,
}

impl Asked {
    /// Where each word stands in one of these places.
    pub(super) fn of(query: &Query, tag: &str, among: &[Class], known: &Completions) -> Self {
        let (mut index, mut rows, mut is_cut) = (Vec::new(), None, false);
        for word in &query.words {
            let letters = word.text.chars().count();
            let is_open = word.is_begun && !word.has_digit && !known.are_all;
            let is_alone = query.words.len() == 1;
            let is_short = match word.has_digit {
                true => word.is_begun && letters < NUMBER_MIN,
                false => is_open && letters <= BEGUN_MIN,
            };
            if is_short && !is_alone {
                rows = Some(any_of(&word.lexemes(tag, among, &[], true)));
                continue;
            }
            let begun = if is_open { is_alone && letters < BEGUN_MIN } else { true };
            is_cut |= is_open && begun;
            let completions: &[String] = if word.is_begun { &known.words } else { &[] };
            let are_many = known.are_all && completions.len() > APART_MAX;
            let all = are_many || is_open && !begun;
            index.push(any_of(&word.lexemes(tag, among, completions, all)));
        }
        Self { index: index.join("&"), rows, is_cut }
    }
}

impl Word {
    /// The lexemes that fit it: itself, its completions and corrections; or all that begin so.
    fn lexemes(&self, tag: &str, among: &[Class], known: &[String], all: bool) -> Vec<String> {
        let begun = |class| format!("'{}':*", lexeme(tag, class, &self.text));
        let whole = |class, word: &str| format!("'{}'", lexeme(tag, class, word));
        if self.has_digit {
            let class = Class::Digits;
            return vec![if self.is_begun { begun(class) } else { whole(class, &self.text) }];
        }
        let mut lexemes = Vec::new();
        for &class in among {
            match all {
                true => lexemes.push(begun(class)),
                false => {
                    lexemes.push(whole(class, &self.text));
                    let others = known.iter().filter(|word| **word != self.text);
                    lexemes.extend(others.map(|word| whole(class, word)));
                }
            }
            lexemes.extend(self.corrections.keys().map(|word| whole(class, word)));
        }
        // Codes begin with letters.
        if self.is_begun && self.text.chars().nth(1).is_some() {
            lexemes.push(begun(Class::Digits));
        }
        lexemes
    }
}

/// Lexemes are letters and digits, so nothing in them means anything to PostgreSQL.
fn any_of(lexemes: &[String]) -> String {
    format!("({})", lexemes.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReaderLimits;

    const TAG: &str = "0a1b2c";

    fn asked(text: &str, words: &[&str], are_all: bool) -> Asked {
        let query = Query::of(text, &ReaderLimits::default()).unwrap().expect("words");
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Asked::of(&query, TAG, &[Class::Name], &Completions { words, are_all })
    }

    #[test]
    fn a_word_that_is_typed_is_each_that_begins_so() {
        let few = asked("red he", &["heart", "hen"], true);
        assert_eq!(
            few.index,
            "('0a1b2cnred')&('0a1b2cnhe'|'0a1b2cnheart'|'0a1b2cnhen'|'0a1b2cche':*)"
        );
        assert_eq!((few.rows, few.is_cut), (None, false));
    }

    #[test]
    fn beginnings_of_many_words_are_asked_of_rows_or_cut() {
        let many = asked("red he", &["heart", "hen"], false);
        assert_eq!(many.index, "('0a1b2cnred')");
        assert_eq!(many.rows.as_deref(), Some("('0a1b2cnhe':*|'0a1b2cche':*)"));
        let alone = asked("h", &["heart"], false);
        assert_eq!((alone.index.as_str(), alone.is_cut), ("('0a1b2cnh'|'0a1b2cnheart')", true));
        let longer = asked("heart", &["heart"], false);
        assert_eq!(longer.index, "('0a1b2cnheart':*|'0a1b2ccheart':*)");
        assert!(!longer.is_cut);
    }

    #[test]
    fn all_completions_are_asked_together_if_they_are_many() {
        let words: Vec<String> = ('a'..='m').map(|letter| format!("he{letter}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let many = asked("red he", &words, true);
        assert_eq!(many.index, "('0a1b2cnred')&('0a1b2cnhe':*|'0a1b2cche':*)");
        assert_eq!((many.rows, many.is_cut), (None, false));
    }

    #[test]
    fn a_number_is_not_completed_from_the_vocabulary() {
        assert_eq!(asked("m8 12", &[], true).index, "('0a1b2ccm8')&('0a1b2cc12':*)");
        let short = asked("m8 1", &[], true);
        assert_eq!(short.index, "('0a1b2ccm8')");
        assert_eq!(short.rows.as_deref(), Some("('0a1b2cc1':*)"), "many numbers begin so");
    }
}
