//! Claims about neighbours that others fear: an open transaction, a dump, a VACUUM. Nothing is
//! timed here (`benches/neighbours.rs` does that): these are the reasons why they cost nothing.

use std::time::{Duration, Instant};

use events::log::{Expected, Log, StreamKey};
use events::words::Position;
use futures_util::StreamExt;
use futures_util::future::join_all;
use gateway::app::fresh_id;
use harness::desk::order;
use harness::{Desk, TestApp, test};
use tokio_postgres::Client;

use super::{any, append, everything, fact, first, keyed, open, sql, stream};

/// A session in a transaction that sees the database as it is now, as a report or a dump does.
async fn snapshot(app: &TestApp) -> Client {
    let client = sql(app).await;
    client.batch_execute("begin isolation level repeatable read read only").await.unwrap();
    client.query_one("select count(*) from log.events", &[]).await.unwrap();
    client
}

/// What the log looks up for every batch and every reader, over a session with its settings. What
/// `write.sql` looks up is what `tail` and `head` do.
struct Looks {
    client: Client,
    explain: Vec<(&'static str, String)>,
}

impl Looks {
    async fn prepare(app: &TestApp, hot: StreamKey, key: uuid::Uuid) -> Self {
        let StreamKey { organization, id } = hot;
        let (organizations, ids) =
            (format!("array['{organization}'::uuid]"), format!("array['{id}'::uuid]"));
        let statements = [
            ("tail", include_str!("../../events/src/log/sql/tail.sql"), String::new()),
            ("head", include_str!("../../events/src/log/sql/head.sql"), String::new()),
            ("since", include_str!("../../events/src/log/sql/since.sql"), "(0, 1)".to_owned()),
            (
                "versions",
                include_str!("../../events/src/log/sql/versions.sql"),
                format!("({organizations}, {ids})"),
            ),
            (
                "find_ids",
                include_str!("../../events/src/log/sql/find_ids.sql"),
                format!("(array['{key}'::uuid])"),
            ),
        ];
        let client = sql(app).await;
        let settings = "set enable_seqscan = off; set enable_hashjoin = off; \
            set enable_mergejoin = off; set enable_bitmapscan = off; set jit = off";
        client.batch_execute(settings).await.unwrap();
        let mut explain = Vec::new();
        for (name, statement, arguments) in statements {
            client.batch_execute(&format!("prepare {name} as {statement}")).await.unwrap();
            explain.push((name, format!("explain (analyze, buffers) execute {name}{arguments}")));
        }
        Self { client, explain }
    }

