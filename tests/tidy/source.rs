//! The project's files and the words of Rust source, as the checks read them. No check is here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A token's text and its line.
pub(crate) type Word = (String, usize);

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file that belongs to the project: its path from the root, and its text.
pub(crate) fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let walked = walk(&root(), "", &mut found);
    walked.unwrap_or_else(|error| panic!("cannot read the project's files: {error}"));
    found
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let relative = format!("{prefix}{name}");
        let made = ["target", "node_modules", "dist"].contains(&name.as_str())
            || relative == "data"
            || path.join("CACHEDIR.TAG").exists();
        if made || name.starts_with('.') || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            walk(&path, &format!("{relative}/"), found)?;
        } else {
            found.push((relative, String::from_utf8_lossy(&fs::read(&path)?).into_owned()));
        }
    }
    Ok(())
}

pub(crate) fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

/// Whether only tests and benches see the whole file.
pub(crate) fn is_test(path: &str) -> bool {
    path.starts_with("benches/")
        || path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
}

/// The tokens of Rust source in a row, groups opened and closed, comments left out.
pub(crate) fn words(text: &str) -> Vec<Word> {
    flatten(text, true)
}

/// The same without the items that stand under `#[cfg(test)]`.
pub(crate) fn words_outside_tests(text: &str) -> Vec<Word> {
    flatten(text, false)
}

/// The files that `#[cfg(test)] mod …;` brings in: only tests see them, whatever they are called.
pub(crate) fn test_modules(files: &[(String, String)]) -> BTreeSet<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    const VISIBILITY: [&str; 5] = ["pub", "(", "crate", "super", ")"];
    let mut found = BTreeSet::new();
    for (path, text) in files.iter().filter(|(path, _)| is_rust(path)) {
        let folder = match path.rsplit_once('/') {
            Some((folder, "lib.rs" | "main.rs" | "mod.rs")) => folder,
            _ => path.trim_end_matches(".rs"),
        };
        let words = words(text);
        for start in places(&words, &MARK) {
            let item = words[start + MARK.len()..].iter().map(|(word, _)| word.as_str());
            let mut item = item.skip_while(|word| VISIBILITY.contains(word));
            if let (Some("mod"), Some(name), Some(";")) = (item.next(), item.next(), item.next()) {
                found.insert(format!("{folder}/{name}.rs"));
            }
        }
    }
    found
}

/// The lines where `pattern` stands in `words`.
pub(crate) fn lines_of(words: &[Word], pattern: &[&str]) -> Vec<usize> {
    places(words, pattern).map(|place| words[place].1).collect()
}

/// The places in `words` where `pattern` begins.
fn places(words: &[Word], pattern: &[&str]) -> impl Iterator<Item = usize> {
    let windows = words.windows(pattern.len()).enumerate();
    let same = windows.filter(move |(_, window)| {
        let mut pairs = window.iter().zip(pattern);
        pairs.all(|((word, _), wanted)| word == wanted)
    });
    same.map(|(place, _)| place)
}

// What does not even parse is reported once, by the check of function lengths.
fn flatten(text: &str, with_tests: bool) -> Vec<Word> {
    let mut words = Vec::new();
    if let Ok(tokens) = text.parse() {
        push(tokens, with_tests, &mut words);
    }
    words
}

fn push(tokens: TokenStream, with_tests: bool, words: &mut Vec<Word>) {
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        let line = token.span().start().line;
        let TokenTree::Group(group) = token else {
            words.push((token.to_string(), line));
            continue;
        };
        match attribute(words, &group).as_deref() {
            Some(comment) if comment.starts_with("doc=") => unmark(words),
            Some("cfg(test)") if !with_tests => {
                let whole_file = words.last().is_some_and(|(word, _)| word == "!");
                unmark(words);
                tokens.by_ref().find(|token| !whole_file && ends_item(token));
            }
            _ => {
                let (open, close) = brackets(group.delimiter());
                words.push((open.to_owned(), line));
                push(group.stream(), with_tests, words);
                words.push((close.to_owned(), group.span_close().start().line));
            }
        }
    }
}

/// The inside of an attribute, without white space, if `group` is what follows `#` or `#!`.
fn attribute(before: &[Word], group: &Group) -> Option<String> {
    let mut before = before.iter().rev().map(|(word, _)| word.as_str());
    let marked = match before.next() {
        Some("!") => before.next() == Some("#"),
        word => word == Some("#"),
    };
    let inside = || group.stream().to_string().split_whitespace().collect();
    (marked && group.delimiter() == Delimiter::Bracket).then(inside)
}

fn unmark(words: &mut Vec<Word>) {
    while words.pop().is_some_and(|(word, _)| word != "#") {}
}

fn ends_item(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => other.to_string() == ";",
    }
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::None => ("", ""),
    }
}

#[test]
fn the_walk_sees_the_sources_and_nothing_that_is_made() {
    let files = files();
    for known in ["Cargo.toml", "events/src/lib.rs", "tests/tidy/source.rs"] {
        assert!(files.iter().any(|(path, _)| path == known), "{known} is not walked");
    }
    for made in ["target/", "node_modules/", ".git/"] {
        assert!(!files.iter().any(|(path, _)| path.contains(made)), "{made} is walked");
    }
}

#[test]
fn words_leave_out_comments_and_tests() {
    let text = "//! a\n/// b\nfn f() { g() } // c\n#[cfg(test)]\nmod tests { h!() }\nfn i() {}";
    let line = |words: Vec<Word>| words.into_iter().map(|(word, _)| word).collect::<String>();
    assert_eq!(line(words_outside_tests(text)), "fnf(){g()}fni(){}");
    assert_eq!(line(words(text)), "fnf(){g()}#[cfg(test)]modtests{h!()}fni(){}");
    assert_eq!(lines_of(&words(text), &["h", "!"]), [5]);
}

#[test]
fn files_that_only_tests_see_are_known() {
    let lib = "#[cfg(test)]\npub(crate) mod a;\n#[cfg(test)] mod b { }\nmod c;".to_owned();
    let orders = "#[cfg(test)] mod d;".to_owned();
    let files = [("x/src/lib.rs".to_owned(), lib), ("x/src/orders.rs".to_owned(), orders)];
    assert_eq!(test_modules(&files), ["x/src/a.rs", "x/src/orders/d.rs"].map(String::from).into());
    assert_eq!(words_outside_tests("#![cfg(test)]\nfn f() {}\nfn g() {}"), []);
}
