//! Durable appends of single facts, beside the same rows written by PostgreSQL itself in the same
//! run: interleaved rounds, median ratio. Fsync is on. Writes `target/bench/results.json`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, makes ids, and fails where it cannot go on"
)]

use std::time::{Duration, Instant};

use events::log::{Append, Expected, Log, LogId, LogLimits, NewFact, StreamKey};
use futures_util::future::join_all;
use harness::cluster::{TestDatabase, target};
use serde_json::{Value, json};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
/// About 500 bytes an event, data and meta together.
const DATA_BYTES: usize = 330;

/// A rate and latencies of one round.
struct Measured {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

fn measured(mut seconds: Vec<f64>, facts: usize, elapsed: Duration) -> Measured {
    seconds.sort_by(f64::total_cmp);
    let at = |share: f64| seconds[((seconds.len() - 1) as f64 * share) as usize] * 1_000.0;
    let per_second = facts as f64 / elapsed.as_secs_f64();
    Measured { per_second, p50_ms: at(0.50), p99_ms: at(0.99) }
}

fn data() -> Vec<u8> {
    json!({ "text": "x".repeat(DATA_BYTES) }).to_string().into_bytes()
}

fn meta() -> Vec<u8> {
    json!({ "actor": "administrator", "command": "bench.append", "correlation": Uuid::nil() })
        .to_string()
        .into_bytes()
}

/// One caller after another's round trip: each appends single facts to a stream of its own.
async fn ours(log: &Log, callers: usize) -> Measured {
    let started = Instant::now();
    let work = (0..callers).map(|_| {
        let log = log.clone();
        tokio::spawn(async move {
            let stream = StreamKey { organization: Uuid::nil(), id: Uuid::now_v7() };
            let mut taken = Vec::new();
            while started.elapsed() < ROUND {
                let version = taken.len() as i64;
                let event_id = Uuid::now_v7();
                let fact = NewFact {
                    stream,
                    feature: "bench".into(),
                    fact_type: "bench.appended".into(),
                    schema_version: 1,
                    event_id,
                    data: data(),
                    meta: meta(),
                };
                let expected = vec![(stream, Expected::Exact(version))];
                let (keys, facts) = (vec![event_id], vec![fact]);
                let append = Append { expected, keys, facts, ..Append::default() };
                let asked = Instant::now();
                log.append(append).await.unwrap();
                taken.push(asked.elapsed().as_secs_f64());
            }
            taken
        })
    });
    let taken: Vec<f64> = join_all(work).await.into_iter().flat_map(Result::unwrap).collect();
    let facts = taken.len();
    measured(taken, facts, started.elapsed())
}

const INSERT: &str = "insert into baseline \
    (organization_id, feature, stream_id, version, event_id, type, schema_version, \
    data, meta, recorded_at) \
    select $1, 'bench', $2, v, i, 'bench.appended', 1, d, m, clock_timestamp() \
    from unnest($3::bigint[], $4::uuid[], $5::bytea[], $6::bytea[]) as t(v, i, d, m)";

/// The same rows into a table with the same columns and indexes, so many a transaction.
async fn theirs(clients: &[(Client, Statement)], rows: usize) -> Measured {
    let started = Instant::now();
    let work = clients.iter().map(|(client, insert)| async move {
        let (organization, stream) = (Uuid::nil(), Uuid::now_v7());
        let mut taken = Vec::new();
        let mut version = 0;
        while started.elapsed() < ROUND {
            let versions: Vec<i64> = (version + 1..=version + rows as i64).collect();
            let ids: Vec<Uuid> = (0..rows).map(|_| Uuid::now_v7()).collect();
            version += rows as i64;
            let payloads: Vec<Vec<u8>> = (0..rows).map(|_| data()).collect();
            let metas: Vec<Vec<u8>> = (0..rows).map(|_| meta()).collect();
            let asked = Instant::now();
            let params: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                [&organization, &stream, &versions, &ids, &payloads, &metas];
            client.execute(insert, &params).await.unwrap();
            taken.push(asked.elapsed().as_secs_f64());
        }
        taken
    });
    let taken: Vec<f64> = join_all(work).await.into_iter().flatten().collect();
    let facts = taken.len() * rows;
    measured(taken, facts, started.elapsed())
}

async fn baseline(database: &TestDatabase, connections: usize) -> Vec<(Client, Statement)> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        let client = database.connect().await;
        let insert = client.prepare(INSERT).await.unwrap();
        clients.push((client, insert));
    }
    clients
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn row(database: &TestDatabase, log: &Log, callers: usize, single: bool) -> Value {
    let (connections, rows) = if single { (callers, 1) } else { (1, 1_000) };
    let clients = baseline(database, connections).await;
    let (mut ratios, mut mine, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let base = theirs(&clients, rows).await;
        let our = ours(log, callers).await;
        ratios.push(our.per_second / base.per_second);
        mine.push(our);
        other.push(base.per_second);
    }
    let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let high = ratios.iter().copied().fold(0.0, f64::max);
    json!({
        "ratio": median(ratios), "ratio_low": low, "ratio_high": high,
        "goal": if single { 2.5 } else { 1.2 },
        "per_second": median(mine.iter().map(|m| m.per_second).collect()),
        "baseline_per_second": median(other),
        "p50_ms": median(mine.iter().map(|m| m.p50_ms).collect()),
        "p99_ms": median(mine.iter().map(|m| m.p99_ms).collect()),
    })
}

#[tokio::main]
async fn main() {
    let database = TestDatabase::create().await;
    let client = database.connect().await;
    let create = "create table baseline (like log.events including indexes); \
        create sequence baseline_position; \
        alter table baseline alter position set default nextval('baseline_position')";
    client.batch_execute(create).await.unwrap();
    let fsync: String = client.query_one("show fsync", &[]).await.unwrap().get(0);
    let log = Log::open(&database.config, LogId::default(), LogLimits::default()).await.unwrap();
    let results = json!({
        "fsync": fsync,
        "append_64": row(&database, &log, 64, true).await,
        "append_512": row(&database, &log, 512, false).await,
    });
    let folder = target().join("bench");
    std::fs::create_dir_all(&folder).unwrap();
    let text = serde_json::to_string_pretty(&results).unwrap();
    std::fs::write(folder.join("results.json"), &text).unwrap();
    println!("{text}");
    drop(log);
    database.remove().await;
}
