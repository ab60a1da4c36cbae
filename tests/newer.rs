//! Claims about facts that a newer program wrote: whoever needs them says so, and goes no further;
//! everybody else goes on.

use std::time::Duration;

use commands::CommandError;
use commands::parked::skip::SkipParked;
use events::access::Access;
use events::customers::CustomerId;
use events::log::{Answer, Append, Expected, Log, LogId, LogLimits, NewFact, StreamKey};
use events::products::ProductId;
use events::stock::StockItemId;
use events::warehouses::WarehouseId;
use events::words::{Actor, Position, Unit};
use gateway::app::fresh_id;
use gateway::config::Config;
use harness::app::scratch;
use harness::desk::{order, receive};
use harness::{Desk, Program, Shop, TestApp, TestDatabase};
use projections::Record;
use projections::stock::StockItems;
use rust_decimal::Decimal;
use serde_json::json;

/// A version that no program has written yet.
const NEWER: i16 = 99;

/// Somebody who has goods and buyers, in a program of their own.
struct Place {
    desk: Desk,
    shop: Shop,
    /// The one that a newer program is about to change.
    changed: ProductId,
    other: ProductId,
    buyer: CustomerId,
}

impl Place {
    async fn open(app: &TestApp) -> Self {
        let desk = Desk::open(app, "acme").await;
        let shop = Shop { client: app.administrator().within("acme") };
        let (changed, other) = (desk.product("A-1", 10).await, desk.product("B-2", 10).await);
        let buyer = desk.customer("Bolt & Co").await;
        Self { desk, shop, changed, other, buyer }
    }

    /// What a newer program does: a fact of its own shape, or of a type of its own.
    async fn change(&self, log: &Log, fact_type: &'static str, schema_version: i16) -> Position {
        let organization = self.desk.organization;
        let warehouse = WarehouseId::default_of(organization);
        let item = StockItemId::of(organization, self.changed, warehouse, &Unit("piece".into()));
        let stream = StreamKey { organization: organization.0, id: item.0 };
        let last = log.read_stream(stream, 0, 100).await.expect("its facts").pop();
        let last = last.expect("a fact of the stock item");
        let fact = NewFact {
            stream,
            feature: "stock".into(),
            fact_type: fact_type.into(),
            schema_version,
            event_id: fresh_id(),
            data: br#"{"quantities":{"piece":"1"}}"#.to_vec(),
            meta: last.meta,
            tags: Vec::new(),
        };
        let expected = vec![(stream, Expected::Exact(last.version))];
        let append = Append { expected, facts: vec![fact], ..Append::default() };
        match log.append(append).await {
            Ok(Answer::Appended { first, .. }) => first,
            answer => panic!("{answer:?}"),
        }
    }

    /// Commands that need what was changed are refused, saying why; others are not.
    async fn is_refused(&self, desk: &Desk, telling: &[&str]) {
        let refused = [
            desk.attempt(receive(self.changed, 1)).await,
            desk.attempt(order(self.buyer, self.changed, 1)).await,
        ];
        for outcome in refused {
            let Err(error @ CommandError::Unreadable(_)) = outcome else { panic!("{outcome:?}") };
            let message = error.to_string();
            assert!(telling.iter().all(|words| message.contains(words)), "{message}");
        }
        desk.run(receive(self.other, 1)).await;
        desk.run(order(self.buyer, self.other, 1)).await;
    }
}

/// Runs a test whose read models stop.
fn stopping(claim: impl AsyncFnOnce(&TestApp)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let app = TestApp::start(Config::default()).await;
        claim(&app).await;
        app.stop.cancel();
        app.parts.stop().await;
        app.database.remove().await;
    });
}

async fn another_log(database: &TestDatabase) -> Log {
    let log = Log::open(&database.config, LogId::default(), LogLimits::default()).await;
    log.expect("opening the log")
}

#[test]
fn commands_on_what_a_newer_program_changed_are_refused_and_others_go_on() {
    let cases = [("stock.received", NEWER, "version 99"), ("stock.lost", 1, "unknown fact type")];
    for (fact_type, version, what) in cases {
        stopping(async |app| {
            let place = Place::open(app).await;
            let facts = app.facts().await;
            place.change(&another_log(&app.database).await, fact_type, version).await;
            let telling = [fact_type, what, "update"];
            // First where the state is known, and behind; then where nothing is known yet.
            place.is_refused(&place.desk, &telling).await;
            place.is_refused(&place.desk.elsewhere(app).await, &telling).await;
            let again = place.desk.keyed("a key", receive(place.changed, 1)).await;
            assert!(matches!(again, Err(CommandError::Unreadable(_))), "{again:?}");
            let input = json!({ "productId": place.changed, "quantity": "1" });
            let (code, message) = place.shop.refused("receiveStock", input).await;
            assert_eq!(code, "UNAVAILABLE");
            assert!(message.contains("newer Millrace"), "{message}");
            let written = 1 + 2 * (1 + 4);
            assert_eq!(app.facts().await - facts, written, "what was refused wrote nothing");
        });
    }
}

