//! Claims about metrics: every one that is counted anywhere stands in the one table, is described,
//! is shown by `/metrics`, and tells the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gateway::telemetry::metrics::{Buckets, Kind, METRICS};
use harness::desk::receive;
use harness::{Desk, Shop, TestApp, test};
use serde_json::json;

use crate::tidy::source::{files, is_rust, is_test};

/// Prometheus' text, taken apart: help and type of each name, and its samples.
#[derive(Default)]
pub(crate) struct Shown {
    help: BTreeMap<String, String>,
    types: BTreeMap<String, String>,
    pub(crate) samples: BTreeMap<String, f64>,
}

pub(crate) async fn shown(app: &TestApp) -> Shown {
    let (status, _, text) = app.administrator().get("/metrics").await;
    assert_eq!(status, 200);
    let mut shown = Shown::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let told = |from: &str| {
            let (name, told) = line.strip_prefix(from)?.split_once(' ')?;
            Some((name.to_owned(), told.to_owned()))
        };
        if let Some((name, help)) = told("# HELP ") {
            shown.help.insert(name, help);
        } else if let Some((name, kind)) = told("# TYPE ") {
            assert!(shown.types.insert(name.clone(), kind).is_none(), "{name} is shown twice");
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a sample");
            shown.samples.insert(name.to_owned(), value.parse().expect("a number"));
        }
    }
    shown
}

impl Shown {
    #[track_caller]
    pub(crate) fn value(&self, name: &str) -> f64 {
        *self.samples.get(name).unwrap_or_else(|| panic!("{name} is not shown"))
    }
}

fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge | Kind::Present => "gauge",
        Kind::Histogram(_) => "histogram",
    }
}

/// Work of every sort: commands, a rejection, a repeat, an error, reads.
async fn work(app: &TestApp) {
    let shop = Shop::open(&app.administrator(), "acme").await;
    let product = shop.product("A-1", "2.50", 5).await;
    let customer = shop.customer("Bolt & Co", json!(null)).await;
    for key in ["a", "a", "b"] {
        let mut order = Shop::order(&customer, &product, "3");
        order["idempotencyKey"] = json!(key);
        drop(shop.attempt("placeOrder", order).await);
    }
    app.settled().await;
}

#[test]
fn metrics_shows_the_table_and_nothing_else() {
    test(async |app| {
        let at_start: BTreeSet<String> = shown(app).await.types.into_keys().collect();
        work(app).await;
        let shown = shown(app).await;
        for metric in METRICS {
            let name = metric.name;
            assert!(
                metric.label.is_some() || at_start.contains(name),
                "{name} is not there at start"
            );
            // Nothing stopped, so nobody says that it did.
            if name == "millrace_projection_stopped" {
                continue;
            }
            assert_eq!(shown.help.get(name).map(String::as_str), Some(metric.help), "{name}");
            let kind = shown.types.get(name).map(String::as_str);
            assert_eq!(kind, Some(type_of(metric.kind)), "{name}");
            let labelled =
                shown.samples.keys().filter(|sample| sample.starts_with(&format!("{name}{{")));
            for sample in labelled {
                let label = metric.label.unwrap_or("le");
                assert!(sample.contains(&format!("{{{label}=\"")), "{sample}");
            }
        }
        let known: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        let strangers: Vec<_> =
            shown.types.keys().filter(|name| !known.contains(name.as_str())).collect();
        assert!(strangers.is_empty(), "not in the table: {strangers:?}");
    });
}

/// The samples that tell the chain's head: the hash with the position.
fn heads(shown: &Shown) -> Vec<(String, i64)> {
    let samples = shown.samples.iter().filter_map(|(name, value)| {
        let hash = name.strip_prefix("millrace_log_chain_head{hash=\"")?.strip_suffix("\"}")?;
        Some((hash.to_owned(), *value as i64))
    });
    samples.collect()
}

#[test]
fn metrics_shows_the_present_head_of_the_chain_and_none_before() {
    test(async |app| {
        assert_eq!(heads(&shown(app).await), [], "an empty log has no head");
        let desk = Desk::open(app, "acme").await;
        for number in 0..3 {
            desk.product(&format!("A-{number}"), 1).await;
            let head = app.parts.log.chain_head().await.unwrap().unwrap();
            let expected = [(head.hash.to_string(), head.position.0)];
            assert_eq!(heads(&shown(app).await), expected);
            assert_eq!(head.position, app.parts.log.head().await.unwrap());
        }
    });
}

#[test]
fn the_other_metrics_come_though_the_database_does_not_tell_the_head() {
    test(async |app| {
        Desk::open(app, "acme").await;
        let client = app.database.connect().await;
        client.batch_execute("begin; lock table log.batches").await.unwrap();
        let asked = Instant::now();
        let during = shown(app).await;
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        assert_eq!(heads(&during), []);
        assert!(during.value("millrace_log_head_position") >= 1.0);
        client.batch_execute("rollback").await.unwrap();
        assert_eq!(heads(&shown(app).await).len(), 1);
    });
}

