//! Claims about what is kept in mind where rows become others and nobody tells which, or tells it
//! while an answer is on its way. Rows are changed by hand here, lest somebody tells.

use std::cell::Cell;
use std::time::{Duration, Instant};

use events::words::Position;
use gateway::verbs::parts::Parts;
use harness::app::masters;
use harness::desk::order;
use harness::{Proxy, TestApp, schema_of, test, test_without_workers};
use projections::watermarks::changes::{Changed, Step};
use queries::Reader;
use queries::fields::Listed;
use queries::filter::Filter;
use queries::products::ProductRow;

use super::Counted;
use super::exact::{LONG, without_polls};
use crate::projector::Another;
use crate::workers::{Works, shared_by};

/// Changes how many there are of every item by hand.
async fn miscount(app: &TestApp, on_hand: i64) {
    let miscount = format!("update {}.stock set on_hand = {on_hand}", schema_of("stock"));
    app.database.connect().await.batch_execute(&miscount).await.expect("another count");
}

/// Moves what the stored parts of stock hold, as whoever writes them does.
async fn move_parts(app: &TestApp, by: i64) {
    let parts = "update projections.parts as p set position = position + $1 \
        from projections.builds as b where b.build = p.build and b.name = 'stock'";
    app.database.connect().await.execute(parts, &[&by]).await.expect("moving the parts");
}

/// How many there are of the first item.
async fn on_hand(reader: &Reader, counted: &Counted) -> String {
    let row = reader.stock_item(&counted.access, counted.items[0].id).await.expect("a read");
    row.expect("the item").on_hand.to_string()
}

/// Reads the first item, and has it changed by hand: it is kept as it was.
async fn kept(app: &TestApp, counted: &Counted) {
    let reader = &app.parts.reader;
    let before = on_hand(reader, counted).await;
    miscount(app, 99).await;
    assert_eq!(on_hand(reader, counted).await, before, "it is not kept");
}

