//! Claims about facts that a read model cannot take in: the record stops alone, sums go on, people
//! decide, and every later fold honours that.

use events::access::Access;
use events::log::{Append, Expected, NewFact, StreamKey};
use events::words::{Actor, Position};
use gateway::app::fresh_id;
use gateway::config::Config;
use harness::{TestApp, test_with};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Works;
use crate::projector::Market;
use crate::sales::notes;

fn config() -> Config {
    let mut config = Config::default();
    config.projector.pause_max_ms = 100;
    config
}

/// Appends a fact to a stream as it is.
pub(crate) async fn append(
    app: &TestApp,
    stream: StreamKey,
    fact: (&'static str, &'static str, &str),
) {
    let (feature, fact_type, data) = fact;
    let last = app.parts.log.read_stream(stream, 0, 1_000).await.expect("a stream").pop();
    let last = last.expect("a fact of the stream");
    let fact = NewFact {
        stream,
        feature: feature.into(),
        fact_type: fact_type.into(),
        schema_version: 1,
        event_id: fresh_id(),
        data: data.as_bytes().to_vec(),
        meta: last.meta,
        tags: Vec::new(),
    };
    let expected = vec![(stream, Expected::Exact(last.version))];
    let append = Append { expected, facts: vec![fact], ..Append::default() };
    app.parts.log.append(append).await.expect("an append");
}

/// What `projections parked` tells: projection and position.
fn parked(works: &Works<'_>) -> Vec<(String, i64)> {
    let (code, out, err) = works.verb(&["projections", "parked", "--json"]);
    assert_eq!(code, 0, "{err}");
    let told: Vec<Value> = serde_json::from_str(&out).expect("JSON");
    let one = |one: &Value| {
        let projection = one["projection"].as_str().expect("a name").to_owned();
        (projection, one["position"].as_i64().expect("a position"))
    };
    told.iter().map(one).collect()
}

async fn an_order(app: &TestApp, market: &Market) -> Uuid {
    let query = "select order_id from read.orders where status = 'placed' and credited = 0 \
        and organization_id = $1 order by order_id limit 1";
    let client = app.database.connect().await;
    let organization = market.desk.organization.0;
    client.query_one(query, &[&organization]).await.expect("an order").get(0)
}

#[test]
fn a_record_stops_at_a_fact_that_nobody_can_read_and_sums_go_on_without_it() {
    test_with(config(), async |app| {
        let works = Works::over(app);
        let market = Market::open(app).await;
        market.trade(app, 20).await;
        app.settled().await;
        let order = an_order(app, &market).await;
        let stream = StreamKey { organization: market.desk.organization.0, id: order };
        append(app, stream, ("orders", "order.lost", "{}")).await;
        market.trade(app, 20).await;
        let head = app.settled().await;
        let (organization, actor) = (market.desk.organization, Actor::Administrator);
        let access = Access { organization, actor, as_of: None };
        let reader = &app.parts.reader;
        assert_eq!(reader.stale(&access, "orders", &[order]).await.expect("stale"), [order]);
        let names = ["orders", "sales_by_customer", "sales_by_month", "sales_by_product"];
        let told = parked(&works);
        let mut found: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, names);
        assert!(told.iter().all(|(_, position)| Position(*position) < head));
        assert!(reader.is_incomplete(&access, "sales_by_month").await.expect("sums"));
        is_told(app, order).await;
        // Trying again helps nobody; a read model that never heard of it is not asked.
        let (code, out, err) = works.beside(&["projections", "retry", "orders"]).await;
        assert_eq!((code, out.trim()), (0, "1 decided; 1 still parked"), "{err}");
        let (code, _, err) = works.beside(&["projections", "retry", "stock"]).await;
        assert_eq!(code, 1, "{err}");
        assert!(err.contains("no such fact is parked for `stock`"), "{err}");
        let skip = ["projections", "skip", "orders", "--reason", ""];
        let (code, _, err) = works.beside(&skip).await;
        assert_eq!(code, 1, "{err}");
        for name in names {
            let skip = ["projections", "skip", name, "--reason", "a test wrote it"];
            let (code, out, err) = works.beside(&skip).await;
            assert_eq!((code, out.trim()), (0, "1 decided; 0 still parked"), "{err}");
        }
        assert_eq!(parked(&works), []);
        let stale = reader.stale(&access, "orders", &[order]).await.expect("stale");
        assert!(stale.is_empty());
        assert!(!reader.is_incomplete(&access, "sales_by_month").await.expect("sums"));
        // It is in the log who decided what, and folds from the first fact honour it.
        let decided = "select count(*) from log.facts where type = 'parked.skipped' \
            and data->>'reason' = 'a test wrote it'";
        let client = app.database.connect().await;
        assert_eq!(client.query_one(decided, &[]).await.expect("facts").get::<_, i64>(0), 4);
        works.is_right().await;
        let (code, out, err) = works.beside(&["rebuild", "--all"]).await;
        assert_eq!(code, 0, "{out}{err}");
        assert_eq!(parked(&works), []);
        works.is_right().await;
    });
}

