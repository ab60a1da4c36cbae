//! Where SQL may stand, which names say nothing, and what must not be leaned on.

use super::Breach;
use super::source::{is_rust, is_test, words};

/// The only places that speak SQL, by the beginning of their path.
const SQL_SPEAKERS: [&str; 11] = [
    "benches/",
    "events/src/log",
    "gateway/src/credentials",
    "gateway/src/migrations",
    "gateway/src/postgres",
    "gateway/src/sessions",
    "migrations/",
    "projections/src/",
    "queries/src/",
    "tests/",
    "workers/src/jobs",
];

/// What `create`, `alter` and `drop` take in SQL.
const SQL_OBJECTS: &str = "database domain extension function index materialized policy procedure \
    publication role schema sequence table temp temporary trigger type unique unlogged user view";

/// Names under which anything might be found.
const EMPTY_NAMES: [&str; 6] = ["common", "core", "helpers", "shared", "util", "utils"];

/// Files in which a path would be followed.
const CODE: [&str; 8] = ["Makefile", ".html", ".js", ".rs", ".sql", ".toml", ".ts", ".tsx"];

pub(super) fn stray_sql(path: &str, text: &str) -> Vec<Breach> {
    if SQL_SPEAKERS.iter().any(|speaker| path.starts_with(speaker)) {
        return Vec::new();
    }
    let what = format!("SQL: it is spoken only in {}", SQL_SPEAKERS.join(", "));
    if path.ends_with(".sql") {
        return vec![(1, what)];
    }
    if !is_rust(path) {
        return Vec::new();
    }
    let words = words(text);
    let strings = words.iter().filter_map(|(word, line)| {
        let literal = syn::parse_str::<syn::LitStr>(word).ok()?;
        Some((literal.value(), *line))
    });
    let sql = strings.filter(|(text, _)| text.ends_with(".sql") || reads_as_sql(text));
    sql.map(|(_, line)| (line, what.clone())).collect()
}

pub(super) fn empty_names(path: &str, text: &str) -> Vec<Breach> {
    let stems = path.split('/').filter_map(|part| Some((part.split('.').next()?.to_owned(), 1)));
    let mut names: Vec<(String, usize)> = stems.collect();
    if is_rust(path) {
        let words = words(text);
        let modules = words.windows(2).filter(|pair| pair[0].0 == "mod");
        names.extend(modules.map(|pair| pair[1].clone()));
    }
    if path.ends_with("Cargo.toml") {
        let lines = text.lines().zip(1..).filter(|(line, _)| line.starts_with("name"));
        names.extend(lines.filter_map(|(line, at)| Some((line.split('"').nth(1)?.to_owned(), at))));
    }
    names.retain(|(name, _)| EMPTY_NAMES.contains(&name.to_lowercase().as_str()));
    let what = |name: &str| format!("`{name}` says nothing: name it for what is inside");
    names.iter().map(|(name, line)| (*line, what(name))).collect()
}

pub(super) fn outside_references(path: &str, text: &str) -> Vec<Breach> {
    if is_test(path) || !CODE.iter().any(|ending| path.ends_with(ending)) {
        return Vec::new();
    }
    let lines = text.lines().zip(1..).filter(|(line, _)| line.contains("../shared"));
    lines.map(|(_, line)| (line, "`../shared` is for tests and benches only".to_owned())).collect()
}

/// Whether a text begins as a statement does, and not as English does ("create an order").
fn reads_as_sql(text: &str) -> bool {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("--"));
    let text = lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ").to_lowercase();
    let words: Vec<&str> = text.split(' ').collect();
    match words.as_slice() {
        ["select", next, ..] => {
            text.contains(" from ") || next.contains(|c: char| c.is_numeric() || "($*'".contains(c))
        }
        ["insert", "into", ..] | ["delete", "from", ..] | ["create", "or", "replace", ..] => true,
        ["update", ..] => text.contains(" set "),
        ["with", next, ..] => *next == "recursive" || text.contains(" as ("),
        ["create" | "alter" | "drop", object, ..] => {
            SQL_OBJECTS.split(' ').any(|known| known == *object)
        }
        _ => false,
    }
}

#[cfg(test)]
mod proofs {
    use super::*;

    #[test]
    fn sql_is_found_where_it_is_not_spoken() {
        let statements = [
            "select id from orders",
            "SELECT 1",
            "-- the head\nselect pg_notify($1, $2)",
            "\n    insert into orders (id) values ($1)",
            "Update orders set status = $1",
            "delete from orders",
            "with found as (select 1) table found",
            "create table orders (id uuid)",
            "drop schema x",
            "log/sql/head.sql",
        ];
        for statement in statements {
            let text = format!("const A: &str = f!(r#\"{statement}\"#);");
            assert_eq!(stray_sql("gateway/src/rest.rs", &text).len(), 1, "{statement}");
            assert_eq!(stray_sql("queries/src/orders.rs", &text), [], "{statement}");
        }
        assert_eq!(stray_sql("gateway/src/a.sql", "").len(), 1);
    }

    #[test]
    fn english_is_not_taken_for_sql() {
        let sentences = ["create an order", "update failed", "with care", "select a product", ""];
        for sentence in sentences {
            assert!(!reads_as_sql(sentence), "{sentence}");
        }
        assert_eq!(stray_sql("gateway/src/a.rs", "// select 1\n/// select 2\nfn f() {}"), []);
    }

    #[test]
    fn empty_names_are_found_in_paths_modules_and_packages() {
        assert_eq!(empty_names("gateway/src/utils.rs", "").len(), 1);
        assert_eq!(empty_names("common/Cargo.toml", "[package]\nname = \"core\"\n").len(), 2);
        assert_eq!(empty_names("a.rs", "//! A.\nmod b;\npub mod helpers {}\n").len(), 1);
        assert_eq!(empty_names("gateway/src/orders.rs", "use core::fmt;"), []);
    }

    #[test]
    fn references_to_the_shared_folder_are_found() {
        assert_eq!(outside_references("gateway/src/a.rs", "\nopen(\"../shared/data\")").len(), 1);
        assert_eq!(outside_references("tests/a.rs", "open(\"../shared/data\")"), []);
    }
}