    async fn pages(&self) -> Vec<(&'static str, u64)> {
        let mut found = Vec::new();
        for (name, explain) in &self.explain {
            found.push((*name, pages(&self.client, explain).await));
        }
        found
    }
}

/// How many pages a statement touches.
async fn pages(client: &Client, explain: &str) -> u64 {
    // The first time it looks at the catalogue too.
    client.query(explain, &[]).await.unwrap();
    let lines = client.query(explain, &[]).await.unwrap();
    let lines: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
    let buffers = lines.iter().find(|line| line.contains("Buffers: shared"));
    let buffers = buffers.unwrap_or_else(|| panic!("no buffers in {lines:?}"));
    buffers.split(['=', ' ']).filter_map(|word| word.parse::<u64>().ok()).sum()
}

/// So many batches: each with a fact of a hot stream, one of a new one, and one under a key.
async fn batches(log: &Log, hot: StreamKey, count: usize) {
    for _ in 0..count {
        let (new, key) = (stream(), fresh_id());
        let facts = vec![fact(hot), fact(new)];
        let all = [append(&[(hot, Expected::Any), (new, Expected::None)], facts), keyed(new, key)];
        for answer in log.append_all(all.to_vec()).await {
            first(answer);
        }
    }
}

/// A row that is updated leaves dead versions behind, which nobody may remove while somebody could
/// still see them: the same number of batches over a counter shows what is avoided here.
#[test]
fn under_an_open_transaction_the_log_touches_no_more_pages_and_a_counter_would() {
    test(async |app| {
        let (log, hot, key) = (open(app).await, stream(), fresh_id());
        first(log.append(keyed(hot, key)).await);
        batches(&log, hot, 60).await;
        let client = sql(app).await;
        let counter = "create table counter (id int primary key, n int, hash text); \
            insert into counter values (1, 0, repeat('x', 900))";
        client.batch_execute(counter).await.unwrap();
        let looks = Looks::prepare(app, hot, key).await;
        let counted = "explain (analyze, buffers) select n from counter where id = 1";
        let report = snapshot(app).await;
        let (before, counter_before) = (looks.pages().await, pages(&looks.client, counted).await);
        for _ in 0..600 {
            client.batch_execute("update counter set n = n + 1").await.unwrap();
        }
        batches(&log, hot, 600).await;
        let (after, counter_after) = (looks.pages().await, pages(&looks.client, counted).await);
        for ((name, before), (_, after)) in before.iter().zip(&after) {
            // An index has one level more, at the most.
            assert!(*after <= before + 2, "{name}: {before} pages before, {after} after");
        }
        let grown = counter_after - counter_before;
        assert!(grown > 20, "{grown}: what is avoided does not show, so nothing is tried");
        drop(report);
    });
}

/// What PostgreSQL refused while it was written (a planned batch whose key was taken) is nobody's:
/// it can be removed however old the snapshots are that are still open.
#[test]
fn nothing_in_the_log_is_ever_changed_and_what_was_refused_is_removed_at_once() {
    test(async |app| {
        let logs = [open(app).await, open(app).await];
        let report = snapshot(app).await;
        let hot = stream();
        for round in 0..50 {
            let log = &logs[round % 2];
            batches(log, hot, 2).await;
            let key = fresh_id();
            first(log.append(keyed(hot, key)).await);
            let exact = |version, facts| append(&[(hot, Expected::Exact(version))], facts);
            let refused = [exact(0, vec![fact(hot)]), exact(0, vec![]), keyed(hot, key)];
            for log in &logs {
                log.append_all(refused.to_vec()).await;
            }
            let both = logs.iter().map(|log| any(log, stream()));
            join_all(both).await;
        }
        // A session tells what it did with the next thing that it does, a second later.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        for log in &logs {
            any(log, stream()).await;
        }
        let facts = everything(&logs[0]).await.len() as i64;
        let counts = "select \
            coalesce(sum(n_tup_ins) filter (where relname = 'events'), 0)::bigint, \
            sum(n_tup_upd + n_tup_del)::bigint, sum(n_dead_tup)::bigint \
            from pg_stat_user_tables where schemaname = 'log'";
        let (client, started) = (sql(app).await, Instant::now());
        let counted = async || -> [i64; 3] {
            let row = client.query_one(counts, &[]).await.unwrap();
            [row.get(0), row.get(1), row.get(2)]
        };
        while counted().await[0] <= facts {
            let counted = counted().await;
            let waited = started.elapsed();
            assert!(
                waited < Duration::from_secs(20),
                "{counted:?} of {facts}: nothing was refused"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(counted().await[1], 0, "changed or removed");
        for table in ["log.events", "log.batches"] {
            client.batch_execute(&format!("vacuum {table}")).await.unwrap();
        }
        assert_eq!(counted().await[2], 0, "dead rows that stay");
        drop(report);
    });
}

/// What a dump, a VACUUM or ANALYZE, and an index that is built beside others hold on a table.
const HELD: &str = "do $$ declare one regclass; begin \
    for one in select oid from pg_class where relkind = 'r' \
        and relnamespace::regnamespace::text !~ '^(pg_|information_schema)' \
    loop execute format('lock table %s in MODE mode', one); end loop; end $$";

#[test]
fn appends_followers_and_read_models_go_on_beside_an_open_transaction_a_dump_and_a_vacuum() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let there = desk.elsewhere(app).await;
        let (customer, product) = (desk.customer("Bolt & Co").await, desk.product("A-1", 99).await);
        let report = snapshot(app).await;
        let mut holders = Vec::new();
        for mode in ["access share", "share update exclusive"] {
            let client = sql(app).await;
            client.batch_execute("begin").await.unwrap();
            client.batch_execute(&HELD.replace("MODE", mode)).await.unwrap();
            holders.push(client);
        }
        let head = app.parts.log.head().await.unwrap();
        let mut pages = Box::pin(app.parts.log.follow(head, 10));
        let working = async {
            for desk in [&desk, &there] {
                let orders = (0..20).map(|_| desk.attempt(order(customer, product, 1)));
                assert!(join_all(orders).await.iter().all(Result::is_ok));
            }
            let wanted = Position(head.0 + 40 * 4);
            let mut seen = head;
            while seen < wanted {
                let page = pages.next().await.expect("a page").expect("reading");
                assert_eq!(page[0].position.0, seen.0 + 1);
                seen = page.last().expect("a fact").position;
            }
            app.settled().await;
        };
        let done = tokio::time::timeout(Duration::from_secs(30), working).await;
        done.expect("all of it goes on while the tables are held");
        let seen: i64 =
            report.query_one("select max(position) from log.events", &[]).await.unwrap().get(0);
        assert_eq!(seen, head.0, "the open transaction is still open");
    });
}

/// And the other way round: who writes does not disturb who dumps.
#[test]
fn a_dump_in_the_middle_of_writing_is_a_whole_beginning_of_the_log() {
    test(async |app| {
        let logs = [open(app).await, open(app).await];
        let until = Instant::now() + Duration::from_secs(2);
        let writers = logs.iter().map(async |log| {
            let hot = stream();
            while Instant::now() < until {
                batches(log, hot, 1).await;
            }
        });
        let dumps = async {
            let vacuum = sql(app).await;
            let mut dumps = 0;
            while Instant::now() < until {
                vacuum.batch_execute("vacuum analyze log.events").await.unwrap();
                vacuum.batch_execute("vacuum analyze log.batches").await.unwrap();
                let dump = snapshot(app).await;
                let whole = "select count(*), coalesce(max(e.position), 0), \
                    (select coalesce(max(last_position), 0) from log.batches), \
                    (select coalesce(sum(last_position - first_position + 1), 0)::bigint \
                    from log.batches) from log.events as e";
                let row = dump.query_one(whole, &[]).await.unwrap();
                let [facts, last, end, in_batches]: [i64; 4] =
                    [row.get(0), row.get(1), row.get(2), row.get(3)];
                assert_eq!([last, end, in_batches], [facts; 3]);
                dumps += 1;
            }
            dumps
        };
        let (_, dumps) = tokio::join!(join_all(writers), dumps);
        assert!(dumps > 3, "{dumps} dumps");
        super::whole(&everything(&logs[0]).await);
    });
}
