//! How long a function, a file and a line may be.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Breach;
use super::source::is_rust;

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 400;
const COLUMNS_MAX: usize = 100;

/// Functions and methods, from the signature to the closing brace.
pub(super) fn long_functions(path: &str, text: &str) -> Vec<Breach> {
    if !is_rust(path) {
        return Vec::new();
    }
    let mut functions = Functions(Vec::new());
    match syn::parse_file(text) {
        Ok(file) => functions.visit_file(&file),
        Err(error) => functions.0.push((error.span().start().line, format!("not Rust: {error}"))),
    }
    functions.0
}

pub(super) fn long_file(path: &str, text: &str) -> Vec<Breach> {
    let lines = text.lines().count();
    if !is_rust(path) || lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    let what = format!("{lines} lines, at most {FILE_LINES_MAX}: split it by what it is about");
    vec![(lines, what)]
}

pub(super) fn wide_lines(path: &str, text: &str) -> Vec<Breach> {
    if !is_rust(path) && !path.ends_with(".sql") {
        return Vec::new();
    }
    let widths = text.lines().map(|line| line.chars().count()).zip(1..);
    let wide = widths.filter(|(width, _)| *width > COLUMNS_MAX);
    wide.map(|(width, line)| (line, format!("{width} columns, at most {COLUMNS_MAX}: break it")))
        .collect()
}

struct Functions(Vec<Breach>);

impl Functions {
    fn judge(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let (from, to) = (signature.span().start().line, body.span().end().line);
        let (name, lines) = (&signature.ident, to - from + 1);
        if lines > FUNCTION_LINES_MAX {
            let right = format!("at most {FUNCTION_LINES_MAX}: name its steps");
            self.0.push((from, format!("`{name}` has {lines} lines, {right}")));
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.judge(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.judge(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.judge(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[test]
fn a_function_of_71_lines_is_too_long_wherever_it_stands() {
    let function = |lines: usize| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
    for (open, close) in [("", ""), ("mod m {\n", "}"), ("impl T {\n", "}"), ("trait T {\n", "}")] {
        let text = |lines: usize| format!("#[must_use]\n{open}{}{close}", function(lines));
        assert_eq!(long_functions("a.rs", &text(70)), []);
        assert_eq!(long_functions("a.rs", &text(71)).len(), 1, "{open}");
    }
    assert_eq!(long_functions("a.rs", "fn f() {").len(), 1, "what does not parse is reported");
}

#[test]
fn a_file_of_401_lines_is_too_long() {
    assert_eq!(long_file("a.rs", &"\n".repeat(400)), []);
    assert_eq!(long_file("a.rs", &"\n".repeat(401)).len(), 1);
}

#[test]
fn a_line_of_101_characters_is_too_wide() {
    let text = format!("{}\n{}\n", "é".repeat(100), "é".repeat(101));
    assert_eq!(wide_lines("a.rs", &text), [(2, "101 columns, at most 100: break it".to_owned())]);
    assert_eq!(wide_lines("a.sql", &text).len(), 1);
}
