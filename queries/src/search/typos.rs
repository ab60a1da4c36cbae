//! How far two words are apart: letters that are added, left out or exchanged, and neighbours that
//! changed places, count one each (the restricted Damerau-Levenshtein distance). How many of them
//! are tolerated depends on the length, as in Meilisearch.

/// Letters from which on one typo is tolerated, and two.
const ONE_FROM: usize = 4;
const TWO_FROM: usize = 8;

/// How many typos are tolerated in a word.
pub(super) fn tolerated(word: &str) -> u8 {
    match word.chars().count() {
        0..ONE_FROM => 0,
        ONE_FROM..TWO_FROM => 1,
        _ => 2,
    }
}

/// How many typos lie between what was typed and a word, or the beginning of it; none: more than
/// `most`.
pub(super) fn between(typed: &[char], word: &str, most: u8, is_begun: bool) -> Option<u8> {
    let most = usize::from(most);
    let width = typed.len() + 1;
    // The distance of each beginning of `typed` from the word so far, and from it one and two
    // letters ago.
    let mut now: Vec<usize> = (0..width).collect();
    let (mut before, mut earlier) = (vec![0; width], vec![0; width]);
    let mut best = now[width - 1];
    let mut last = None;
    for (row, letter) in word.chars().enumerate() {
        std::mem::swap(&mut earlier, &mut before);
        std::mem::swap(&mut before, &mut now);
        now[0] = row + 1;
        for at in 1..width {
            let other = usize::from(typed[at - 1] != letter);
            let mut least = (before[at - 1] + other).min(before[at] + 1).min(now[at - 1] + 1);
            if at > 1 && row > 0 && typed[at - 2] == letter && last == Some(typed[at - 1]) {
                least = least.min(earlier[at - 2] + 1);
            }
            now[at] = least;
        }
        last = Some(letter);
        best = best.min(now[width - 1]);
        if now.iter().min().is_some_and(|least| *least > most) {
            break;
        }
    }
    let found = if is_begun { best } else { now[width - 1] };
    u8::try_from(found).ok().filter(|found| usize::from(*found) <= most)
}

/// Every text that one typo makes of this code, of letters and digits.
pub(super) fn of_code(code: &str) -> Vec<String> {
    let chars: Vec<char> = code.chars().collect();
    let mut found = Vec::new();
    let mut add = |parts: [&[char]; 3]| found.push(parts.concat().into_iter().collect());
    for at in 0..=chars.len() {
        let (head, tail) = chars.split_at(at);
        for c in ('a'..='z').chain('0'..='9') {
            add([head, &[c], tail]);
            if let [old, rest @ ..] = tail
                && *old != c
            {
                add([head, &[c], rest]);
            }
        }
        match tail {
            [one, other, rest @ ..] => {
                add([head, &[*other, *one], rest]);
                add([head, &tail[1..], &[]]);
            }
            [_] => add([head, &[], &[]]),
            [] => {}
        }
    }
    found
}

/// What a word may have been whose first letter is wrong; that alone counts as two typos.
pub(super) fn of_first_letter(typed: &[char]) -> Vec<String> {
    let Some((first, rest)) = typed.split_first() else { return Vec::new() };
    let text = |parts: [&[char]; 2]| -> String { parts.concat().into_iter().collect() };
    let mut found = vec![text([rest, &[]])];
    for c in 'a'..='z' {
        found.extend([text([&[c], rest]), text([&[c], typed])]);
    }
    if let Some((second, rest)) = rest.split_first() {
        found.push(text([&[*second, *first], rest]));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between_words(typed: &str, word: &str, most: u8, is_begun: bool) -> Option<u8> {
        between(&typed.chars().collect::<Vec<_>>(), word, most, is_begun)
    }

    #[test]
    fn a_typo_is_a_letter_too_much_too_few_another_or_two_exchanged() {
        for (word, typos) in [
            ("heart", 0),
            ("hart", 1),
            ("hearrt", 1),
            ("heert", 1),
            ("haert", 1),
            ("ehrat", 2),
            ("herz", 2),
        ] {
            assert_eq!(between_words("heart", word, 2, false), Some(typos), "{word}");
            assert_eq!(between_words(word, "heart", 2, false), Some(typos), "{word} the other way");
        }
        assert_eq!(between_words("heart", "hat", 1, false), None);
        assert_eq!(between_words("größe", "große", 2, false), Some(1));
    }

    #[test]
    fn the_beginning_of_a_word_is_enough_where_it_is_being_typed() {
        assert_eq!(between_words("chritm", "christmas", 1, true), Some(1));
        assert_eq!(between_words("chritm", "christmas", 2, false), None);
        assert_eq!(between_words("lant", "lantern", 1, true), Some(0));
        assert_eq!(between_words("lantrens", "lantern", 1, true), None);
    }

    #[test]
    fn every_neighbour_of_a_code_is_one_typo_away() {
        let near = of_code("ab12");
        assert!(near.iter().all(|code| between_words("ab12", code, 1, false).is_some()));
        for code in ["b12", "a12", "ab1", "ba12", "ab21", "ab13", "xb12", "ab129", "9ab12"] {
            assert!(near.iter().any(|near| near == code), "{code}");
        }
    }

    #[test]
    fn longer_words_may_have_more_typos() {
        assert_eq!(["cup", "lamp", "lantern", "lanterns"].map(tolerated), [0, 1, 1, 2]);
        let typed: Vec<char> = "vhristmas".chars().collect();
        assert!(of_first_letter(&typed).contains(&"christmas".to_owned()));
    }
}
