//! How a text becomes words: letters and digits, without capitals and accents. It knows of no
//! language, and depends on no setting of a database.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Characters of a word that count; whatever follows them is as if it were not there.
const WORD_CHARS_MAX: usize = 40;
/// Characters of a code that count.
const CODE_CHARS_MAX: usize = 80;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// As it is compared.
    pub word: String,
    /// Where it stands in the text: bytes.
    pub place: Range<usize>,
}

/// The words of a text, in order.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let (mut found, mut chars): (Vec<Token>, usize) = (Vec::new(), 0);
    let mut open = false;
    let mut folded = String::new();
    for (at, c) in text.char_indices() {
        folded.clear();
        let end = at + c.len_utf8();
        if !fold(c, &mut folded) {
            open &= is_combining_mark(c);
            if open && let Some(token) = found.last_mut() {
                token.place.end = end;
            }
            continue;
        }
        if !open {
            found.push(Token { word: String::new(), place: at..end });
            (open, chars) = (true, 0);
        }
        if let Some(token) = found.last_mut() {
            token.place.end = end;
            let left = WORD_CHARS_MAX.saturating_sub(chars);
            token.word.extend(folded.chars().take(left));
            chars += folded.chars().count();
        }
    }
    found
}

/// A code without whatever stands between its letters and digits; none: nothing is left.
#[must_use]
pub fn code(text: &str) -> Option<String> {
    let mut code = String::new();
    for c in text.chars() {
        fold(c, &mut code);
    }
    let code: String = code.chars().take(CODE_CHARS_MAX).collect();
    (!code.is_empty()).then_some(code)
}

/// Adds the letters and digits that a character is compared as; false: it has none.
fn fold(c: char, to: &mut String) -> bool {
    if c.is_ascii() {
        if c.is_ascii_alphanumeric() {
            to.push(c.to_ascii_lowercase());
        }
        return c.is_ascii_alphanumeric();
    }
    let before = to.len();
    for part in c.to_lowercase().nfkd() {
        match part {
            'ß' => to.push_str("ss"),
            'æ' => to.push_str("ae"),
            'œ' => to.push_str("oe"),
            'þ' => to.push_str("th"),
            'ø' => to.push('o'),
            'ł' => to.push('l'),
            'đ' | 'ð' => to.push('d'),
            'ı' => to.push('i'),
            // The same letter at the end of a word.
            'ς' => to.push('σ'),
            part if part.is_alphanumeric() && !is_combining_mark(part) => to.push(part),
            _ => {}
        }
    }
    to.len() > before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.word).collect()
    }

    #[test]
    fn capitals_accents_and_punctuation_do_not_matter() {
        assert_eq!(words("Crème BRÛLÉE, 3-fach (süß)"), ["creme", "brulee", "3", "fach", "suss"]);
        assert_eq!(words("cre\u{300}me"), ["creme"], "letters and their accents apart");
        assert_eq!(
            words("ŁÓDŹ Ørsted ÆRØ straße İzmir"),
            ["lodz", "orsted", "aero", "strasse", "izmir"]
        );
        assert_eq!(words("ΣΊΣΥΦΟΣ Жёлтый"), ["σισυφοσ", "желтыи"]);
        assert_eq!(words("\u{300}\0 -- '"), [] as [&str; 0]);
    }

    #[test]
    fn a_word_stands_where_it_was_found() {
        let text = "a Bo\u{308}lt’s ﬁne½";
        let shown: Vec<&str> = tokens(text).iter().map(|t| &text[t.place.clone()]).collect();
        assert_eq!(shown, ["a", "Bo\u{308}lt", "s", "ﬁne½"]);
    }

    #[test]
    fn a_code_is_found_without_what_stands_in_between() {
        assert_eq!(code(" AB-123/456 "), Some("ab123456".to_owned()));
        assert_eq!(code("- /"), None);
    }

    #[test]
    fn an_endless_word_is_cut() {
        let long = "x".repeat(100);
        let cut = tokens(&long);
        assert_eq!((cut[0].word.len(), cut[0].place.clone()), (WORD_CHARS_MAX, 0..100));
    }
}
