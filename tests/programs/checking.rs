//! Claims about `check` and `log head`: what they print, and how they end.

use std::time::Duration;

use events::log::{Append, Log, LogId, LogLimits, NewFact, StreamKey};
use gateway::app::fresh_id;
use harness::app::scratch;
use harness::program::{millrace, outcome};
use harness::{Program, Shop, TestDatabase};
use serde_json::{Value, json};

use super::{block_on, fails, run};

/// A database of so many facts, each its own batch; its address is given to the claim.
fn with_log(facts: usize, claim: impl FnOnce(&str, &TestDatabase)) {
    let database = block_on(async {
        let database = TestDatabase::create().await;
        let log = Log::open(&database.config, LogId::default(), LogLimits::default()).await;
        let log = log.expect("opening the log");
        let stream = StreamKey { organization: fresh_id(), id: fresh_id() };
        for _ in 0..facts {
            let fact = NewFact {
                stream,
                feature: "things".into(),
                fact_type: "thing.happened".into(),
                schema_version: 1,
                event_id: fresh_id(),
                data: b"{}".to_vec(),
                meta: b"{}".to_vec(),
                tags: Vec::new(),
            };
            log.append(Append { facts: vec![fact], ..Append::default() }).await.expect("a fact");
        }
        database
    });
    claim(&database.url, &database);
    block_on(database.remove());
}

/// Does something to a log that only its owner can.
fn tamper(database: &TestDatabase, statement: &str) {
    block_on(async {
        let client = database.connect().await;
        let off = "alter table log.events disable trigger only_added; \
            alter table log.batches disable trigger only_added";
        client.batch_execute(off).await.expect("the triggers");
        client.batch_execute(statement).await.expect(statement);
    });
}

/// Exit code, stdout and stderr over this database.
fn over(url: &str, arguments: &[&str]) -> (i32, String, String) {
    run(arguments, &[("DATABASE_URL", url)])
}

