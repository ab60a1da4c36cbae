//! Claims about `replay`: everything as it stood, in a schema of its own.

use gateway::config::Config;
use harness::test_with;

use super::Works;
use crate::projector::Market;

#[test]
fn a_replay_shows_every_read_model_as_it_stood() {
    test_with(Config::default(), async |app| {
        let works = Works::over(app);
        let market = Market::open(app).await;
        market.trade(app, 60).await;
        app.settled().await;
        let client = app.database.connect().await;
        // What everybody reads now is kept; then more happens.
        let mut tables = Vec::new();
        client.batch_execute("create schema kept").await.expect("a schema");
        for view in projections::all().iter().flat_map(|one| one.views()) {
            let keep = format!("create table kept.{0} as select * from read.{0}", view.table);
            client.batch_execute(&keep).await.expect("keeping rows");
            tables.push(view.table);
        }
        let now = client.query_one("select clock_timestamp()", &[]).await.expect("the time");
        let now: chrono::DateTime<chrono::Utc> = now.get(0);
        market.trade(app, 60).await;
        app.settled().await;
        let time = now.to_rfc3339();
        let replay = ["replay", "--as-of", &time, "--schema", "then"];
        let (code, out, err) = works.verb(&replay);
        assert_eq!(code, 0, "{out}{err}");
        assert!(out.contains("13 tables") || out.contains("14 tables"), "{out}");
        for table in &tables {
            let differ = format!(
                "select count(*) from (select to_jsonb(t) as row from \"then\".{table} as t \
                 union all select to_jsonb(k) from kept.{table} as k) as both_rows \
                 group by row having count(*) <> 2"
            );
            let differ = client.query(&differ, &[]).await.expect("comparing");
            assert!(differ.is_empty(), "{table}: {} rows differ", differ.len());
        }
        let orders = "select (select count(*) from \"then\".orders), count(*) from read.orders";
        let orders = client.query_one(orders, &[]).await.expect("orders");
        assert_eq!((orders.get::<_, i64>(0), orders.get::<_, i64>(1)), (60, 120));
        let left = "select count(*) from projections.builds where state = 'copy'";
        assert_eq!(client.query_one(left, &[]).await.expect("copies").get::<_, i64>(0), 0);
        let (code, _, err) = works.verb(&replay);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("there is a schema `then` already"), "{err}");
    });
}

#[test]
fn a_replay_refuses_what_makes_no_sense() {
    test_with(Config::default(), async |app| {
        let works = Works::over(app);
        let cases = [
            (["2999-01-01", "later"], "yet to come"),
            (["yesterday", "later"], "a time such as"),
            (["2026-01-01", "pg_later"], "a name of a schema"),
            (["2026-01-01", "a; drop schema read"], "a name of a schema"),
            (["2026-01-01", "read"], "there is a schema `read` already"),
        ];
        for ([time, schema], told) in cases {
            let (code, out, err) = works.verb(&["replay", "--as-of", time, "--schema", schema]);
            assert_eq!((code, out.as_str()), (2, ""), "{err}");
            assert!(err.contains(told), "{told}: {err}");
        }
    });
}