/// What the API tells of an order that stands still, of the sums that lack a fact of it, and of the
/// fact.
async fn is_told(app: &TestApp, order: Uuid) {
    let client = app.administrator().within("acme");
    let query = "query($id: ID!) { order(id: $id) { stale } \
        orders(first: 100) { nodes { id stale } } \
        salesByMonth { incomplete } salesByCustomer { incomplete } \
        parkedFacts { projection version live streamId eventId factType error position } }";
    let told = client.ask(query, json!({ "id": order })).await;
    assert_eq!(told["order"]["stale"], true);
    let nodes = told["orders"]["nodes"].as_array().expect("orders");
    let stale: Vec<&Value> = nodes.iter().filter(|node| node["stale"] == true).collect();
    assert_eq!(stale.len(), 1, "{stale:?}");
    for sums in ["salesByMonth", "salesByCustomer"] {
        let rows = told[sums].as_array().expect("sums");
        assert!(!rows.is_empty() && rows.iter().all(|row| row["incomplete"] == true), "{rows:?}");
    }
    let parked = told["parkedFacts"].as_array().expect("parked facts");
    assert_eq!(parked.len(), 4, "{parked:?}");
    let of = parked.iter().find(|one| one["projection"] == "orders").expect("of orders").clone();
    assert_eq!((&of["streamId"], &of["factType"]), (&json!(order), &json!("order.lost")));
    assert_eq!(of["live"], true);
    assert!(of["error"].as_str().is_some_and(|error| error.contains("unknown fact type")), "{of}");
    let behind = json!({ "after": of["position"] });
    let query = "query($after: String) { parkedFacts(first: 1, after: $after) { projection } }";
    assert_eq!(client.ask(query, behind).await["parkedFacts"], json!([]));
    let all = client.ask("{ parkedFacts(first: 1) { projection } }", json!({})).await;
    assert_eq!(all["parkedFacts"].as_array().map(Vec::len), Some(4), "all at one position");
    // Tried again through the API, it is parked still.
    let input = json!({
        "projection": "orders", "version": of["version"],
        "streamId": of["streamId"], "eventId": of["eventId"],
    });
    let retry = "mutation($input: RetryParkedInput!) { retryParked(input: $input) { \
        position parkedFact { projection } } }";
    let told = client.ask(retry, json!({ "input": input })).await;
    assert_eq!(told["retryParked"]["parkedFact"]["projection"], "orders");
    // Other organizations hear nothing of it.
    let bolt = harness::Shop::open(&app.administrator(), "bolt").await;
    let told =
        bolt.client.ask("{ parkedFacts { projection } salesByMonth { incomplete } }", json!({}));
    assert_eq!(told.await["parkedFacts"], json!([]));
}

