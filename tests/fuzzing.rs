//! Claims about made-up bytes: those of the corpus of `fuzz/`, which `make soak` goes on from. Not
//! how new ones are found: that is libFuzzer's business.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use events::Event;
use harness::root;

use crate::contracts::frozen::{all_names, frozen};

type Feed = fn(&[u8]);

/// The targets of `fuzz/`, and what they feed.
const TARGETS: [(&str, Feed); 3] =
    [("cursors", fuzz::cursors), ("payloads", fuzz::payloads), ("upcasters", fuzz::upcasters)];

fn corpus(target: &str) -> PathBuf {
    root().join("fuzz/corpus").join(target)
}

/// The files of a folder, by name.
fn files(folder: PathBuf) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let file = |file: fs::DirEntry| {
        let name = file.file_name().to_string_lossy().into_owned();
        (name, fs::read(file.path()).expect("an input"))
    };
    files.map(|entry| file(entry.expect("a file"))).collect()
}

#[test]
fn every_input_of_the_corpus_is_taken_or_refused_as_it_has_to_be() {
    for (target, feed) in TARGETS {
        let inputs = files(corpus(target));
        assert!(!inputs.is_empty(), "{target} has no inputs");
        for (name, input) in inputs {
            let fed = std::panic::catch_unwind(|| feed(&input));
            assert!(fed.is_ok(), "fuzz/corpus/{target}/{name}: the message stands above");
        }
    }
}

#[test]
fn every_target_is_known_here_and_has_a_corpus() {
    let known: Vec<&str> = TARGETS.iter().map(|(target, _)| *target).collect();
    let stems = |folder: &str| -> Vec<String> {
        let names = files(root().join(folder)).into_keys();
        names.map(|name| name.trim_end_matches(".rs").to_owned()).collect()
    };
    assert_eq!(stems("fuzz/targets"), known);
    let folders = fs::read_dir(root().join("fuzz/corpus")).expect("the corpus");
    let mut folders: Vec<_> = folders.map(|folder| folder.expect("a folder").file_name()).collect();
    folders.sort();
    assert_eq!(folders, known);
}

/// What the frozen logs have to begin with: the first fact of every type and version. An old
/// version's data is an input of the steps too.
fn seeds() -> BTreeMap<(&'static str, String), Vec<u8>> {
    let mut seeds = BTreeMap::new();
    for fact in all_names().iter().flat_map(|name| frozen(name)) {
        let (name, version) = (&fact.r#type, fact.schema_version);
        let head = format!("{} {name} {version}\n", fact.feature);
        let seed = [head.as_bytes(), fact.data.as_bytes()].concat();
        seeds.entry(("payloads", format!("{name}.{version}"))).or_insert(seed);
        let is_today = |(_, known): (_, &events::facts::FactType)| {
            known.name == name && known.schema_version == version
        };
        if !Event::fact_types().any(is_today) {
            let seed = fact.data.into_bytes();
            seeds.entry(("upcasters", format!("{name}.{version}"))).or_insert(seed);
        }
    }
    seeds
}

/// `UPDATE_GOLDEN=1` writes those that are missing.
#[test]
fn every_version_of_every_fact_type_has_a_seed() {
    for ((target, name), seed) in seeds() {
        let file = corpus(target).join(&name);
        if !file.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&file, &seed).expect("writing a seed");
        }
        assert!(file.exists(), "{} is missing; UPDATE_GOLDEN=1 writes it", file.display());
        if target == "payloads" {
            let input = fs::read(&file).expect("a seed");
            let stored = fuzz::stored(&input).expect("a head, and data");
            let read = Event::decode(stored.0, stored.1, stored.2, stored.3);
            assert!(read.is_ok(), "{}: {read:?}", file.display());
        }
    }
}
