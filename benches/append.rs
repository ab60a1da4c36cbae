//! `append_1`, `append_64`, `append_512`, `append_7x7`: durable appends, beside the same rows as
//! PostgreSQL itself writes them into a table with the same columns and indexes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use events::log::{Append, Expected, Log, LogId, LogLimits, NewFact, StreamKey};
use futures_util::future::join_all;
use harness::cluster::TestDatabase;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::Scale;
use crate::report::{Goal, Row};
use crate::rounds::{Round, Rounds};

/// Bytes of the text in a fact's data: about 500 bytes a fact, data and meta together.
const TEXT_BYTES: usize = 320;
/// Different payloads; both sides take them by turns.
const PAYLOADS: usize = 1_024;

/// A row, and how it is measured.
pub struct Appends {
    pub name: &'static str,
    callers: usize,
    /// Facts an append, each in a stream of its own.
    facts: usize,
    /// The baseline's connections, and its transactions' appends.
    baseline: (usize, usize),
    goal: f64,
}

pub const ROWS: [Appends; 4] = [
    Appends { name: "append_1", callers: 1, facts: 1, baseline: (1, 1), goal: 0.5 },
    Appends { name: "append_64", callers: 64, facts: 1, baseline: (64, 1), goal: 2.5 },
    Appends { name: "append_512", callers: 512, facts: 1, baseline: (1, 1_000), goal: 1.2 },
    Appends { name: "append_7x7", callers: 64, facts: 7, baseline: (64, 1), goal: 1.0 },
];

/// The bytes of facts: data and meta.
pub struct Payloads {
    data: Vec<Vec<u8>>,
    meta: Vec<u8>,
}

impl Payloads {
    /// Text as incompressible as facts are: ids, numbers and names make most of them.
    pub fn new() -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let mut text = || -> String {
            (0..TEXT_BYTES).map(|_| char::from(dice.random_range(b'a'..=b'z'))).collect()
        };
        let data = (0..PAYLOADS).map(|_| json!({ "text": text() }).to_string().into_bytes());
        let meta = json!({
            "actor": "administrator", "command": "bench.append", "correlation": Uuid::nil(),
        });
        Self { data: data.collect(), meta: meta.to_string().into_bytes() }
    }

    /// A fact for this stream, with the payload of this number.
    pub fn fact(&self, stream: StreamKey, number: usize) -> NewFact {
        NewFact {
            stream,
            feature: "bench".into(),
            fact_type: "bench.appended".into(),
            schema_version: 1,
            event_id: Uuid::now_v7(),
            data: self.data(number),
            meta: self.meta.clone(),
            tags: Vec::new(),
        }
    }

    fn data(&self, number: usize) -> Vec<u8> {
        self.data[number % PAYLOADS].clone()
    }

    /// The append to these streams that comes after so many others of the caller.
    fn append(&self, streams: &[StreamKey], caller: usize, number: usize) -> Append {
        let facts = streams.iter().enumerate();
        let facts = facts.map(|(place, stream)| self.fact(*stream, caller + number + place));
        let facts: Vec<NewFact> = facts.collect();
        let version = Expected::Exact(number as i64);
        Append {
            expected: streams.iter().map(|stream| (*stream, version)).collect(),
            keys: vec![facts[0].event_id],
            facts,
            ..Append::default()
        }
    }
}

/// One append after another of each caller, of so many facts, each to a stream of the caller's own.
pub async fn appends(
    log: &Log,
    payloads: &Arc<Payloads>,
    (callers, facts): (usize, usize),
    round: Duration,
) -> Round {
    let started = Instant::now();
    let work = (0..callers).map(|caller| {
        let (log, payloads) = (log.clone(), payloads.clone());
        tokio::spawn(async move {
            let streams: Vec<StreamKey> = (0..facts).map(|_| stream(Uuid::now_v7())).collect();
            let mut taken = Vec::new();
            while started.elapsed() < round {
                let append = payloads.append(&streams, caller, taken.len());
                let asked = Instant::now();
                log.append(append).await.unwrap();
                taken.push(asked.elapsed().as_secs_f64());
            }
            taken
        })
    });
    let taken: Vec<f64> = join_all(work).await.into_iter().flat_map(Result::unwrap).collect();
    let appends = taken.len();
    Round::of(taken, appends, started.elapsed())
}

/// A stream of the organization that everything here belongs to.
pub fn stream(id: Uuid) -> StreamKey {
    StreamKey { organization: Uuid::nil(), id }
}