#[track_caller]
fn parsed(out: &str) -> Value {
    assert_eq!(out.lines().count(), 1, "{out}");
    serde_json::from_str(out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

#[test]
fn a_right_log_is_told_with_its_head_for_people_and_for_programs() {
    with_log(5, |url, _| {
        let (code, head, err) = over(url, &["log", "head"]);
        assert_eq!((code, err.as_str()), (0, ""));
        let (position, hash) = head.trim().split_once(' ').expect("position and hash");
        assert_eq!((position, hash.len()), ("5", 64));
        let (code, out, _) = over(url, &["log", "head", "--json"]);
        assert_eq!((code, parsed(&out)), (0, json!({ "position": 5, "hash": hash })));
        for arguments in [&["check", "--log"][..], &["check"]] {
            let (code, out, _) = over(url, arguments);
            assert_eq!(code, 0, "{out}");
            assert!(out.starts_with("the log is right: 5 facts in "), "{out}");
            assert!(out.contains(&format!("head   5 {hash}")), "{out}");
        }
        let (code, out, _) = over(url, &["check", "--log", "--head", hash, "--json"]);
        let mut told = parsed(&out);
        assert!(told["log"]["seconds"].take().as_f64().is_some_and(|seconds| seconds < 60.0));
        let expected = json!({ "log": {
            "right": true, "facts": 5, "seconds": null, "noted_position": 5, "bad": null,
            "head": { "position": 5, "hash": hash },
        } });
        assert_eq!((code, told), (0, expected));
    });
}

#[test]
fn an_empty_log_is_right_and_has_no_head() {
    with_log(0, |url, _| {
        let (code, out, _) = over(url, &["check", "--log"]);
        assert_eq!(code, 0);
        assert!(out.contains("right: 0 facts") && out.contains("the log is empty"), "{out}");
        let (code, out, _) = over(url, &["check", "--json"]);
        assert_eq!((code, &parsed(&out)["log"]["head"]), (0, &Value::Null));
        let (code, out, err) = over(url, &["log", "head"]);
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains("the log is empty"), "{err}");
    });
}

#[test]
fn a_log_that_was_changed_is_told_with_the_place_and_exits_1() {
    with_log(5, |url, database| {
        tamper(database, "update log.events set data = '{ }' where position = 3");
        let (code, out, err) = over(url, &["check", "--log"]);
        assert_eq!(code, 1);
        assert!(out.starts_with("the log is wrong at position 3: the hash of the batch"), "{out}");
        assert!(err.contains("the log is not right"), "{err}");
        let (code, out, _) = over(url, &["check", "--log", "--json"]);
        let log = &parsed(&out)["log"];
        assert_eq!((code, &log["right"]), (1, &json!(false)));
        let bad = &log["bad"];
        let place = json!([bad["first"], bad["last"], bad["kind"]]);
        assert_eq!(place, json!([3, 3, "hash"]));
        assert!(bad["reason"].as_str().is_some_and(|reason| reason.contains("hash")), "{bad}");
    });
}

#[test]
fn a_log_that_was_cut_off_is_told_by_a_noted_head_alone() {
    with_log(5, |url, database| {
        let (_, head, _) = over(url, &["log", "head"]);
        let hash = head.trim().split_once(' ').expect("position and hash").1.to_owned();
        tamper(
            database,
            "delete from log.events where position > 3; \
             delete from log.batches where last_position > 3",
        );
        assert_eq!(over(url, &["check", "--log"]).0, 0, "nothing is left that could tell");
        let (code, out, _) = over(url, &["check", "--log", "--head", &hash]);
        assert_eq!(code, 1);
        assert!(out.starts_with("the log is wrong: no batch has the hash"), "{out}");
        assert!(out.contains(&hash) && out.contains("cut off"), "{out}");
        let (_, out, _) = over(url, &["check", "--log", "--json", "--head", &hash]);
        let bad = &parsed(&out)["log"]["bad"];
        assert_eq!(json!([bad["first"], bad["kind"]]), json!([null, "cut_off"]));
    });
}

#[test]
fn what_is_no_hash_is_wrong_usage_and_what_cannot_be_read_is_a_failure() {
    for wrong in ["", "12", "5", &"g".repeat(64), &"a".repeat(65)] {
        fails(&["check", "--log", "--head", wrong], &[], 2, &["64 hexadecimal digits"]);
    }
    fails(&["check", "--lock"], &[], 2, &["--lock"]);
    fails(&["log"], &[], 2, &["head"]);
    for verb in [&["check", "--log"][..], &["log", "head"]] {
        let nowhere = [("DATABASE_URL", "postgres://me:hunter2@127.0.0.1:1/shop")];
        let err = fails(verb, &nowhere, 1, &["database"]);
        assert!(!err.contains("hunter2"), "{err}");
    }
    with_log(0, |url, database| {
        tamper(database, "drop schema log cascade");
        for verb in [&["check", "--log"][..], &["log", "head"]] {
            fails(verb, &[("DATABASE_URL", url)], 1, &["there is no log in it", "migrate"]);
        }
    });
}

#[test]
fn both_run_beside_a_serve_and_alone() {
    let place = scratch();
    let program = Program::serve(&place.path().join("data"), &[]);
    let data = program.data.to_string_lossy().into_owned();
    block_on(async {
        let shop = Shop::open(&program.administrator(), "acme").await;
        shop.customer("Bolt & Co", json!(null)).await;
    });
    let (code, head, err) = outcome(&mut millrace(&["log", "head", "--data", &data]));
    assert_eq!(code, 0, "{err}");
    let hash = head.trim().split_once(' ').expect("position and hash").1;
    let check = ["check", "--log", "--head", hash, "--data", &data];
    let beside = outcome(&mut millrace(&check));
    assert_eq!(beside.0, 0, "{beside:?}");
    assert!(program.terminate(Duration::from_secs(10)).success(), "nobody took its database away");
    let alone = outcome(&mut millrace(&check));
    assert_eq!(alone.0, 0, "{alone:?}");
    assert!(alone.1.contains(hash) && alone.1.starts_with("the log is right: "), "{alone:?}");
    let (_, _, err) = outcome(&mut millrace(&["database", "url", "--data", &data]));
    assert!(err.contains("does not run now"), "whoever started it stopped it: {err}");
}
