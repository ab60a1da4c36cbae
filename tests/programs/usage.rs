//! Claims about how the program is called.

use super::{fails, run};

const VERBS: [&[&str]; 9] = [
    &["serve"],
    &["import", "orders"],
    &["check"],
    &["log", "head"],
    &["migrate"],
    &["config", "show"],
    &["config", "check"],
    &["config", "default"],
    &["database", "url"],
];

#[test]
fn every_verb_explains_itself() {
    for verb in VERBS {
        for help in ["--help", "-h"] {
            let (code, out, err) = run(&[verb, &[help]].concat(), &[]);
            assert_eq!((code, err.as_str()), (0, ""), "{verb:?}");
            assert!(out.contains("Usage: millrace"), "{verb:?}: {out}");
            for flag in ["--data", "--config"] {
                assert!(out.contains(flag), "{verb:?} does not tell of {flag}: {out}");
            }
        }
    }
}

#[test]
fn the_help_names_every_verb_and_every_group_too() {
    let (code, out, _) = run(&["--help"], &[]);
    assert_eq!(code, 0);
    for verb in VERBS {
        assert!(out.contains(verb[0]), "{verb:?} is not in the help");
    }
    for group in ["config", "database", "import", "log"] {
        let (code, out, _) = run(&[group, "--help"], &[]);
        assert_eq!(code, 0);
        for verb in VERBS.iter().filter(|verb| verb[0] == group) {
            assert!(out.contains(verb[1]), "{verb:?} is not in the help of {group}");
        }
    }
    let (code, out, _) = run(&["--version"], &[]);
    assert_eq!(code, 0);
    assert!(out.starts_with("millrace "), "{out}");
}

#[test]
fn wrong_usage_exits_2_and_names_what_is_wrong() {
    fails(&[], &[], 2, &["Usage: millrace"]);
    fails(&["srve"], &[], 2, &["srve", "serve"]);
    fails(&["serve", "--lisen", "x"], &[], 2, &["--lisen", "--listen"]);
    fails(&["serve", "--listen"], &[], 2, &["--listen"]);
    fails(&["config"], &[], 2, &["show"]);
    fails(&["config", "shw"], &[], 2, &["shw", "show"]);
    fails(&["serve", "more"], &[], 2, &["more"]);
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let program = harness::cluster::built("millrace");
    let line = format!("'{}' config default | true", program.display());
    let shell = std::process::Command::new("bash").args(["-o", "pipefail", "-c", &line]).output();
    let output = shell.expect("a shell");
    assert!(output.status.success(), "{output:?}");
}
