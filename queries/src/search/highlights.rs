//! Where a hit fits: its texts in parts, those marked that fit. No markup: whoever shows the parts
//! decides how, and nothing in a text can pass for it.

use std::ops::Range;

use projections::search::{Field, Searched, Weight, code, tokens};

use super::query::Query;

/// Characters of a text that are shown around what fits first.
const CHARS_MAX: usize = 300;
/// How many of them stand before it.
const CHARS_BEFORE: usize = 60;

/// A text of a hit in which something fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highlight {
    /// Which text.
    pub field: &'static str,
    /// It, or what of it stands around the first place that fits.
    pub parts: Vec<Part>,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// As it stands there.
    pub text: String,
    /// Whether it fits.
    pub marked: bool,
}

/// The texts of a row in which something fits.
pub(super) fn of<R: Searched>(query: &Query, row: &R) -> Vec<Highlight> {
    let fields = row.fields();
    let highlights = fields.iter().filter_map(|field| {
        let places = places(query, field);
        let parts = parts(&field.text, &places);
        (!places.is_empty()).then_some(Highlight { field: field.name, parts })
    });
    highlights.collect()
}

/// What fits in a text, in order.
fn places(query: &Query, field: &Field<'_>) -> Vec<Range<usize>> {
    let text = &field.text;
    if field.weight >= Weight::C && fits_as_code(query, field) {
        let start = text.len() - text.trim_start().len();
        return std::iter::once(start..start + text.trim().len()).collect();
    }
    let fitting = tokens(text).into_iter().filter(|token| query.fits(&token.word));
    fitting.map(|token| token.place).collect()
}

/// Whether the text as a whole is a code that was meant.
fn fits_as_code(query: &Query, field: &Field<'_>) -> bool {
    let Some(code) = code(&field.text) else { return false };
    match field.weight {
        Weight::A => super::ranking::fits_code(query, &code),
        _ => query.words.iter().any(|word| word.has_digit && code == word.text),
    }
}

fn parts(text: &str, places: &[Range<usize>]) -> Vec<Part> {
    let Some(first) = places.first() else { return Vec::new() };
    let (from, to) = window(text, first.start);
    let mut parts = Vec::new();
    let mut add = |range: Range<usize>, marked| {
        if let Some(text) = text.get(range).filter(|text| !text.is_empty()) {
            parts.push(Part { text: text.to_owned(), marked });
        }
    };
    let mut at = from;
    for place in places.iter().filter(|place| place.end <= to) {
        add(at..place.start, false);
        add(place.clone(), true);
        at = place.end;
    }
    add(at..to, false);
    parts
}

/// What of a text is shown, if this is what fits first: all of it, or whole words around that.
fn window(text: &str, first: usize) -> (usize, usize) {
    if text.chars().count() <= CHARS_MAX {
        return (0, text.len());
    }
    let back = text[..first].char_indices().rev().take(CHARS_BEFORE).last();
    let from = match back {
        Some((at, _)) if at > 0 => {
            let gap = text[at..first].find(char::is_whitespace);
            gap.map_or(first, |gap| at + gap)
        }
        _ => 0,
    };
    let end = text[from..].char_indices().nth(CHARS_MAX).map(|(at, _)| from + at);
    let to = end.map_or(text.len(), |end| {
        text[first..end].rfind(char::is_whitespace).map_or(end, |gap| first + gap)
    });
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReaderLimits;

    fn shown(query: &str, text: &str) -> String {
        let query = Query::of(query, &ReaderLimits::default()).unwrap().expect("words");
        let field = Field { name: "name", text: text.into(), weight: Weight::B };
        let mark = |part: Part| if part.marked { format!("[{}]", part.text) } else { part.text };
        parts(text, &places(&query, &field)).into_iter().map(mark).collect()
    }

    #[test]
    fn words_are_marked_as_they_stand() {
        assert_eq!(shown("creme bru", "Crème BRÛLÉE, <b>crème</b>"), {
            "[Crème] [BRÛLÉE], <b>[crème]</b>"
        });
        assert_eq!(shown("nothing", "Crème"), "");
        assert_eq!(shown("strasse", "An der Straße 7"), "An der [Straße] 7");
        assert_eq!(shown("ab123", "ref: x AB-123 y"), "", "a part of a text is no code");
        assert_eq!(shown("ab123", " AB-123 "), " [AB-123] ");
    }

    #[test]
    fn of_a_long_text_whole_words_around_the_first_place_are_shown() {
        let text = format!("{}the needle {}", "größe ".repeat(200), "hay ".repeat(200));
        let shown = shown("needle", &text);
        assert!(shown.contains("[needle]"), "{shown}");
        assert!(shown.trim().starts_with("größe") && shown.ends_with("hay"), "{shown}");
        assert!(shown.chars().count() <= CHARS_MAX + 2, "{shown}");
        let endless = "x".repeat(1_000);
        assert_eq!(shown_len(&endless), CHARS_MAX);
    }

    fn shown_len(text: &str) -> usize {
        let (from, to) = window(text, 0);
        text[from..to].len()
    }
}
