//! Claims about settings: what is wrong is named with where it was said, and secrets stay secret.

use std::fs;

use gateway::config::Config;
use harness::app::scratch;
use harness::program::{millrace, outcome};

use super::{fails, run};

const ADDRESS: &str = "postgres://me:hunter2@db.example:5432/shop?sslmode=require";

#[test]
fn the_documented_defaults_are_the_defaults_and_are_committed() {
    let (code, out, err) = run(&["config", "default"], &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    let parse = |text: &str| toml::from_str::<Config>(text).expect("settings");
    assert_eq!(parse(&out), Config::default());
    let committed = fs::read_to_string(harness::root().join("gateway/config.default.toml"));
    let committed = committed.expect("the committed defaults");
    assert_eq!(parse(&committed), Config::default());
    assert_eq!(out.trim(), committed.trim(), "with their explanations");
}

#[test]
fn the_documented_defaults_are_a_configuration_file() {
    let place = scratch();
    let (_, defaults, _) = run(&["config", "default"], &[]);
    fs::write(place.path().join("millrace.toml"), defaults).expect("a file");
    let (code, out, err) = outcome(millrace(&["config", "check"]).current_dir(place.path()));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "the configuration is right\n", ""));
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_what_is_known() {
    let place = scratch();
    let file = place.path().join("shop.toml");
    let path = file.to_string_lossy().into_owned();
    for verb in [&["config", "check"][..], &["config", "show"], &["serve"], &["migrate"]] {
        let arguments = [verb, &["--config", &path]].concat();
        fs::write(&file, "[server]\nlisten_on = \"127.0.0.1:1\"\n").expect("a file");
        let telling = ["server", "listen_on", "`listen`", "shop.toml", "millrace config default"];
        fails(&arguments, &[], 2, &telling);
        fs::write(&file, "[sever]\nlisten = \"127.0.0.1:1\"\n").expect("a file");
        fails(&arguments, &[], 2, &["sever", "`server`", "shop.toml"]);
        let environment = [("MILLRACE__SERVER__LISTENN", "127.0.0.1:1")];
        fails(verb, &environment, 2, &["server", "listenn", "`listen`", "MILLRACE__"]);
    }
}

#[test]
fn a_wrong_type_is_refused_with_its_key_and_place() {
    let place = scratch();
    let file = place.path().join("shop.toml");
    let path = file.to_string_lossy().into_owned();
    let check = ["config", "check", "--config", &path];
    for (text, telling) in [
        ("[server]\nbody_bytes_max = \"much\"\n", ["server.body_bytes_max", "much", "shop.toml"]),
        ("[server]\nbody_bytes_max = -1\n", ["server.body_bytes_max", "-1", "shop.toml"]),
        ("[server]\nlisten = 8080\n", ["server.listen", "8080", "shop.toml"]),
        ("[logging]\nformat = \"xml\"\n", ["logging.format", "xml", "`json`"]),
        ("server = 1\n", ["server", "1", "shop.toml"]),
        ("[server\n", ["shop.toml", "line 1", "]"]),
    ] {
        fs::write(&file, text).expect("a file");
        fails(&check, &[], 2, &telling);
    }
    for (name, value, key) in [
        ("MILLRACE__SERVER__BODY_BYTES_MAX", "much", "server.body_bytes_max"),
        ("MILLRACE__GRAPHQL__DEPTH_MAX", "-1", "graphql.depth_max"),
        ("MILLRACE__LOGGING__FORMAT", "xml", "logging.format"),
    ] {
        fails(&["config", "check"], &[(name, value)], 2, &[key, value, "MILLRACE__"]);
    }
}

#[test]
fn a_value_that_cannot_be_is_refused() {
    for (name, value, telling) in [
        ("MILLRACE__LIVE__SUBSCRIPTIONS_MAX", "0", "live.subscriptions_max"),
        ("MILLRACE__QUERIES__PAGE_DEFAULT", "101", "queries.page_default"),
    ] {
        fails(&["config", "check"], &[(name, value)], 2, &[telling]);
        fails(&["serve", "--listen", "127.0.0.1:0"], &[(name, value)], 2, &[telling]);
    }
    let filter = [("MILLRACE__LOGGING__FILTER", "info,=loud=")];
    fails(&["serve", "--listen", "127.0.0.1:0"], &filter, 2, &["logging.filter", "loud"]);
}

#[test]
fn a_file_that_is_named_has_to_be_there() {
    fails(&["config", "check", "--config", "none.toml"], &[], 2, &["none.toml"]);
}

#[test]
fn show_tells_each_setting_with_its_origin() {
    let place = scratch();
    let text = "[server]\nbody_bytes_max = 1000\n[live]\nsubscriptions_max = 7\n";
    fs::write(place.path().join("millrace.toml"), text).expect("a file");
    let mut show = millrace(&["config", "show"]);
    show.current_dir(place.path()).env("MILLRACE__LIVE__SUBSCRIPTIONS_MAX", "8");
    let (code, out, err) = outcome(&mut show);
    assert_eq!((code, err.as_str()), (0, ""));
    let line = |key: &str| {
        let found = out.lines().find(|line| line.starts_with(&format!("{key} = ")));
        found.unwrap_or_else(|| panic!("no {key} in {out}")).to_owned()
    };
    let file = line("body_bytes_max");
    assert!(file.contains("1000") && file.contains("millrace.toml"), "{file}");
    let environment = line("subscriptions_max");
    assert!(environment.contains("8 ") && environment.contains("environment"), "{environment}");
    let default = line("depth_max");
    assert!(default.contains("15") && default.contains("default"), "{default}");
    let shown: Config = toml::from_str(&out).expect("what is shown can be read again");
    assert_eq!(shown.live.subscriptions_max, 8);
}

#[test]
fn show_masks_the_password_wherever_it_was_said() {
    let (code, out, err) = run(&["config", "show"], &[("DATABASE_URL", ADDRESS)]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("postgres://me:***@db.example:5432/shop"), "{out}");
    assert!(out.contains("DATABASE_URL") || out.contains("environment"), "{out}");
    let variants = [
        ADDRESS,
        "postgres://db.example/shop?user=me&password=hunter2",
        "host=db.example user=me password=hunter2",
        "postgres://me:hun@ter2:hunter2@db.example/shop",
    ];
    for address in variants {
        for name in ["DATABASE_URL", "MILLRACE__DATABASE__URL"] {
            let (code, out, err) = run(&["config", "show"], &[(name, address)]);
            assert_eq!(code, 0, "{err}");
            assert!(!out.contains("hunter2") && !err.contains("hunter2"), "{address}: {out}{err}");
        }
    }
}
