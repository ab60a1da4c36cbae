//! How a file opens, how failure is met, and what may not stay behind.

use super::Breach;
use super::source::{Word, is_rust, is_test, lines_of, words, words_outside_tests};

pub(super) fn silent_opening(path: &str, text: &str) -> Vec<Breach> {
    if !is_rust(path) || text.starts_with("//! ") {
        return Vec::new();
    }
    vec![(1, "open with a `//!` sentence: what is here, and what deliberately is not".to_owned())]
}

pub(super) fn unwraps(path: &str, text: &str) -> Vec<Breach> {
    if !is_rust(path) || is_test(path) {
        return Vec::new();
    }
    let words = words_outside_tests(text);
    let patterns =
        [[".", "unwrap", "("], [".", "expect", "("], [":", ":", "unwrap"], [":", ":", "expect"]];
    let lines = patterns.iter().flat_map(|pattern| lines_of(&words, pattern));
    lines.map(|line| (line, "unwraps: return an error, or make it impossible".to_owned())).collect()
}

pub(super) fn unexplained_exceptions(path: &str, text: &str) -> Vec<Breach> {
    if !is_rust(path) {
        return Vec::new();
    }
    let mut breaches = Vec::new();
    for attribute in attributes(&words(text)) {
        for line in lines_of(attribute, &["allow", "("]) {
            let right = "`#[expect(…, reason = \"…\")]`, which reports when it is needless";
            breaches.push((line, format!("`allow`: take {right}")));
        }
        if lines_of(attribute, &["reason", "="]).is_empty() {
            for line in lines_of(attribute, &["expect", "("]) {
                breaches.push((line, "`expect` without `reason = \"…\"`: say why".to_owned()));
            }
        }
    }
    breaches
}

pub(super) fn leftovers(path: &str, text: &str) -> Vec<Breach> {
    if !is_rust(path) {
        return Vec::new();
    }
    let words = words(text);
    let patterns: [&[&str]; 4] =
        [&["todo", "!"], &["unimplemented", "!"], &["dbg", "!"], &["#", "[", "ignore"]];
    let found = patterns.iter().flat_map(|pattern| {
        let lines = lines_of(&words, pattern).into_iter();
        lines.map(|line| (line, format!("`{}`: finish it or delete it", pattern.concat())))
    });
    found.collect()
}

/// The words of each attribute, from its opening bracket to its end.
fn attributes(words: &[Word]) -> Vec<&[Word]> {
    let is = |index: usize, wanted: &str| words.get(index).is_some_and(|(word, _)| word == wanted);
    let marks = (0..words.len()).filter(|&mark| is(mark, "#"));
    let opens = marks.filter_map(|mark| {
        let open = if is(mark + 1, "!") { mark + 2 } else { mark + 1 };
        is(open, "[").then_some(open)
    });
    let whole = |open: usize| {
        let mut depth = 0;
        let end = words[open..].iter().position(|(word, _)| {
            depth += i32::from(word == "[") - i32::from(word == "]");
            depth == 0
        });
        &words[open..open + end.unwrap_or(0)]
    };
    opens.map(whole).collect()
}

#[cfg(test)]
mod proofs {
    use super::*;

    #[test]
    fn a_file_without_an_opening_sentence_is_found() {
        assert_eq!(silent_opening("a.rs", "//! Orders.\n"), []);
        assert_eq!(silent_opening("a.rs", "// Orders.\n").len(), 1);
        assert_eq!(silent_opening("a.rs", "").len(), 1);
    }

    #[test]
    fn unwraps_are_found_outside_tests_and_inside_macros() {
        let text = "fn f() {\n    println!(\"{}\", a.unwrap());\n    b\n        .expect(\"c\");\n}";
        let lines: Vec<usize> = unwraps("a/src/b.rs", text).iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4]);
        assert_eq!(unwraps("a/src/b.rs", "fn f() { a.map(Option::unwrap) }").len(), 1);
        assert_eq!(unwraps("a/src/b.rs", "/// `a.unwrap()`\nfn f() { a.unwrap_or(1) }"), []);
        assert_eq!(unwraps("a/src/b.rs", "#[cfg(test)]\nmod t { fn f() { a.unwrap() } }"), []);
        assert_eq!(unwraps("tests/b.rs", text), []);
    }

    #[test]
    fn exceptions_without_a_reason_are_found() {
        let found = |text| unexplained_exceptions("a.rs", text).len();
        assert_eq!(found("#[allow(dead_code, reason = \"a\")] fn f() {}"), 1);
        assert_eq!(found("#![allow(dead_code)]"), 1);
        assert_eq!(found("#[cfg_attr(test, allow(dead_code))] fn f() {}"), 1);
        assert_eq!(found("#[expect(dead_code)] fn f() {}"), 1);
        assert_eq!(found("#![expect(dead_code, reason = \"a\")]"), 0);
        assert_eq!(found("fn f() { g([h, expect(1), allow(2)]) }"), 0);
    }

    #[test]
    fn leftovers_are_found_and_their_mention_is_not() {
        for text in
            ["fn f() { todo!() }", "fn f() { g(unimplemented!(\"h\")) }", "fn f() { dbg!(1); }"]
        {
            assert_eq!(leftovers("a.rs", text).len(), 1, "{text}");
        }
        assert_eq!(leftovers("a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}").len(), 1);
        assert_eq!(leftovers("a.rs", "// todo!()\nfn f() { g(\"todo!()\") }"), []);
    }
}