#[test]
fn a_record_stops_at_what_a_newer_program_wrote_and_others_go_on() {
    stopping(async |app| {
        let place = Place::open(app).await;
        app.settled().await;
        let changed =
            place.change(&another_log(&app.database).await, "stock.received", NEWER).await;
        place.desk.run(order(place.buyer, place.other, 1)).await;
        app.settled().await;
        let (organization, actor) = (place.desk.organization, Actor::Administrator);
        let access = Access { organization, actor, as_of: None };
        let parked = app.parts.reader.parked(&access, Position(0), 10).await.expect("parked facts");
        let [parked] = &parked[..] else { panic!("{parked:?}") };
        assert_eq!((parked.projection.as_str(), parked.poison.position), ("stock", changed));
        for words in ["stock.received", "schema version 99", "knows 1", "update"] {
            assert!(parked.poison.error.contains(words), "{parked:?}");
        }
        let ids = [parked.poison.stream_id];
        let stale = app.parts.reader.stale(&access, "stock", &ids).await.expect("stale records");
        assert_eq!(stale, ids);
        let reserved = app.parts.reader.stock_of(&access, &[place.other.0]).await;
        let reserved = reserved.expect("stock").values().flatten().map(|row| row.reserved).sum();
        assert_eq!(Decimal::from(1), reserved, "the other stock item goes on");
    });
}

#[test]
fn a_record_is_shown_as_of_before_a_newer_program_changed_it_and_not_as_of_then() {
    stopping(async |app| {
        let place = Place::open(app).await;
        let before = app.settled().await;
        let changed =
            place.change(&another_log(&app.database).await, "stock.received", NEWER).await;
        let organization = place.desk.organization;
        let warehouse = WarehouseId::default_of(organization);
        let item = |of| StockItemId::of(organization, of, warehouse, &Unit("piece".into())).0;
        let query = "query($id: ID!, $asOf: AsOf) { stockItem(id: $id, asOf: $asOf) { onHand } }";
        let asked = |of, at| {
            let as_of = json!({ "position": gateway::position::encode(at) });
            json!({ "id": item(of), "asOf": as_of })
        };
        let client = &place.shop.client;
        for (of, at) in [(place.changed, before), (place.other, before), (place.other, changed)] {
            let shown = client.ask(query, asked(of, at)).await;
            assert_eq!(shown["stockItem"]["onHand"], "10");
        }
        let (code, message) = client.refused(query, asked(place.changed, changed)).await;
        assert_eq!(code, "UNAVAILABLE");
        assert!(message.contains("newer Millrace"), "{message}");
        // The same fold as that of the rows: what they go on without, it does.
        let facts = app.parts.log.read_all(Position(changed.0 - 1), 1).await.expect("the fact");
        let skip = SkipParked {
            projection: StockItems::NAME.to_owned(),
            version: StockItems::VERSION,
            stream_id: facts[0].stream.id,
            event_id: facts[0].event_id,
            reason: "a test wrote it".to_owned(),
        };
        let other = SkipParked { version: StockItems::VERSION + 1, ..skip.clone() };
        place.desk.run(other).await;
        let (code, _) = client.refused(query, asked(place.changed, changed)).await;
        assert_eq!(code, "UNAVAILABLE", "another version goes on without it");
        place.desk.run(skip).await;
        let shown = client.ask(query, asked(place.changed, changed)).await;
        assert_eq!(shown["stockItem"]["onHand"], "10");
        let received = place.shop.refused(
            "receiveStock",
            json!({
                "productId": place.changed, "quantity": "1",
            }),
        );
        assert_eq!(received.await.0, "UNAVAILABLE", "who decides cannot do without");
    });
}

#[test]
fn a_program_says_which_fact_it_is_too_old_for() {
    let scratch = scratch();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let database = TestDatabase::create().await;
        let environment = [("DATABASE_URL", database.url.as_str())];
        let program = Program::serve(&scratch.path().join("data"), &environment);
        let shop = Shop::open(&program.administrator(), "acme").await;
        let product = shop.product("A-1", "2.50", 10).await;
        let log = another_log(&database).await;
        let facts = log.read_all(Position(0), 100).await.expect("the facts");
        let received = facts.into_iter().rfind(|fact| fact.feature == "stock").expect("a fact");
        let fact = NewFact {
            stream: received.stream,
            feature: received.feature.into(),
            fact_type: received.fact_type.into(),
            schema_version: NEWER,
            event_id: fresh_id(),
            data: received.data,
            meta: received.meta,
            tags: Vec::new(),
        };
        let expected = vec![(fact.stream, Expected::Any)];
        let append = Append { expected, facts: vec![fact], ..Append::default() };
        log.append(append).await.expect("an answer");
        let input = json!({ "productId": product, "quantity": "1" });
        let (code, _) = shop.refused("receiveStock", input).await;
        assert_eq!(code, "UNAVAILABLE");
        let said = program.end(Duration::from_secs(10)).log;
        for words in ["stock.received", "schema version 99", "newer millrace wrote", "update"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        drop(log);
        database.remove().await;
    });
}
