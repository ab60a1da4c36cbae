//! `export_parquet`: how fast the facts of a log become Parquet files on the disk, as
//! `export facts --format parquet` writes them.

use std::path::Path;

use events::log::{Append, Log, LogId, LogLimits, NewFact};
use gateway::export::manifest::Filter;
use gateway::export::{Asked, ExportLimits, Format, Summary, export};
use gateway::progress::Progress;
use harness::cluster::{TestDatabase, target};
use serde_json::{Map, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Scale;
use crate::append::{Payloads, stream};
use crate::report::{Goal, Row};
use crate::rounds::{median, rounded};

/// What the goal asks for, in facts a second.
const GOAL: f64 = 200_000.0;
/// Facts of an append.
const APPEND_FACTS: usize = 1_000;
/// As many as an order's facts have, and a few more.
const TYPES: [&str; 6] =
    ["order.placed", "credit.reserved", "stock.reserved", "stock.received", "a.b", "c.d"];

/// Measures the row.
pub async fn measure(scale: Scale) -> Row {
    let database = TestDatabase::create().await;
    let log = Log::open(&database.config, LogId::default(), LogLimits::default()).await.unwrap();
    fill(&log, scale.exported_facts).await;
    let place = tempfile::tempdir_in(target()).unwrap();
    let mut rates = Vec::new();
    let mut bytes = 0;
    for round in 0..scale.rounds {
        let to = place.path().join(round.to_string());
        let summary = exported(&database, &log, &to).await;
        assert_eq!(summary.facts as usize, scale.exported_facts, "every fact is exported");
        rates.push(summary.facts as f64 / summary.took.as_secs_f64());
        bytes = summary.bytes;
        std::fs::remove_dir_all(&to).unwrap();
    }
    let client = database.connect().await;
    let size = "select avg(octet_length(data) + octet_length(meta))::float8 from log.events";
    let fact_bytes: f64 = client.query_one(size, &[]).await.unwrap().get(0);
    drop((log, client));
    database.remove().await;
    rates.sort_by(f64::total_cmp);
    let mut details = Map::new();
    details.insert("facts".to_owned(), json!(scale.exported_facts));
    details.insert("bytes_a_fact".to_owned(), json!(rounded(fact_bytes)));
    details.insert("megabytes_written".to_owned(), json!(rounded(bytes as f64 / 1e6)));
    details
        .insert("spread".to_owned(), json!([rounded(rates[0]), rounded(rates[rates.len() - 1])]));
    Row {
        name: "export_parquet",
        what: "the whole log exported as zstd Parquet by type and day, synced to the disk".into(),
        ours: median(rates.into_iter()),
        baseline: None,
        unit: "facts/s",
        ratio: None,
        goal: Goal::AtLeast(GOAL),
        holds: true,
        details,
    }
}

async fn exported(database: &TestDatabase, log: &Log, to: &Path) -> Summary {
    let (to, format, filter) = (to.to_owned(), Format::Parquet, Filter::default());
    let asked = Asked { to, format, since: None, filter };
    let (progress, stop) = (Progress::start("exporting"), CancellationToken::new());
    let limits = ExportLimits::default();
    let told = (&progress, &stop);
    let summary = export(log, &database.config, asked, &limits, told).await.unwrap();
    progress.end();
    summary
}

async fn fill(log: &Log, facts: usize) {
    let payloads = Payloads::new();
    for begin in (0..facts).step_by(APPEND_FACTS) {
        let facts = (begin..facts.min(begin + APPEND_FACTS)).map(|number| NewFact {
            fact_type: TYPES[number % TYPES.len()].into(),
            ..payloads.fact(stream(Uuid::now_v7()), number)
        });
        let append = Append { facts: facts.collect(), ..Append::default() };
        log.append(append).await.unwrap();
    }
}