#[test]
fn sums_over_two_features_go_on_without_a_fact_of_either_that_cannot_be_read() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        for (feature, fact_type) in [("orders", "order.lost"), ("credit_notes", "credit_note.lost")]
        {
            let app = TestApp::start(config()).await;
            let works = Works::over(&app);
            let market = Market::open(&app).await;
            market.trade(&app, 20).await;
            let organization = market.desk.organization;
            notes::append(&app, organization, feature, fact_type, b"{}".to_vec()).await;
            market.trade(&app, 20).await;
            let access = Access { organization, actor: Actor::Administrator, as_of: None };
            app.settled().await;
            let mut found: Vec<String> = parked(&works).into_iter().map(|(name, _)| name).collect();
            found.sort_unstable();
            assert_eq!(found, [feature, "sales_by_customer", "sales_by_month", "sales_by_product"]);
            for name in &found[1..] {
                let lacks = app.parts.reader.is_incomplete(&access, name).await.expect("sums");
                assert!(lacks, "{name} says that it is whole");
            }
            works.is_right().await;
            drop(works);
            app.stop.cancel();
            app.parts.stop().await;
            app.database.remove().await;
        }
    });
}

#[test]
fn what_postgresql_refuses_is_parked_alone() {
    test_with(config(), async |app| {
        let works = Works::over(app);
        let market = Market::open(app).await;
        // Nobody orders it, so its name stands nowhere else.
        let product = market.desk.product("Z-9", 0).await;
        let organization = market.desk.organization.0;
        let stream = StreamKey { organization, id: product.0 };
        // Text with the character NUL is JSON, and no text that PostgreSQL has.
        let data = r#"{"locale":"en","name":"a\u0000b","description":null}"#;
        let renamed = ("products", "product.described", data);
        append(app, stream, renamed).await;
        market.trade(app, 20).await;
        app.settled().await;
        let told = parked(&works);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, "products");
        let client = app.database.connect().await;
        let rows = "select count(*) from read.products where organization_id = $1";
        let rows: i64 = client.query_one(rows, &[&organization]).await.expect("products").get(0);
        assert_eq!(rows, 3, "nobody else is kept from being read");
        market.adds_up(app, 20).await;
        works.is_right().await;
        let position = told[0].1.to_string();
        let skip = ["projections", "skip", "products", "--position", &position];
        let reason = ["--reason", "the name is none"];
        let (code, out, err) = works.beside(&[&skip[..], &reason[..]].concat()).await;
        assert_eq!((code, out.trim()), (0, "1 decided; 0 still parked"), "{err}");
        works.is_right().await;
    });
}

#[test]
fn where_too_much_is_parked_the_read_model_stands_still_and_the_others_go_on() {
    let mut config = config();
    (config.projector.parked_max, config.projector.attempts_max) = (2, 2);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let app = TestApp::start(config).await;
        let market = Market::open(&app).await;
        market.trade(&app, 20).await;
        app.settled().await;
        let client = app.database.connect().await;
        let query = "select order_id from read.orders limit 3";
        let orders = client.query(query, &[]).await.expect("orders");
        for order in orders {
            let stream = StreamKey { organization: market.desk.organization.0, id: order.get(0) };
            append(&app, stream, ("orders", "order.lost", "{}")).await;
        }
        let head = app.parts.log.head().await.expect("the head");
        let watermarks = app.parts.reader.watermarks();
        for name in ["orders", "sales_by_month"] {
            let mut mark = watermarks.watch(name).expect("a watermark");
            let stopped = mark.wait_for(|mark| mark.stopped.is_some());
            let stopped = tokio::time::timeout(super::LONG, stopped).await.expect("it stops");
            let why = stopped.expect("a watermark").stopped.clone().unwrap_or_default();
            assert!(why.contains("more than 2 facts") && why.contains("order.lost"), "{why}");
        }
        let others = ["customers", "products", "stock"];
        watermarks.wait(&others, head, super::LONG).await.expect("the others go on");
        app.stop.cancel();
        app.parts.stop().await;
        app.database.remove().await;
    });
}
