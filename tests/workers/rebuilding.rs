//! Claims about rebuilds: readers and writers go on, nothing vanishes, what was killed goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gateway::config::Config;
use harness::{TestApp, test_with, test_without_workers};
use projections::sinks::builds;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{LONG, Works, trade};
use crate::projector::Market;

/// Reads all the time; every order that was seen is seen from then on, with its lines, and in the
/// sums. How often it read.
async fn watch(app: &TestApp, organization: Uuid, stop: CancellationToken) -> usize {
    let client = app.database.connect().await;
    // Prepared once, as programs do.
    let query = "select (select count(*) from read.orders where organization_id = $1), \
        (select count(distinct order_id) from read.order_lines where organization_id = $1), \
        (select coalesce(sum(orders) + sum(credit_notes), 0)::bigint from read.sales_by_month \
            where organization_id = $1), \
        (select coalesce(sum(version), 0)::bigint from read.stock where organization_id = $1)";
    let query = client.prepare(query).await.expect("a statement");
    let (mut seen, mut reads, mut failed) = ([0_i64; 4], 0, false);
    while !stop.is_cancelled() {
        let row = match client.query_one(&query, &[&organization]).await {
            Ok(row) => row,
            Err(error) => {
                assert!(!failed, "a statement failed twice: {error:?}");
                failed = true;
                continue;
            }
        };
        failed = false;
        let now = [0, 1, 2, 3].map(|column| row.get::<_, i64>(column));
        assert_eq!(now[0], now[1], "orders and their lines");
        for place in [0, 1, 3] {
            assert!(now[place] >= seen[place], "read {now:?} after {seen:?}");
        }
        // Cancelling takes an order out of the sums again.
        assert!(now[2] + 100 >= seen[2], "read {now:?} after {seen:?}");
        (seen, reads) = (now, reads + 1);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    reads
}

/// Two processes write and one reads while something is done; how many orders were placed.
async fn under_load<T>(
    app: &TestApp,
    market: &Market,
    work: impl Future<Output = T>,
) -> (usize, T) {
    let elsewhere = Market {
        desk: market.desk.elsewhere(app).await,
        customers: market.customers.clone(),
        products: market.products.clone(),
    };
    let stop = CancellationToken::new();
    let done = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let done = work.await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        stop.cancel();
        done
    };
    let reading = watch(app, market.desk.organization.0, stop.clone());
    let trading = async { tokio::join!(trade(market, app, &stop), trade(&elsewhere, app, &stop)) };
    let ((here, there), reads, done) = tokio::join!(trading, reading, done);
    assert!(here > 0 && there > 0 && reads > 20, "{here}, {there} orders, {reads} reads");
    (here + there, done)
}

