//! `chain`: what the hash chain costs an append: the same batches, written by the log's own
//! statement with its digests and its hash, and by the same statement with neither, by turns.

use std::time::Instant;

use events::log::NewFact;
use events::log::chain::digests;
use futures_util::join;
use harness::cluster::TestDatabase;
use serde_json::json;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::Scale;
use crate::append::{Payloads, stream};
use crate::report::{Goal, Row};
use crate::rounds::{median, rounded};

/// Facts of a batch: about as many as 512 callers bring at once.
const FACTS: usize = 250;

/// The log's own statement, and what of it makes the hash.
const WRITE: &str = include_str!("../events/src/log/sql/write.sql");
const HASH: &str = "sha256(\n    hash || int8send($1) || \
    int8send((extract(epoch from recorded_at) * 1000000)::bigint) || $4\n)";
/// What takes its place; it names the parameter, for the statement has to have as many.
const NO_HASH: &str = "coalesce($4, hash)";

const SETTINGS: &str = "set enable_seqscan = off; set enable_hashjoin = off; \
    set enable_mergejoin = off; set enable_bitmapscan = off; set jit = off";

/// A connection that writes batches, as the appender's does.
struct Writer {
    client: Client,
    lock: Statement,
    with: Statement,
    without: Statement,
    last: (i64, Option<Uuid>),
}

impl Writer {
    async fn open(database: &TestDatabase) -> Self {
        let client = database.connect().await;
        client.batch_execute(SETTINGS).await.unwrap();
        assert!(WRITE.contains(HASH), "the log makes its hash in another way: {WRITE}");
        let lock = include_str!("../events/src/log/sql/lock.sql");
        Self {
            lock: client.prepare(lock).await.unwrap(),
            with: client.prepare(WRITE).await.unwrap(),
            without: client.prepare(&WRITE.replace(HASH, NO_HASH)).await.unwrap(),
            client,
            last: (0, None),
        }
    }

    /// Writes these facts, each the first of its stream; how many seconds that took, with the
    /// digests, and how many of them were theirs.
    async fn write(&mut self, facts: &[NewFact], chained: bool) -> [f64; 2] {
        let organizations: Vec<Uuid> = facts.iter().map(|f| f.stream.organization).collect();
        let streams: Vec<Uuid> = facts.iter().map(|f| f.stream.id).collect();
        let features: Vec<&str> = facts.iter().map(|f| &*f.feature).collect();
        let types: Vec<&str> = facts.iter().map(|f| &*f.fact_type).collect();
        let ids: Vec<Uuid> = facts.iter().map(|f| f.event_id).collect();
        let (versions, schema_versions) = (vec![1_i64; facts.len()], vec![1_i16; facts.len()]);
        let data: Vec<&[u8]> = facts.iter().map(|f| &*f.data).collect();
        let meta: Vec<&[u8]> = facts.iter().map(|f| &*f.meta).collect();
        let (before, last_id) = self.last;
        let (first, last) = (before + 1, before + facts.len() as i64);
        let began = Instant::now();
        let (write, digests) = match chained {
            true => (&self.with, digests(facts.iter().map(|fact| (fact, 1)))),
            false => (&self.without, Vec::new()),
        };
        let digesting = began.elapsed().as_secs_f64();
        let params: [&(dyn ToSql + Sync); 14] = [
            &first,
            &last_id,
            &last,
            &digests,
            &organizations,
            &features,
            &streams,
            &versions,
            &ids,
            &types,
            &schema_versions,
            &data,
            &meta,
            &false,
        ];
        let client = &self.client;
        let (begin, lock, written, commit) = join!(
            client.batch_execute("begin"),
            client.execute(&self.lock, &[&0_i32, &0_i32]),
            client.query_opt(write, &params),
            client.batch_execute("commit"),
        );
        begin.and(lock.map(drop)).and(commit).unwrap();
        assert!(written.unwrap().is_some(), "the batch was not written");
        self.last = (last, facts.last().map(|fact| fact.event_id));
        [began.elapsed().as_secs_f64(), digesting]
    }
}

pub async fn measure(scale: Scale) -> Row {
    let database = TestDatabase::create().await;
    let (mut writer, payloads) = (Writer::open(&database).await, Payloads::new());
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let batch = |number: usize| -> Vec<NewFact> {
        let stream = || stream(Uuid::now_v7());
        (0..FACTS).map(|place| payloads.fact(stream(), number + place)).collect()
    };
    let began = Instant::now();
    while began.elapsed() < scale.append_round * scale.rounds as u32 {
        // Neither is always the one behind the other.
        let number = with.len();
        let order = if number % 2 == 0 { [true, false] } else { [false, true] };
        for chained in order {
            let seconds = writer.write(&batch(number), chained).await;
            if chained { with.push(seconds) } else { without.push(seconds) }
        }
    }
    drop(writer);
    database.remove().await;
    row(&with, &without)
}

fn row(with: &[[f64; 2]], without: &[[f64; 2]]) -> Row {
    let us_a_fact = |seconds: f64| seconds * 1e6 / FACTS as f64;
    let pairs = || with.iter().zip(without);
    let whole = median(pairs().map(|(with, without)| with[0] - without[0]));
    let digests = median(with.iter().map(|[_, digests]| *digests));
    let sent = median(pairs().map(|(with, without)| {
        let [with, without] = [with, without].map(|[whole, digests]| whole - digests);
        with - without
    }));
    let per_second =
        |taken: &[[f64; 2]]| FACTS as f64 / median(taken.iter().map(|[whole, _]| *whole));
    let details = json!({
        "digests_us_a_fact": rounded(us_a_fact(digests)),
        "under_the_lock_us_a_fact": rounded(us_a_fact(sent)),
        "facts_a_second": rounded(per_second(with)),
        "facts_a_second_without": rounded(per_second(without)),
        "ratio_of_rates": rounded(per_second(with) / per_second(without)),
        "pairs_of_batches": with.len(),
    });
    Row {
        name: "chain",
        what: format!(
            "what the chain costs an append: a batch of {FACTS} facts of about 500 bytes, durable, \
             over one connection, with digests and hash, less the same batch with neither; the \
             median of pairs. The digests of a planned batch are made before it takes the lock"
        ),
        ours: us_a_fact(whole),
        baseline: None,
        unit: "µs/fact",
        ratio: None,
        goal: Goal::AtMost(0.5),
        holds: true,
        details: details.as_object().cloned().unwrap_or_default(),
    }
}