/// Waits until what was changed by hand is shown.
async fn is_shown(app: &TestApp, counted: &Counted) {
    let began = Instant::now();
    while on_hand(&app.parts.reader, counted).await != "99" {
        assert!(began.elapsed() < Duration::from_secs(5), "what was kept is shown");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Reads; while the answer is on its way, rows of the view that it was read from become others by
/// hand. Whoever reads then sees them.
async fn changes_meanwhile(
    (app, proxy, reader): (&TestApp, &Proxy, &Reader),
    (read_model, view, change): (&str, &str, String),
    read: impl AsyncFn() -> String,
) {
    let client = app.database.connect().await;
    // Prepares what is asked, so that the answer comes to the first thing that is sent.
    let was = read().await;
    reader.watermarks().changed(read_model, &Changed::Everything);
    let began = client.query_one("select clock_timestamp()", &[]).await.expect("the time");
    let began: chrono::DateTime<chrono::Utc> = began.get(0);
    proxy.delay(Duration::from_secs(2));
    let has_come = Cell::new(false);
    let reading = async {
        let read = read().await;
        has_come.set(true);
        read
    };
    let changing = async {
        let answered = format!(
            "select count(*) from pg_stat_activity where datname = current_database() \
             and pid <> pg_backend_pid() and state = 'idle' and query_start > $1 \
             and query like '%from read.{view} where%'"
        );
        let answered = async || client.query_one(&answered, &[&began]).await.expect("who asks");
        while answered().await.get::<_, i64>(0) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        client.batch_execute(&change).await.expect("another row");
        reader.watermarks().changed(read_model, &Changed::Everything);
        assert!(!has_come.get(), "{view}: the answer came before anything changed");
    };
    let (read_meanwhile, ()) = tokio::join!(reading, changing);
    proxy.relent();
    assert_eq!(read_meanwhile, was, "{view}: what was asked for before the change");
    assert_ne!(read().await, was, "{view}: what changed meanwhile was kept as it was");
}

#[test]
fn what_changes_while_an_answer_is_on_its_way_is_not_kept_as_it_was() {
    test(async |app| {
        let counted = Counted::open(app, 1).await;
        let (desk, item) = (&counted.desk, &counted.items[0]);
        let customer = desk.customer("Bolt & Co").await;
        let placed = desk.run(order(customer, item.product, 1)).await.id;
        let head = app.settled().await;
        let proxy = Proxy::before(&app.database.config).await;
        let parts = Parts::without_workers(&proxy.config(), masters(), &without_polls()).await;
        let parts = parts.expect("the parts");
        let (reader, access) = (&parts.reader, &counted.access);
        reader.at_least(&["stock", "orders", "products"], Some(head)).await.expect("all of it");
        let about = (app, &proxy, reader);
        let change = format!("update {}.stock set on_hand = 99", schema_of("stock"));
        let count = async || on_hand(reader, &counted).await;
        changes_meanwhile(about, ("stock", "stock", change), count).await;
        let change = format!("update {}.order_lines set name = 'Nut'", schema_of("orders"));
        let line = async || {
            let lines = reader.order_lines(access, &[placed]).await.expect("a read");
            lines[&placed][0].name.clone()
        };
        changes_meanwhile(about, ("orders", "order_lines", change), line).await;
        let change = format!("delete from {}.products", schema_of("products"));
        let count = async || {
            let count = reader.count(access, ProductRow::LIST, &Filter::all()).await;
            count.expect("a count").to_string()
        };
        changes_meanwhile(about, ("products", "products", change), count).await;
        parts.stop().await;
    });
}

#[test]
fn where_another_process_tells_nothing_of_what_it_wrote_nothing_is_kept() {
    test_without_workers(gateway::config::Config::default(), async |app| {
        let works = Works::over(app);
        let worker = works.start();
        let counted = Counted::open(app, 1).await;
        app.settled().await;
        assert!(worker.terminate(LONG).success());
        kept(app, &counted).await;
        move_parts(app, 1).await;
        is_shown(app, &counted).await;
    });
}

#[test]
fn where_an_announced_step_does_not_join_the_last_one_nothing_is_kept() {
    test(async |app| {
        let counted = Counted::open(app, 1).await;
        let head = app.settled().await;
        kept(app, &counted).await;
        let (from, to) = (Position(head.0 + 1), Position(head.0 + 2));
        let watermarks = app.parts.reader.watermarks();
        let step = Step { from, to, changed: Changed::NOTHING };
        watermarks.announce(watermarks.since(), "stock", &step);
        assert_eq!(on_hand(&app.parts.reader, &counted).await, "99");
    });
}

#[test]
fn where_somebody_else_has_moved_the_parts_nothing_is_kept() {
    test(async |app| {
        let counted = Counted::open(app, 2).await;
        // What comes last is none of stock, so nothing is lost where that is taken back.
        counted.desk.customer("Bolt & Co").await;
        let head = app.settled().await;
        let stored = "select count(*) from projections.parts as p join projections.builds as b \
            using (build) where b.name = 'stock' and position < $1";
        let client = app.database.connect().await;
        let began = Instant::now();
        while client.query_one(stored, &[&head.0]).await.expect("parts").get::<_, i64>(0) > 0 {
            assert!(began.elapsed() < LONG, "it is not stored how far it is");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        kept(app, &counted).await;
        move_parts(app, -1).await;
        let other = counted.items[1].product;
        let received = counted.desk.run(harness::desk::receive(other, 1)).await;
        let reader = &app.parts.reader;
        reader.at_least(&["stock"], Some(received.position)).await.expect("readable");
        assert_eq!(on_hand(reader, &counted).await, "99");
    });
}

#[test]
fn where_parts_were_another_workers_nothing_is_kept() {
    test(async |app| {
        let counted = Counted::open(app, 1).await;
        app.settled().await;
        kept(app, &counted).await;
        let other = Another::start(app).await;
        shared_by(app, 2, LONG).await;
        is_shown(app, &counted).await;
        other.end(app).await;
    });
}
