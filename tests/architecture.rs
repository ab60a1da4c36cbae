//! Which room may use which, and that a feature has one name in all of them: the table in
//! `ARCHITECTURE.md`, held by a program. Not the style within a file: that is `tidy.rs`.

use std::collections::BTreeSet;

use crate::tidy::source::{files, lines_of, words, words_outside_tests};

type Names = BTreeSet<String>;

/// Every room, and the rooms that it uses: no more, and no fewer.
const ROOMS: [(&str, &[&str]); 8] = [
    ("events", &[]),
    ("commands", &["events"]),
    ("projections", &["events"]),
    ("queries", &["events", "projections"]),
    ("workers", &["commands", "events", "projections", "queries"]),
    ("gateway", &["commands", "events", "projections", "queries", "workers"]),
    ("tests", &["commands", "events", "gateway", "projections", "queries", "workers"]),
    ("benches", &["commands", "events", "gateway", "projections", "queries", "tests", "workers"]),
];

/// Where features stand beside a few files that are about none of them, and `sales`, which has no
/// facts of its own: it adds up those of orders and of credit notes.
const FEATURE_FOLDERS: [(&str, &[&str]); 3] = [
    (
        "projections/src/",
        &["fold", "lib", "parts", "sales", "search", "sinks", "skips", "table", "watermarks"],
    ),
    (
        "queries/src/",
        &[
            "aggregates",
            "as_of",
            "boundary",
            "cache",
            "cursor",
            "fields",
            "filter",
            "folding",
            "history",
            "lib",
            "live",
            "page",
            "position",
            "records",
            "sales",
            "search",
            "sort",
            "statements",
        ],
    ),
    (
        "gateway/src/graphql/",
        &[
            "as_of",
            "caller",
            "codes",
            "derived_ids",
            "descriptions",
            "executed",
            "field_times",
            "history",
            "input",
            "limits",
            "lists",
            "loaders",
            "mutation",
            "nodes",
            "nulls",
            "operations",
            "pushed",
            "registered",
            "sales",
            "scalars",
            "search",
            "status",
        ],
    ),
];

#[test]
fn every_room_uses_the_rooms_of_the_table_and_no_others() {
    for (room, uses) in ROOMS {
        let expected: Names = uses.iter().map(|name| (*name).to_owned()).collect();
        let found = rooms_used(&manifest(&format!("{room}/Cargo.toml")));
        assert_eq!(found, expected, "{room}/Cargo.toml (left) and the table (right) differ");
    }
}

