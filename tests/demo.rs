//! Claims about `serve --demo`: what it fills, that it can be killed, that the same half year is
//! the same facts, and that what it prints works as printed.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use harness::app::{TestApp, scratch};
use harness::cluster::TestDatabase;
use harness::program::{Ended, serving};
use harness::{Program, Shop, test};
use indicatif::ProgressBar;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::readme::session;

const DEMO: &[&str] = &["--demo"];
const STOP: Duration = Duration::from_secs(10);

/// A fact without what differs from run to run: its stream, its type, its data.
type Fact = (uuid::Uuid, String, Vec<u8>);

async fn facts(database: &TestDatabase) -> Vec<Fact> {
    let facts = "select stream_id, type, data from log.events order by stream_id, type, data";
    let rows = database.connect().await.query(facts, &[]).await.expect("the log");
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

async fn count(database: &TestDatabase, what: &str) -> i64 {
    let count = format!("select count(*) from {what}");
    database.connect().await.query_one(&count, &[]).await.expect("a count").get(0)
}

/// Starts to fill the demo, and lets it until there are so many facts.
async fn begin(data: &Path, database: &TestDatabase, wanted: i64) -> Child {
    let mut command = serving(data, DEMO, &[("DATABASE_URL", &database.url)]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("starting millrace");
    let started = Instant::now();
    while count(database, "log.events").await < wanted {
        assert!(started.elapsed() < Duration::from_secs(60), "not {wanted} facts in a minute");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    child
}

/// The demo of the same half year, in a database of its own, filled without being disturbed.
async fn undisturbed(app: &TestApp, until: DateTime<Utc>) -> Vec<Fact> {
    let executor = &app.parts.executor;
    gateway::demo::register(executor, until).await.expect("its organization");
    gateway::demo::trade(executor, until, &ProgressBar::hidden()).await.expect("its trade");
    facts(&app.database).await
}

#[test]
fn a_demo_that_was_killed_is_completed_and_nothing_is_there_twice() {
    test(async |app| {
        let (place, database) = (scratch(), TestDatabase::create().await);
        let data = place.path().join("data");
        let environment = [("DATABASE_URL", database.url.as_str())];
        let mut killed = begin(&data, &database, 4_000).await;
        killed.kill().expect("killing millrace");
        killed.wait().expect("its end");
        let mut told = begin(&data, &database, 12_000).await;
        let pid = Pid::from_raw(i32::try_from(told.id()).expect("a process id"));
        kill(pid, Signal::SIGTERM).expect("SIGTERM");
        assert!(told.wait().expect("its end").success(), "it ends well while it fills");
        let begun = count(&database, "log.events").await;
        assert!(begun < 20_000, "{begun} facts: it is not disturbed in the middle");

        let program = Program::serve_with(&data, DEMO, &environment);
        let whole = facts(&database).await;
        assert!(program.terminate(STOP).success());
        let counts = [("products", 300), ("customers", 100), ("organizations", 1)];
        for (what, wanted) in counts {
            assert_eq!(count(&database, &format!("read.{what}")).await, wanted, "{what}");
        }
        let orders = count(&database, "read.orders").await;
        assert!((2_500..=3_000).contains(&orders), "{orders} orders");
        let client = database.connect().await;
        let first = "select recorded_at from log.events where position = 1";
        let until = client.query_one(first, &[]).await.expect("the first fact").get(0);
        assert!(whole == undisturbed(app, until).await, "the same facts as without all that");

        let ended = Program::serve_with(&data, DEMO, &environment).end(STOP);
        assert!(ended.status.success() && ended.log.contains("half year"), "{ended:?}");
        assert!(!ended.log.contains("was filled"), "a whole demo is found whole: {ended:?}");
        assert!(whole == facts(&database).await, "a whole demo is left alone");
        database.remove().await;
    });
}

#[test]
fn what_the_demo_prints_works_as_printed() {
    let place = scratch();
    let program = Program::serve_with(&place.path().join("data"), DEMO, &[]);
    let started = Instant::now();
    let said = loop {
        let said = program.said();
        if said.ends_with("order by month\"\n") {
            break said;
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{said}");
        std::thread::sleep(Duration::from_millis(10));
    };
    let folder = said.lines().find_map(|line| line.split_once("a shell in ")?.1.strip_suffix(':'));
    let commands: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let script = format!("set -e\ncd {}\n{}\n", folder.expect("a folder"), commands.join("\n"));
    let (status, output) = session(place.path(), &script);
    let ended = program.end(STOP);
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.out, "", "nothing on stdout behind `ready …`");
    assert!(status.is_some_and(|status| status.success()), "{script}\n{output}");
    let answers: Vec<Value> =
        output.lines().map_while(|line| serde_json::from_str(line).ok()).collect();
    let [orders, months, customers] = &answers[..] else { panic!("three answers: {output}") };
    let orders = orders["data"]["orders"]["nodes"].as_array().expect("orders");
    assert_eq!(orders.len(), 3);
    assert!(orders.iter().all(|order| order["customerName"].is_string()), "{orders:?}");
    let months = months["data"]["salesByMonth"].as_array().expect("months");
    assert!((6..=8).contains(&months.len()), "half a year touches seven months: {months:?}");
    let sold: i64 = months.iter().filter_map(|month| month["orders"].as_i64()).sum();
    assert!((2_400..=3_000).contains(&sold), "{sold} orders in {months:?}");
    let customers = customers["data"]["salesByCustomer"].as_array().expect("customers");
    assert!(customers.iter().all(|best| best["customer"]["name"].is_string()), "{customers:?}");
    assert!(output.contains(&format!("({} rows)", months.len())), "{output}");
}

#[test]
fn a_log_with_something_else_in_it_is_left_alone() {
    test(async |app| {
        Shop::open(&app.administrator(), "acme").await;
        let (place, database) = (scratch(), &app.database);
        for facts in 1..=2 {
            let environment = [("DATABASE_URL", database.url.as_str())];
            let program = Program::serve_with(place.path(), DEMO, &environment);
            let Ended { status, log, .. } = program.end(STOP);
            assert!(status.success(), "{log}");
            assert!(log.contains("no demo here") && !log.contains("half year"), "{log}");
            assert_eq!(count(database, "log.events").await, facts);
            // Its slug is the demo's, and yet it is somebody else's.
            if facts == 1 {
                Shop::open(&app.administrator(), "demo").await;
            }
        }
    });
}

#[test]
fn a_demo_that_somebody_has_changed_half_way_is_served_as_it_is() {
    test(async |app| {
        let registered = gateway::demo::register(&app.parts.executor, app.clock.now()).await;
        registered.expect("the demo's organization");
        let shop = Shop { client: app.administrator().within("demo") };
        shop.product("EAR-30DB", "1", 1).await;
        let (place, environment) = (scratch(), [("DATABASE_URL", app.database.url.as_str())]);
        let program = Program::serve_with(place.path(), DEMO, &environment);
        assert_eq!(program.administrator().get("/health/ready").await.0, 200);
        let Ended { status, log, .. } = program.end(STOP);
        assert!(status.success(), "{log}");
        for part in ["demo/product/EAR-30DB", "is taken", "its data was changed"] {
            assert!(log.contains(part), "`{part}` is not told: {log}");
        }
    });
}