impl Appends {
    pub async fn measure(&self, scale: Scale) -> Row {
        let database = TestDatabase::create().await;
        let log = Log::open(&database.config, LogId::default(), LogLimits::default()).await;
        let log = log.unwrap();
        let payloads = Arc::new(Payloads::new());
        let clients = self.clients(&database).await;
        let (callers, facts) = (self.callers, self.facts);
        let mut rounds = Rounds::default();
        for _ in 0..scale.rounds {
            rounds.baseline.push(self.theirs(scale, &clients, &payloads).await.per_second);
            let ours = appends(&log, &payloads, (callers, facts), scale.append_round);
            rounds.ours.push(ours.await);
        }
        drop((log, clients));
        database.remove().await;
        let of = match facts {
            1 => "of a fact".to_owned(),
            facts => format!("of {facts} facts to {facts} streams"),
        };
        let what = format!(
            "acknowledged durable appends {of}, about 500 bytes a fact, {callers} callers, \
             versions and keys checked"
        );
        let baseline = match self.baseline {
            (connections, 1) => format!("the same rows, inserted over {connections} connections"),
            (_, rows) => format!("the same rows in batches of {rows} over one connection"),
        };
        let goal = Goal::Times(self.goal);
        Row::of(self.name, &what, "appends/s", (&rounds, &baseline, goal))
    }

    /// The same rows: of as many streams, in the order in which they come.
    async fn theirs(
        &self,
        scale: Scale,
        clients: &[Arc<(Client, Statement)>],
        payloads: &Arc<Payloads>,
    ) -> Round {
        let (connections, appends) = self.baseline;
        let (rows, streams) = (appends * self.facts, self.callers * self.facts / connections);
        let started = Instant::now();
        let work = clients.iter().map(|client| (client.clone(), payloads.clone()));
        let work = work.map(|(client, payloads)| async move {
            let (client, insert) = &*client;
            let streams: Vec<Uuid> = (0..streams).map(|_| Uuid::now_v7()).collect();
            let (mut taken, mut number) = (Vec::new(), 0);
            while started.elapsed() < scale.append_round {
                let numbers = number..number + rows;
                number += rows;
                let of = |number: usize| streams[number % streams.len()];
                let stream_ids: Vec<Uuid> = numbers.clone().map(of).collect();
                let version = |number: usize| (number / streams.len() + 1) as i64;
                let versions: Vec<i64> = numbers.clone().map(version).collect();
                let ids: Vec<Uuid> = numbers.clone().map(|_| Uuid::now_v7()).collect();
                let organizations = vec![Uuid::nil(); rows];
                let (features, types) = (vec!["bench"; rows], vec!["bench.appended"; rows]);
                let schema_versions = vec![1_i16; rows];
                let data: Vec<Vec<u8>> = numbers.clone().map(|n| payloads.data(n)).collect();
                let metas: Vec<Vec<u8>> = numbers.map(|_| payloads.meta.clone()).collect();
                let params: [&(dyn ToSql + Sync); 9] = [
                    &organizations,
                    &features,
                    &stream_ids,
                    &versions,
                    &ids,
                    &types,
                    &schema_versions,
                    &data,
                    &metas,
                ];
                let asked = Instant::now();
                client.execute(insert, &params).await.unwrap();
                taken.push(asked.elapsed().as_secs_f64());
            }
            taken
        });
        let taken = join_all(work.map(tokio::spawn)).await.into_iter().flat_map(Result::unwrap);
        let taken: Vec<f64> = taken.collect();
        let appends = taken.len() * appends;
        Round::of(taken, appends, started.elapsed())
    }

    /// Connections to a table like the log's, each with the statement prepared.
    async fn clients(&self, database: &TestDatabase) -> Vec<Arc<(Client, Statement)>> {
        let create = "create table baseline (like log.events including indexes); \
            create sequence baseline_position; \
            alter table baseline alter position set default nextval('baseline_position')";
        database.connect().await.batch_execute(create).await.unwrap();
        let insert = "insert into baseline \
            (organization_id, feature, stream_id, version, event_id, type, schema_version, \
            data, meta, recorded_at) \
            select o, f, s, v, i, t, sv, d, m, clock_timestamp() \
            from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::uuid[], \
            $6::text[], $7::smallint[], $8::bytea[], $9::bytea[]) \
            as a(o, f, s, v, i, t, sv, d, m)";
        let mut clients = Vec::new();
        for _ in 0..self.baseline.0 {
            let client = database.connect().await;
            let insert = client.prepare(insert).await.unwrap();
            clients.push(Arc::new((client, insert)));
        }
        clients
    }
}