#[test]
fn names_say_the_part_and_end_in_the_unit() {
    let mut names = BTreeSet::new();
    for metric in METRICS {
        let name = metric.name;
        assert!(names.insert(name), "{name} stands in the table twice");
        let part = name.strip_prefix("millrace_").and_then(|rest| rest.split('_').next());
        let parts = ["log", "executor", "projection", "projector", "queries", "gateway"];
        assert!(part.is_some_and(|part| parts.contains(&part)), "{name} names no part");
        let ending = name.rsplit('_').next().unwrap_or_default();
        match metric.kind {
            Kind::Counter => assert_eq!(ending, "total", "{name}"),
            Kind::Histogram(Buckets::Seconds) => assert_eq!(ending, "seconds", "{name}"),
            Kind::Histogram(Buckets::Counts) | Kind::Gauge | Kind::Present => {
                assert_ne!(ending, "total", "{name}");
            }
        }
        assert!(metric.help.ends_with('.') && metric.help.len() < 100, "{name}: {}", metric.help);
    }
}

/// What is counted anywhere in the sources, by the macros' first argument.
#[test]
fn what_is_counted_stands_in_the_table_and_the_other_way_round() {
    let mut counted: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (_, text) in files().iter().filter(|(path, _)| is_rust(path) && !is_test(path)) {
        for kind in ["counter", "gauge", "histogram"] {
            let macro_call = format!("metrics::{kind}!(");
            for call in text.split(&macro_call).skip(1) {
                let name =
                    call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
                // The table's own loop has a variable there.
                if let Some(name) = name {
                    counted.entry(name.to_owned()).or_default().insert(kind);
                }
            }
        }
    }
    // What is told by its label is written when somebody looks, and counted nowhere.
    let table: BTreeMap<String, BTreeSet<&str>> = METRICS
        .iter()
        .filter(|metric| metric.kind != Kind::Present)
        .map(|metric| (metric.name.to_owned(), BTreeSet::from([type_of(metric.kind)])))
        .collect();
    assert_eq!(counted, table, "counted in the sources (left) and the table (right)");
}

#[test]
fn log_and_executor_count_what_they_do() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let product = desk.product("A-1", 0).await;
        let before = shown(app).await;
        let many = (0..60).map(|_| desk.attempt(receive(product, 1)));
        assert!(join_all(many).await.iter().all(Result::is_ok));
        let after = shown(app).await;
        let grown = |name: &str| after.value(name) - before.value(name);
        assert!((grown("millrace_log_batch_facts_sum") - 61.0).abs() < 0.1, "with the opening");
        assert!((grown("millrace_executor_round_facts_sum") - 61.0).abs() < 0.1);
        assert!((grown("millrace_executor_round_commands_sum") - 60.0).abs() < 0.1);
        assert!((grown("millrace_executor_command_seconds_count") - 60.0).abs() < 0.1);
        assert!((grown("millrace_executor_queue_seconds_count") - 60.0).abs() < 0.1);
        let batches = grown("millrace_log_batch_seconds_count");
        let ways = grown("millrace_log_plans_total") + grown("millrace_log_locked_total")
            - grown("millrace_log_plans_failed_total");
        assert!(
            (1.0..60.0).contains(&batches) && (ways - batches).abs() < 0.1,
            "{batches}, {ways}"
        );
        assert!(grown("millrace_log_queue_seconds_count") >= 1.0);
        let appends = r#"millrace_log_appends_total{answer="appended"}"#;
        assert!(grown(appends) >= 1.0 && grown("millrace_log_batch_appends_sum") >= grown(appends));
        assert!(grown("millrace_executor_components_total") >= grown(appends));
        // Each names the organization, the product and the item; what is not there is read, and
        // then the command names them once more.
        let (hits, misses) = (
            grown("millrace_executor_cache_hits_total"),
            grown("millrace_executor_cache_misses_total"),
        );
        assert!(misses >= 1.0 && hits > 60.0 && hits <= 6.0 * 60.0, "{hits} hits, {misses} misses");
        assert!(grown("millrace_executor_load_seconds_count") >= 1.0);
        assert!(after.value("millrace_executor_cache_states") >= 3.0);
        assert!(after.value("millrace_executor_cache_bytes") > 300.0);
        assert!(after.value("millrace_log_known_streams") >= 3.0);
        for now in [
            "executor_queue_commands",
            "executor_rounds_in_flight",
            "log_queue_appends",
            "log_queue_bytes",
            "log_batches_in_flight",
        ] {
            assert!(after.value(&format!("millrace_{now}")) < 0.1, "{now}: nobody is left");
        }
    });
}