#[test]
fn while_everything_is_rebuilt_under_load_nothing_vanishes() {
    let mut config = Config::default();
    config.projector.retired_grace_ms = 300;
    test_with(config, async |app| {
        let works = Arc::new(Works::over(app));
        let worker = works.start();
        let market = Market::open(app).await;
        market.trade(app, 100).await;
        let rebuild = async {
            for _ in 0..2 {
                let (code, out, err) = works.beside(&["rebuild", "--all"]).await;
                assert_eq!(code, 0, "{out}{err}");
                assert!(out.starts_with("rebuilt in"), "{out}");
            }
        };
        let (orders, ()) = under_load(app, &market, rebuild).await;
        market.adds_up(app, 100 + orders).await;
        works.is_right().await;
        drop(worker);
        // What was retired goes, and nothing else.
        let schemas = "select count(*) from pg_namespace as n \
            join projections.builds as b on b.schema = n.nspname where b.state <> 'live'";
        let client = app.database.connect().await;
        let began = Instant::now();
        while client.query_one(schemas, &[]).await.expect("schemas").get::<_, i64>(0) > 0 {
            assert!(began.elapsed() < LONG, "retired tables stay");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let views = "select count(*) from pg_views where schemaname = 'read'";
        let views: i64 = client.query_one(views, &[]).await.expect("views").get(0);
        let shown: usize = projections::all().iter().map(|one| one.views().len()).sum();
        assert_eq!(usize::try_from(views), Ok(shown));
    });
}

#[test]
fn a_new_version_is_built_in_the_background_while_the_old_one_serves() {
    test_with(Config::default(), async |app| {
        let works = Works::over(app);
        let market = Market::open(app).await;
        market.trade(app, 100).await;
        app.settled().await;
        let client = app.database.connect().await;
        // As if an older program had made them.
        let older = "update projections.builds set version = version - 1 \
            where name in ('orders', 'sales_by_month')";
        client.batch_execute(older).await.expect("older builds");
        let newer = async {
            let worker = works.start();
            let began = Instant::now();
            let versions = "select bool_and(version = $1) from projections.builds \
                where state = 'live' and name = 'orders'";
            let version = <projections::orders::Orders as projections::Record>::VERSION;
            while !client.query_one(versions, &[&version]).await.expect("builds").get::<_, bool>(0)
            {
                assert!(began.elapsed() < LONG, "the new version is not live");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            worker
        };
        let (orders, worker) = under_load(app, &market, newer).await;
        market.adds_up(app, 100 + orders).await;
        works.is_right().await;
        drop(worker);
    });
}

#[test]
fn a_build_whose_workers_are_killed_goes_on_where_it_was() {
    test_without_workers(Config::default(), async |app| {
        let works = Works::over(app);
        let worker = works.start();
        let market = Market::open(app).await;
        market.trade(app, 400).await;
        let head = app.settled().await;
        worker.kill();
        let mut client = app.database.connect().await;
        let orders = projections::all().into_iter().find(|one| one.name() == "orders");
        let orders = orders.expect("orders");
        let build = builds::begin(&mut client, orders.as_ref()).await.expect("a build");
        let mut reached = 0;
        for _ in 0..3 {
            let worker = works.start_with(&[("MILLRACE__PROJECTOR__BUILD_PAGE_FACTS_MAX", "7")]);
            let began = Instant::now();
            let before = reached;
            while reached <= before + 50 {
                assert!(began.elapsed() < LONG, "it does not go on from {before}");
                reached = builds::reached(&client, build.id).await.expect("parts").0.0;
                assert!(reached >= before, "it began anew");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            worker.kill();
        }
        assert!(reached < head.0, "{reached} of {head}: it was done before it was killed");
        let worker = works.start();
        let began = Instant::now();
        let live = async || {
            let known = builds::all(&client).await.expect("builds");
            known.iter().any(|known| known.id == build.id && known.state == builds::State::Live)
        };
        while !live().await {
            assert!(began.elapsed() < LONG, "it does not come to an end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        market.adds_up(app, 400).await;
        works.is_right().await;
        drop(worker);
    });
}

#[test]
fn a_long_report_keeps_the_switch_waiting_and_nobody_else() {
    test_with(Config::default(), async |app| {
        let works = Works::over(app);
        let market = Market::open(app).await;
        market.trade(app, 100).await;
        app.settled().await;
        let (report, reader) = (app.database.connect().await, app.database.connect().await);
        report.batch_execute("begin; select count(*) from read.orders").await.expect("a report");
        let (slowest, reads) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let reading = async {
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(3) {
                let asked = Instant::now();
                reader.query_one("select count(*) from read.orders", &[]).await.expect("a count");
                let took = usize::try_from(asked.elapsed().as_millis()).expect("a duration");
                slowest.fetch_max(took, Ordering::Relaxed);
                reads.fetch_add(1, Ordering::Relaxed);
            }
            report.batch_execute("commit").await.expect("the end of the report");
        };
        let began = Instant::now();
        let ((code, out, err), ()) = tokio::join!(works.beside(&["rebuild", "orders"]), reading);
        assert_eq!(code, 0, "{out}{err}");
        assert!(began.elapsed() > Duration::from_secs(3), "it was switched under the report");
        let (slowest, reads) = (slowest.into_inner(), reads.into_inner());
        // Each try to switch makes readers wait 20 ms at most; without that bound it would be 3 s.
        assert!(reads > 100 && slowest < 1_000, "{reads} reads, the slowest {slowest} ms");
        works.is_right().await;
    });
}

#[test]
fn a_read_model_that_does_not_exist_is_not_rebuilt() {
    test_without_workers(Config::default(), async |app| {
        let works = Works::over(app);
        let (code, _, err) = works.verb(&["rebuild", "oders"]);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("no read model `oders`") && err.contains("orders"), "{err}");
        let (code, _, err) = works.verb(&["rebuild"]);
        assert_eq!(code, 2, "{err}");
    });
}

#[test]
fn without_any_worker_the_program_that_rebuilds_is_one() {
    test_without_workers(Config::default(), async |app| {
        let works = Works::over(app);
        let market = Market::open(app).await;
        let worker = works.start();
        market.trade(app, 40).await;
        app.settled().await;
        worker.kill();
        market.trade(app, 40).await;
        let (code, out, err) = works.beside(&["rebuild", "sales_by_product", "orders"]).await;
        assert_eq!(code, 0, "{out}{err}");
        let worker = works.start();
        market.adds_up(app, 80).await;
        works.is_right().await;
        drop(worker);
    });
}

#[test]
fn a_check_names_the_first_row_that_differs() {
    test_with(Config::default(), async |app| {
        let works = Works::over(app);
        let market = Market::open(app).await;
        market.trade(app, 40).await;
        app.settled().await;
        works.is_right().await;
        let client = app.database.connect().await;
        let cases = [
            (
                "update {orders}.orders set net = net + 1 where order_id = (select order_id from \
              {orders}.orders order by order_id limit 1)",
                "orders",
                "net is",
            ),
            ("delete from {orders}.order_lines where line = 1", "orders", "the row lacks"),
            (
                "update {sales_by_month}.sales_by_month set orders = orders - 1",
                "sales_by_month",
                "orders is",
            ),
            (
                "insert into {stock}.stock select organization_id, gen_random_uuid(), product_id, \
              warehouse_id, unit, on_hand, reserved, available, backorder, version, position, \
              changed_at from {stock}.stock limit 1",
                "stock",
                "should not be there",
            ),
        ];
        for (harm, name, told) in cases {
            let schema = "select schema from projections.builds where name = $1 and state = 'live'";
            let schema: String = client.query_one(schema, &[&name]).await.expect("a build").get(0);
            let harm = harm.replace(&format!("{{{name}}}"), &schema);
            client.batch_execute(&harm).await.expect("harm");
            let (code, out, err) = works.verb(&["check", "--projections"]);
            assert_eq!(code, 1, "{out}{err}");
            let line = out.lines().find(|line| line.starts_with(&format!("{name}: ")));
            assert!(line.is_some_and(|line| line.contains(told)), "{told}: {out}");
            assert!(err.contains("the read models are not right"), "{err}");
            let (code, out, err) = works.beside(&["rebuild", name]).await;
            assert_eq!(code, 0, "{out}{err}");
        }
        works.is_right().await;
    });
}
