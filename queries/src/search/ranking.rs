//! How good a hit is: a code before words, words as they were typed before typos, and words of
//! names before those of descriptions.

use projections::search::{Lexemes, Weight};

use super::query::{Fit, Query};
use super::typos;

/// A code that is the query, and one that begins with it, the more so the less is left.
const CODE: f64 = 1.0;
const CODE_BEGUN: (f64, f64) = (0.9, 0.09);
/// Words as they were typed: at least, and how much the places where they stand can add.
const WORDS: (f64, f64) = (0.5, 0.38);
/// What it adds that the row has few other words.
const BRIEF: f64 = 0.01;
/// The most for words with typos, and what a code with one is worth.
const TYPOS: f64 = 0.48;
const CODE_TYPO: f64 = 0.49;

/// How good a row is, from 0 to 1; none: it does not fit.
pub(super) fn score(query: &Query, code: Option<&str>, lexemes: Lexemes<'_>) -> Option<f64> {
    let by_code = code.and_then(|code| by_code(query, code));
    // Not a number never occurs.
    by_words(query, lexemes).into_iter().chain(by_code).max_by(f64::total_cmp)
}

/// Whether a code is the one that was meant, or begins with it.
pub(super) fn fits_code(query: &Query, code: &str) -> bool {
    by_code(query, code).is_some()
}

fn by_code(query: &Query, code: &str) -> Option<f64> {
    let share = query.code.len() as f64 / code.len().max(1) as f64;
    match code.strip_prefix(query.code.as_str()) {
        Some("") => Some(CODE),
        Some(_) => Some(CODE_BEGUN.0 + CODE_BEGUN.1 * share),
        None if query.corrects_code => {
            let typed: Vec<char> = query.code.chars().collect();
            typos::between(&typed, code, 1, false).map(|_| CODE_TYPO)
        }
        None => None,
    }
}

fn by_words(query: &Query, lexemes: Lexemes<'_>) -> Option<f64> {
    let mut best: Vec<Option<(f64, Fit)>> = vec![None; query.words.len()];
    let mut all = 0_usize;
    for (lexeme, weight) in lexemes {
        all += usize::from(weight > Weight::D);
        for (wanted, best) in query.words.iter().zip(&mut best) {
            let Some(fit) = wanted.fit(lexeme) else { continue };
            let value = value(weight, fit);
            if best.is_none_or(|(best, _)| best < value) {
                *best = Some((value, fit));
            }
        }
    }
    let best = best.into_iter().collect::<Option<Vec<_>>>()?;
    let mean = best.iter().map(|(value, _)| value).sum::<f64>() / best.len() as f64;
    if best.iter().any(|(_, fit)| matches!(fit, Fit::Typos(_))) {
        return Some(TYPOS * mean);
    }
    let share = (best.len() as f64 / all.max(1) as f64).min(1.0);
    Some(WORDS.0 + WORDS.1 * mean + BRIEF * share)
}

fn value(weight: Weight, fit: Fit) -> f64 {
    let place = match weight {
        Weight::A => 1.0,
        Weight::B => 0.8,
        Weight::C => 0.5,
        Weight::D => 0.2,
    };
    let closeness = match fit {
        Fit::Whole => 1.0,
        Fit::Begun => 0.9,
        Fit::Typos(1) => 0.6,
        Fit::Typos(_) => 0.3,
    };
    place * closeness
}
