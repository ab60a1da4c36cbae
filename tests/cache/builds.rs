//! Claims about what is kept in mind when a read model's rows become others without a fact of
//! theirs: it is rebuilt, or somebody decides about a fact that was parked.

use std::time::Duration;

use events::log::StreamKey;
use gateway::config::Config;
use harness::{TestApp, test, test_without_workers};
use serde_json::{Value, json};

use super::{Counted, access, hits};
use crate::projector::Market;
use crate::workers::Works;
use crate::workers::parked::append;

#[test]
fn nobody_sees_anything_older_while_read_models_are_rebuilt() {
    test(async |app| {
        let works = Works::over(app);
        let counted = Counted::open(app, 12).await;
        app.settled().await;
        let rebuilding = async {
            for _ in 0..3 {
                let (code, out, err) = works.beside(&["rebuild", "stock"]).await;
                assert_eq!(code, 0, "{out}{err}");
            }
        };
        counted.play(&app.parts.reader, rebuilding).await;
    });
}

/// Somebody changes a row by hand, it is read, and a rebuild makes it right again.
async fn is_mended(app: &TestApp, works: &Works<'_>) {
    let counted = Counted::open(app, 1).await;
    app.settled().await;
    let (reader, item) = (&app.parts.reader, &counted.items[0]);
    let client = app.database.connect().await;
    for _ in 0..3 {
        let schema =
            "select schema from projections.builds where name = 'stock' and state = 'live'";
        let schema: String = client.query_one(schema, &[]).await.expect("a build").get(0);
        client
            .batch_execute(&format!("update {schema}.stock set on_hand = 99"))
            .await
            .expect("harm");
        let read = async || {
            let row = reader.stock_item(&counted.access, item.id).await.expect("a read");
            row.expect("the item").on_hand.to_string()
        };
        // What was read before is not told of by anybody.
        app.parts
            .reader
            .watermarks()
            .changed("stock", &projections::watermarks::changes::Changed::Everything);
        assert_eq!((read().await.as_str(), read().await.as_str()), ("99", "99"));
        let (code, out, err) = works.beside(&["rebuild", "stock"]).await;
        assert_eq!(code, 0, "{out}{err}");
        let began = std::time::Instant::now();
        while read().await != "1" {
            assert!(began.elapsed() < Duration::from_secs(5), "the old build's row is shown");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(hits(app).await >= 1.0);
    }
    app.settled().await;
}

#[test]
fn what_was_kept_of_a_build_goes_with_it() {
    test(async |app| is_mended(app, &Works::over(app)).await);
}

#[test]
fn what_was_kept_of_a_build_goes_with_it_where_others_build() {
    let mut config = Config::default();
    // A poll would hide what is not told.
    config.projector.poll_interval_ms = 3_600_000;
    test_without_workers(config, async |app| {
        let works = Works::over(app);
        let worker = works.start();
        is_mended(app, &works).await;
        drop(worker);
    });
}

/// A customer stands still at a fact that nobody can read; what is decided about it is seen at
/// once.
async fn goes_on_when_it_is_decided(app: &TestApp) {
    let market = Market::open(app).await;
    let organization = market.desk.organization;
    let customer = market.desk.customer("Bolt & Co").await.0;
    let stream = StreamKey { organization: organization.0, id: customer };
    append(app, stream, ("customers", "customer.lost", "{}")).await;
    append(app, stream, ("customers", "customer.held", r#"{"reason":"unpaid"}"#)).await;
    app.settled().await;
    let reader = &app.parts.reader;
    let status = async || {
        let row = reader.customer(&access(organization), customer).await.expect("a read");
        row.expect("a customer").status.clone()
    };
    assert_eq!((status().await.as_str(), status().await.as_str()), ("active", "active"));
    let client = app.administrator().within("acme");
    let of = client.ask("{ parkedFacts { projection version streamId eventId } }", json!({})).await;
    let of = of["parkedFacts"][0].clone();
    assert_eq!(of["projection"], "customers");
    let decide = |verb: &str, input: Value| {
        let query = harness::shop::mutation_of(verb);
        client.ask(&query, json!({ "input": input }))
    };
    decide("retryParked", of.clone()).await;
    app.settled().await;
    assert_eq!(status().await, "active", "trying again helps nobody");
    let mut skip = of;
    skip["reason"] = json!("a test wrote it");
    let decided = decide("skipParked", skip).await;
    let position = decided["skipParked"]["position"].as_str().expect("a position");
    let position = gateway::position::decode("position", position).expect("a position");
    reader.at_least(&["customers"], Some(position)).await.expect("it is decided");
    assert_eq!(status().await, "on_hold");
    app.settled().await;
    assert!(hits(app).await >= 1.0);
}

#[test]
fn what_is_decided_about_a_parked_fact_is_seen_at_once() {
    test(async |app| goes_on_when_it_is_decided(app).await);
}

#[test]
fn what_is_decided_about_a_parked_fact_is_seen_at_once_where_others_write() {
    test_without_workers(Config::default(), async |app| {
        let works = Works::over(app);
        let worker = works.start();
        goes_on_when_it_is_decided(app).await;
        drop(worker);
    });
}
