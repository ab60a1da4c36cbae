//! Claims about sudden deaths: of the importer, of PostgreSQL, of a `serve` beside it. Whatever
//! dies when, what is there in the end is what would have been there anyway.

use std::path::Path;
use std::time::{Duration, Instant};

use harness::cluster::TestDatabase;
use harness::untidy::{PLAIN, Untidy};
use harness::{Program, schema_of};
use nix::sys::signal::Signal;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio_postgres::Client;

use super::books::Books;
use super::place::{Imported, Place, Running, test};
use super::untidy::{expected, is_reported};
use crate::crashes;

/// All that readers see, but for positions and times of recording.
async fn everything(client: &Client) -> Vec<String> {
    let tables = "select table_name::text from information_schema.views \
        where table_schema = 'read' order by 1";
    let tables = client.query(tables, &[]).await.expect("the read models");
    let mut all = Vec::new();
    for table in tables {
        let table: String = table.get(0);
        let rows = format!(
            "select '{table} ' || (to_jsonb(t) - 'position' - 'changed_at')::text as line \
             from read.{table} t order by line"
        );
        let rows = client.query(&rows, &[]).await.expect("rows");
        all.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    all
}

#[track_caller]
fn are_the_same(left: &[String], right: &[String]) {
    let differs = left.iter().zip(right).find(|(left, right)| left != right);
    assert_eq!(differs, None);
    assert_eq!(left.len(), right.len());
}

/// Waits until so many orders are there, or the import has ended.
async fn placed(client: &Client, orders: i64, running: &mut Running) {
    let since = Instant::now();
    let count = "select count(*) from log.events where type = 'order.placed'";
    while client.query_one(count, &[]).await.expect("a count").get::<_, i64>(0) < orders {
        assert!(since.elapsed() < Duration::from_secs(120), "not {orders} orders in two minutes");
        assert!(!running.has_ended(), "it ended before {orders} orders were there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn an_importer_that_is_killed_again_and_again_leaves_what_an_undisturbed_one_does() {
    let untidy = Untidy::make(4, 250, PLAIN);
    test(async |place| {
        let mut dice = ChaCha8Rng::seed_from_u64(4);
        let (mut kills, mut patience_ms) = (0, 200);
        loop {
            let mut running = place.begin(&untidy);
            let deadline =
                Instant::now() + Duration::from_millis(dice.random_range(0..patience_ms));
            while Instant::now() < deadline && !running.has_ended() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            if running.has_ended() {
                let (code, out, err) = running.end();
                assert_eq!(code, 0, "{err}");
                is_reported(&Imported::read(&out, &place.path("")), &untidy);
                break;
            }
            running.signal(Signal::SIGKILL);
            assert_eq!(running.end().0, -1);
            kills += 1;
            patience_ms += 100;
        }
        assert!(kills >= 3, "it was through after {kills} kills");
        let client = place.connect().await;
        Books::read(&client, "Europe/Zurich").await.are(&expected(&untidy));
        let undisturbed = TestDatabase::create().await;
        let (code, _, err) = Place::of(&undisturbed).begin(&untidy).end();
        assert_eq!(code, 0, "{err}");
        are_the_same(&everything(&client).await, &everything(&undisturbed.connect().await).await);
        undisturbed.remove().await;
    });
}

#[test]
fn an_importer_that_is_told_to_stop_ends_soon_and_goes_on_when_it_is_run_again() {
    let untidy = Untidy::make(5, 600, PLAIN);
    test(async |place| {
        let mut running = place.begin(&untidy);
        placed(&place.connect().await, 20, &mut running).await;
        running.signal(Signal::SIGTERM);
        let since = Instant::now();
        let (code, out, err) = running.end();
        assert!(since.elapsed() < Duration::from_secs(10), "{err}");
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(err.contains("run it again"), "{err}");
        assert!(!place.path("orders.csv.report.csv").exists(), "no half report");
        let (code, out, err) = place.begin(&untidy).end();
        assert_eq!(code, 0, "{err}");
        let imported = Imported::read(&out, &place.path(""));
        is_reported(&imported, &untidy);
        assert!(imported.summary["orders"]["there_already"].as_u64() >= Some(20));
        let client = place.connect().await;
        Books::read(&client, "Europe/Zurich").await.are(&expected(&untidy));
    });
}

/// A serve over the tests' own database.
fn serve(place: &Place) -> Program {
    Program::serve(&place.path("data"), &[("DATABASE_URL", place.url())])
}

#[test]
fn when_a_serve_beside_it_is_killed_the_import_carries_the_read_models_on() {
    let untidy = Untidy::make(6, 800, PLAIN);
    test(async |place| {
        let program = serve(place);
        let client = place.connect().await;
        let mut running = place.begin(&untidy);
        placed(&client, 20, &mut running).await;
        program.kill();
        let (code, out, err) = running.end();
        assert_eq!(code, 0, "{err}");
        assert!(err.contains("this import does now"), "{err}");
        is_reported(&Imported::read(&out, &place.path("")), &untidy);
        Books::read(&client, "Europe/Zurich").await.are(&expected(&untidy));
    });
}

/// An import into the embedded PostgreSQL of a data directory.
fn begin(folder: &Path, data: &Path, untidy: &Untidy) -> Running {
    std::fs::write(folder.join("orders.csv"), &untidy.bytes).expect("a file");
    std::fs::write(folder.join("mapping.toml"), &untidy.mapping).expect("a mapping");
    let data = data.to_string_lossy();
    let arguments = ["import", "orders", "orders.csv", "--mapping", "mapping.toml", "--json"];
    let mut command = harness::program::millrace(&[&arguments[..], &["--data", &data]].concat());
    command.current_dir(folder);
    Running::start(command)
}

/// Connects as soon as PostgreSQL lets anybody.
async fn connect(data: &Path) -> Client {
    let url = gateway::postgres::url_for(data).expect("the address").0;
    let config = gateway::verbs::parts::address(&url).expect("an address");
    let since = Instant::now();
    loop {
        match events::log::connect(&config).await {
            Ok(client) => return client,
            Err(error) => assert!(since.elapsed() < Duration::from_secs(60), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Kills PostgreSQL twice under an import, with or without a serve beside it.
fn survives_postgresql(alone: bool) {
    let untidy = Untidy::make(7, 600, PLAIN);
    let place = crashes::Place(harness::app::scratch());
    let (folder, data) = (place.0.path(), place.data());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut program = Some(Program::serve(&data, &[]));
        let mut running = begin(folder, &data, &untidy);
        placed(&connect(&data).await, 10, &mut running).await;
        if alone {
            program.take().expect("a program").kill();
        }
        for orders in [60, 200] {
            crashes::kill_postmaster(&data);
            placed(&connect(&data).await, orders, &mut running).await;
        }
        let (code, out, err) = running.end();
        assert_eq!(code, 0, "{err}");
        is_reported(&Imported::read(&out, folder), &untidy);
        let program = program.unwrap_or_else(|| Program::serve(&data, &[]));
        let client = connect(&data).await;
        Books::read(&client, "Europe/Zurich").await.are(&expected(&untidy));
        assert!(program.terminate(Duration::from_secs(20)).success());
    });
}

#[test]
fn a_killed_postgresql_is_started_again_and_the_import_goes_on() {
    survives_postgresql(true);
}

#[test]
fn a_killed_postgresql_disturbs_neither_an_import_nor_the_serve_beside_it() {
    survives_postgresql(false);
}

#[test]
fn a_read_model_that_stops_does_not_hold_an_import_up_for_ever() {
    let untidy = Untidy::make(10, 60, PLAIN);
    test(async |place| {
        let client = place.connect().await;
        let rename = async |from: &str, to: &str| {
            let rename = format!("alter table {}.{from} rename to {to}", schema_of("stock"));
            client.batch_execute(&rename).await.expect("renaming a table");
        };
        rename("stock", "elsewhere").await;
        let (file, mapping) = place.files(&untidy);
        let mut command = place.command(&file, &mapping, &[]);
        command.env("MILLRACE__PROJECTOR__ATTEMPTS_MAX", "2");
        let (code, out, err) = Running::start(command).end();
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        for part in ["the read model `stock` stopped", "everything is in the log"] {
            assert!(err.contains(part), "`{part}` is not told: {err}");
        }
        rename("elsewhere", "stock").await;
        let imported = place.import(&file, &mapping, &[]);
        is_reported(&imported, &untidy);
        assert_eq!(imported.summary["orders"]["created"], 0, "everything was in the log");
        Books::read(&client, "Europe/Zurich").await.are(&expected(&untidy));
    });
}
