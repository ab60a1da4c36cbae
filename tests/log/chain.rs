//! Claims about the hash chain: recomputed here from the stored rows alone, so that a change of
//! the program's own arithmetic is noticed.

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use harness::{TestApp, test};
use sha2::{Digest, Sha256};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::{append, fact, first, open, sql, stream};

fn digest(row: &Row) -> Vec<u8> {
    let id = |column: &str| row.get::<_, Uuid>(column).as_bytes().to_vec();
    let text = |column: &str| row.get::<_, String>(column).into_bytes();
    let columns = [
        id("organization_id"),
        text("feature"),
        id("stream_id"),
        row.get::<_, i64>("version").to_be_bytes().to_vec(),
        id("event_id"),
        text("type"),
        row.get::<_, i16>("schema_version").to_be_bytes().to_vec(),
        row.get("data"),
        row.get("meta"),
    ];
    let mut digest = Sha256::new();
    for column in columns {
        digest.update((column.len() as u64).to_be_bytes());
        digest.update(column);
    }
    digest.finalize().to_vec()
}

/// The facts of a batch.
async fn facts(client: &Client, batch: &Row) -> Vec<Row> {
    let (first, last): (i64, i64) = (batch.get("first_position"), batch.get("last_position"));
    let query = "select * from log.events where position between $1 and $2 order by position";
    client.query(query, &[&first, &last]).await.expect("its facts")
}

/// What the hash of a batch should be, behind one of this hash.
async fn hash(client: &Client, batch: &Row, previous: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(batch.get::<_, i64>("first_position").to_be_bytes());
    let at: DateTime<Utc> = batch.get("recorded_at");
    hash.update(at.timestamp_micros().to_be_bytes());
    for row in &facts(client, batch).await {
        hash.update(digest(row));
    }
    hash.finalize().to_vec()
}

/// How many batches there are, and the first one whose hash is not what its rows make, or that
/// does not continue the one before it.
pub(crate) async fn check(client: &Client) -> (usize, Option<i64>) {
    let query = "select * from log.batches order by last_position";
    let batches = client.query(query, &[]).await.expect("the batches");
    let (mut previous, mut next) = (Vec::new(), 1);
    for batch in &batches {
        let (first, last): (i64, i64) = (batch.get("first_position"), batch.get("last_position"));
        let at: DateTime<Utc> = batch.get("recorded_at");
        let rows = facts(client, batch).await;
        let hash = hash(client, batch, &previous).await;
        let times = rows.iter().all(|row| row.get::<_, DateTime<Utc>>("recorded_at") == at);
        let count = rows.len() as i64 == last - first + 1;
        previous = batch.get("hash");
        if first != next || !times || !count || hash != previous {
            return (batches.len(), Some(first));
        }
        next = last + 1;
    }
    (batches.len(), None)
}

/// Writes every batch's hash anew, as somebody does who changed the log and wants it to look right.
pub(super) async fn forge(client: &Client) {
    let query = "select * from log.batches order by last_position";
    let batches = client.query(query, &[]).await.expect("the batches");
    let mut previous = Vec::new();
    for batch in &batches {
        let last: i64 = batch.get("last_position");
        previous = hash(client, batch, &previous).await;
        let forge = "update log.batches set hash = $1 where last_position = $2";
        client.execute(forge, &[&previous, &last]).await.expect("a forged hash");
    }
}

async fn fill(app: &TestApp) {
    let logs = [open(app).await, open(app).await];
    let streams: Vec<_> = (0..5).map(|_| stream()).collect();
    for _ in 0..5 {
        let all = (0..20_usize).map(|index| {
            let facts = (0..=index % 3).map(|n| fact(streams[(index + n) % 5])).collect();
            logs[index % 2].append(append(&[], facts))
        });
        for answer in join_all(all).await {
            first(answer);
        }
    }
}

#[test]
fn the_chain_can_be_recomputed_from_the_stored_rows() {
    test(async |app| {
        fill(app).await;
        let (batches, broken) = check(&sql(app).await).await;
        assert!(batches >= 5, "{batches} batches");
        assert_eq!(broken, None);
    });
}

#[test]
fn whatever_is_done_to_a_stored_fact_breaks_the_chain() {
    test(async |app| {
        fill(app).await;
        let client = sql(app).await;
        let query = "select first_position from log.batches where first_position <= 40 \
            and last_position >= 40";
        let hit: i64 = client.query_one(query, &[]).await.unwrap().get(0);
        let crimes = [
            "update log.events set data = data || ' '::bytea where position = 40",
            "update log.events set meta = '{}' where position = 40",
            "update log.events set stream_id = gen_random_uuid() where position = 40",
            "update log.events set type = 'thing.happene' where position = 40",
            "update log.events set recorded_at = recorded_at + interval '1 us' where position = 40",
            "update log.batches set recorded_at = recorded_at + interval '1 us' \
             where first_position = (select max(first_position) from log.batches \
             where first_position <= 40)",
            "delete from log.events where position = 40",
        ];
        for crime in crimes {
            let refused = client.execute(crime, &[]).await.unwrap_err().to_string();
            assert_eq!(refused, "db error", "{crime}");
        }
        // Whoever owns the database can get around that; the chain tells.
        client.batch_execute("set session_replication_role = replica").await.unwrap();
        for crime in crimes {
            client
                .batch_execute(
                    "begin; create table kept as table log.events; create table \
                kept_batches as table log.batches; commit",
                )
                .await
                .unwrap();
            assert_eq!(client.execute(crime, &[]).await.unwrap(), 1, "{crime}");
            assert_eq!(check(&client).await.1, Some(hit), "{crime}");
            client
                .batch_execute(
                    "begin; truncate log.events, log.batches; insert into log.events \
                table kept; insert into log.batches table kept_batches; drop table kept, \
                kept_batches; commit",
                )
                .await
                .unwrap();
            assert_eq!(check(&client).await.1, None);
        }
    });
}