#[test]
fn the_table_names_every_member_of_the_workspace() {
    let workspace = manifest("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().into_iter().flatten();
    let members: Names = members.filter_map(|name| Some(name.as_str()?.to_owned())).collect();
    let rooms: Names = ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(members, rooms, "the workspace's members (left) and the table (right) differ");
}

#[test]
fn in_gateway_only_main_and_verbs_name_workers_or_projections() {
    let shortcuts: Vec<String> = files().iter().flat_map(|(p, text)| shortcuts(p, text)).collect();
    let right = "ask queries, or move it to main.rs or verbs/";
    assert!(shortcuts.is_empty(), "{right}:\n{}\n", shortcuts.join("\n"));
}

#[test]
fn every_feature_is_decided_in_a_file_of_its_name() {
    let files = files();
    let features = features(&files);
    assert!(!features.is_empty(), "no file of events/src declares `facts!`");
    let missing: Vec<_> = features.difference(&stems(&files, "commands/src/")).cloned().collect();
    assert!(missing.is_empty(), "no commands/src/<feature>.rs for {}", missing.join(", "));
}

#[test]
fn a_feature_has_the_same_name_in_every_room() {
    let files = files();
    let features = features(&files);
    for (folder, besides) in FEATURE_FOLDERS {
        let strangers = strangers(&stems(&files, folder), &features, besides).join(", ");
        let right = "name it as in events/src, or list it in FEATURE_FOLDERS";
        assert!(strangers.is_empty(), "{folder}: no feature is called {strangers}: {right}");
    }
}

fn manifest(path: &str) -> toml::Table {
    let found = files().into_iter().find(|(known, _)| known == path);
    let (_, text) = found.unwrap_or_else(|| panic!("there is no {path}"));
    text.parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rooms among all dependencies of a manifest: for building, for tests, for one platform too.
fn rooms_used(manifest: &toml::Table) -> Names {
    let mut used = Names::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else {
            continue;
        };
        if !key.ends_with("dependencies") {
            used.extend(rooms_used(table));
            continue;
        }
        let renamed = |entry: &toml::Value| Some(entry.get("package")?.as_str()?.to_owned());
        used.extend(table.iter().map(|(name, entry)| renamed(entry).unwrap_or(name.clone())));
    }
    used.retain(|name| ROOMS.iter().any(|(room, _)| room == name));
    used
}

/// The places in gateway that go around commands and queries.
fn shortcuts(path: &str, text: &str) -> Vec<String> {
    let free = ["gateway/src/main.rs", "gateway/src/verbs.rs"].contains(&path)
        || path.starts_with("gateway/src/verbs/");
    if free || !path.starts_with("gateway/src/") || !path.ends_with(".rs") {
        return Vec::new();
    }
    let words = words(text);
    let named = |room: &str| {
        let patterns: [&[&str]; 4] =
            [&[room, ":", ":"], &["use", room], &["use", ":", ":", room], &[room, "as"]];
        let lines = patterns.iter().flat_map(|pattern| lines_of(&words, pattern));
        lines.collect::<BTreeSet<_>>()
    };
    let rooms = ["projections", "workers"];
    let found = rooms.iter().flat_map(|room| named(room).into_iter().map(move |line| (room, line)));
    found.map(|(room, line)| format!("{path}:{line}: names `{room}`")).collect()
}

/// The features: the files of events that declare facts. Not the one that defines how.
fn features(files: &[(String, String)]) -> Names {
    let declares = |text: &str| {
        let words = words_outside_tests(text);
        let defines = lines_of(&words, &["macro_rules", "!", "facts"]);
        defines.is_empty() && !lines_of(&words, &["facts", "!"]).is_empty()
    };
    let events = files.iter().filter(|(path, _)| path.starts_with("events/src/"));
    let declaring = events.filter(|(path, text)| path.ends_with(".rs") && declares(text));
    stems(&declaring.cloned().collect::<Vec<_>>(), "events/src/")
}

/// The names right under a folder, of files and folders alike, without endings.
fn stems(files: &[(String, String)], folder: &str) -> Names {
    let inside = files.iter().filter_map(|(path, _)| path.strip_prefix(folder));
    inside.filter_map(|path| Some(path.split(['/', '.']).next()?.to_owned())).collect()
}

fn strangers(stems: &Names, features: &Names, besides: &[&str]) -> Vec<String> {
    stems.difference(features).filter(|stem| !besides.contains(&stem.as_str())).cloned().collect()
}

#[cfg(test)]
mod proofs {
    use super::*;

    fn names(names: &[&str]) -> Names {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_edge_is_found_whatever_it_is_written_as() {
        let manifest = r#"
            package.name = "commands"
            dependencies.events.workspace = true
            dependencies.serde = "1"
            dependencies.views = { package = "projections", path = "../projections" }
            dev-dependencies.tests.workspace = true
            target."cfg(unix)".build-dependencies.queries.workspace = true
        "#;
        let manifest: toml::Table = manifest.parse().expect("it is TOML");
        assert_eq!(rooms_used(&manifest), names(&["events", "projections", "queries", "tests"]));
    }

    #[test]
    fn shortcuts_in_gateway_are_found() {
        let text = "use workers::jobs;\nuse ::projections;\nfn f() {\n    projections::all();\n}";
        assert_eq!(shortcuts("gateway/src/graphql.rs", text).len(), 3);
        assert_eq!(
            shortcuts("gateway/src/a.rs", "fn f(workers: u32) { g(c.projections) }").len(),
            0
        );
        for free in ["gateway/src/main.rs", "gateway/src/verbs/serve.rs", "workers/src/lib.rs"] {
            assert!(shortcuts(free, text).is_empty(), "{free}");
        }
    }

    #[test]
    fn a_file_that_is_called_differently_is_found() {
        let facts = ("events/src/orders.rs".to_owned(), "crate::facts! { A }".to_owned());
        let words = (
            "events/src/words.rs".to_owned(),
            "macro_rules! facts { () => { facts!{} } }".to_owned(),
        );
        let features = features(&[facts, words]);
        assert_eq!(features, names(&["orders"]));
        let found = names(&["lib", "order", "orders"]);
        assert_eq!(strangers(&found, &features, &["lib"]), ["order"]);
    }
}
