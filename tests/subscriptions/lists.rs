//! Claims about lists that are watched: by what is told of it, whoever watches knows at any time
//! what the list shows, whatever its filter and whatever happens.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use events::access::Access;
use events::words::Position;
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use gateway::config::Config;
use harness::{Dice, Shop, TestApp, test, test_with, test_without_workers};
use projections::table::Cell;
use queries::fields::{Field, Kind as Sort, Listed};
use queries::filter::{Filter, Test, Value};
use queries::live::{Kind, Update, Watch};
use queries::{Reader, Seen};
use serde_json::json;
use uuid::Uuid;

use super::trade::Trade;
use crate::lists::{each_list, listed, organization};

/// Everything that is read beside the lists.
const READS: &[&str] = &[
    "customers",
    "credit",
    "contacts",
    "products",
    "warehouses",
    "stock",
    "orders",
    "credit_notes",
];

/// Tests of a field that tell records apart as they are by now.
fn tests<R: Listed>(dice: &mut Dice, field: &Field, rows: &[Seen<R>]) -> Vec<Test> {
    let values = rows.iter().filter_map(|row| row.cell(field.column).and_then(Value::of));
    let values: Vec<Value> = values.collect();
    let mut tests = vec![Test::IsNull(true), Test::IsNull(false)];
    if values.is_empty() {
        return tests;
    }
    let mut one = || values[dice.below(values.len())].clone();
    tests.extend([Test::Eq(one()), Test::Ne(one()), Test::In(vec![one(), one(), one()])]);
    if !matches!(field.kind, Sort::Id | Sort::Word(_) | Sort::Truth) {
        tests.extend([Test::Lt(one()), Test::Lte(one()), Test::Gt(one()), Test::Gte(one())]);
    }
    if let (Sort::Text, Value::Text(text)) = (field.kind, one()) {
        let part: String = text.chars().take(4).collect();
        tests.extend([Test::StartsWith(part.clone()), Test::Contains(part)]);
    }
    tests
}

/// Somebody who watches a list, and what he knows of it.
pub(super) struct Watcher<R: Listed> {
    filter: Filter,
    watch: Watch<R>,
    known: BTreeMap<Uuid, Seen<R>>,
    at: Position,
    pub(super) told: usize,
    /// Whether he may be told of what he does not have.
    is_sure: bool,
}

impl<R: Listed> Watcher<R> {
    /// Watches from now on, and knows what is there.
    pub(super) async fn begin(reader: &Reader, access: &Access, filter: Filter) -> Self {
        let watch = reader.watch::<R>(access, READS, filter.clone(), None).await.expect("a watch");
        let known = listed::<R>(reader, access, filter.clone()).await;
        let known = known.into_iter().map(|row| (row.key().1, row)).collect();
        Self { filter, watch, known, at: Position(0), told: 0, is_sure: true }
    }

    fn hear(&mut self, update: Update<R>) {
        let Update { kind, id, record, position } = update;
        assert!(position >= self.at, "{:?} behind {:?}", position, self.at);
        self.at = position;
        self.told += 1;
        let id = id.expect("a record");
        let had = self.known.remove(&id).is_some();
        let sure = if self.is_sure { kind } else { Kind::Reload };
        match sure {
            Kind::Entered => assert!(!had, "{id} entered {:?} twice", self.filter),
            Kind::Changed => assert!(had, "{id} was not in {:?}", self.filter),
            Kind::Left => assert!(had, "{id} left {:?} and was not there", self.filter),
            Kind::Reload => {}
        }
        assert_eq!(record.is_some(), matches!(kind, Kind::Entered | Kind::Changed));
        self.known.extend(record.map(|record| (id, record)));
    }

    /// Hears what is told until he knows what the list shows; and that nothing more is told then.
    pub(super) async fn comes_to_know_all(&mut self, reader: &Reader, access: &Access) {
        let began = Instant::now();
        loop {
            let quiet = Duration::from_millis(100);
            while let Ok(update) = tokio::time::timeout(quiet, self.watch.next()).await {
                self.hear(update.expect("it goes on").expect("it is not too slow"));
            }
            let found = listed::<R>(reader, access, self.filter.clone()).await;
            let row = |row: Seen<R>| (row.key().1, row.position());
            let found: BTreeMap<Uuid, i64> = found.into_iter().map(row).collect();
            let known: BTreeMap<Uuid, i64> = self.known.values().cloned().map(row).collect();
            if known == found {
                return;
            }
            let late = began.elapsed() > Duration::from_secs(20);
            assert!(!late, "{} {:?}: {known:?} is not {found:?}", R::NAME, self.filter);
        }
    }
}

/// The last fact in a row.
trait At {
    fn position(&self) -> i64;
}

impl<R: Listed> At for Seen<R> {
    fn position(&self) -> i64 {
        match self.cell("position") {
            Some(Cell::Whole(position)) => position,
            other => panic!("no position: {other:?}"),
        }
    }
}

/// Every filter of a list is watched while things happen.
async fn every_filter<R: Listed>(app: &TestApp, reader: &Reader, access: &Access, shop: &Shop) {
    let rows = listed::<R>(reader, access, Filter::all()).await;
    assert!(rows.len() > 1, "{}: {}", R::NAME, rows.len());
    let mut dice = Dice::of(7);
    let mut filters = vec![Filter::all()];
    for field in R::LIST.fields {
        for test in tests::<R>(&mut dice, field, &rows) {
            let one = Filter::Field(field, test);
            filters.push(Filter::Not(Box::new(one.clone())));
            filters
                .push(Filter::Any(vec![one.clone(), filters[dice.below(filters.len())].clone()]));
            filters.push(one);
        }
    }
    let mut watchers = Vec::new();
    for filter in filters {
        watchers.push(Watcher::<R>::begin(reader, access, filter).await);
    }
    // What was told while they began is known twice.
    app.settled().await;
    let seed = 5 + R::LIST.table.bytes().map(u64::from).sum::<u64>();
    let mut trade = Trade::begin(shop, seed).await;
    for _ in 0..120 {
        trade.go_on().await;
    }
    app.settled().await;
    let comes = watchers.iter_mut().map(|watcher| watcher.comes_to_know_all(reader, access));
    join_all(comes).await;
    let told: usize = watchers.iter().map(|watcher| watcher.told).sum();
    assert!(told > watchers.len(), "{}: {told} told to {}", R::NAME, watchers.len());
}

#[test]
fn whoever_watches_a_list_knows_what_it_shows_whatever_its_filter() {
    test(async |app| {
        let (shop, access) = organization(app, "acme").await;
        let mut trade = Trade::begin(&shop, 4).await;
        for _ in 0..150 {
            trade.go_on().await;
        }
        app.settled().await;
        each_list!(every_filter(app, &app.parts.reader, &access, &shop));
    });
}

/// Nothing is polled, so that what is not told is missed.
pub(super) fn without_polls() -> Config {
    let mut config = Config::default();
    config.projector.poll_interval_ms = 3_600_000;
    config
}

#[test]
fn so_does_whoever_watches_in_another_process_than_the_one_that_writes() {
    test_without_workers(without_polls(), async |app| {
        let works = app.beside(Config::default(), true).await;
        let (shop, access) = organization(app, "acme").await;
        let mut trade = Trade::begin(&shop, 4).await;
        for _ in 0..60 {
            trade.go_on().await;
        }
        app.settled().await;
        every_filter::<queries::orders::OrderRow>(app, &app.parts.reader, &access, &shop).await;
        every_filter::<queries::stock::StockRow>(app, &app.parts.reader, &access, &shop).await;
        app.settled().await;
        works.end().await;
    });
}

#[test]
fn a_record_that_is_told_of_late_is_compared_with_what_was_told_last() {
    // Nothing is kept in mind of what was told: what a record was is folded from its facts.
    let mut config = Config::default();
    config.queries.live_rows_max = 0;
    test_with(config, async |app| {
        let (shop, access) = organization(app, "acme").await;
        let mut trade = Trade::begin(&shop, 4).await;
        for _ in 0..60 {
            trade.go_on().await;
        }
        app.settled().await;
        every_filter::<queries::orders::OrderRow>(app, &app.parts.reader, &access, &shop).await;
        every_filter::<queries::products::ProductRow>(app, &app.parts.reader, &access, &shop).await;
    });
}

#[test]
fn whoever_comes_back_is_told_what_has_changed_since() {
    test(async |app| {
        type Row = queries::orders::OrderRow;
        let (shop, access) = organization(app, "acme").await;
        let reader = &app.parts.reader;
        let mut trade = Trade::begin(&shop, 4).await;
        let status = Row::LIST.field("status").expect("it has one");
        let placed = Filter::Field(status, Test::Eq(Value::Text("placed".to_owned())));
        let mut watcher = Watcher::<Row>::begin(reader, &access, placed.clone()).await;
        for round in 0..30 {
            for _ in 0..round % 7 {
                trade.order().await;
            }
            if round % 3 == 0 {
                app.settled().await;
                watcher.comes_to_know_all(reader, &access).await;
            } else {
                // In the midst of it, with whatever was heard.
                watcher.watch.next().now_or_never().flatten().into_iter().for_each(|update| {
                    watcher.hear(update.expect("it is not too slow"));
                });
            }
            for _ in 0..round % 5 {
                trade.order().await;
            }
            let after = Some(watcher.at).filter(|at| at.0 > 0);
            let Some(after) = after else { continue };
            let watch = reader.watch::<Row>(&access, READS, placed.clone(), Some(after)).await;
            (watcher.watch, watcher.is_sure) = (watch.expect("a watch"), false);
        }
        app.settled().await;
        watcher.comes_to_know_all(reader, &access).await;
        assert!(watcher.told > 20, "{}", watcher.told);
    });
}

#[test]
fn after_too_much_the_list_is_to_be_read_again_and_then_goes_on() {
    let mut config = Config::default();
    config.queries.live_resume_records_max = 5;
    config.queries.live_resume_facts_max = 1_000;
    test_with(config, async |app| {
        type Row = queries::orders::OrderRow;
        let (shop, access) = organization(app, "acme").await;
        let reader = &app.parts.reader;
        let (customer, product) =
            (shop.customer("Bolt", json!(null)).await, shop.product("A-1", "1", 1_000).await);
        let place = async || shop.run("placeOrder", Shop::order(&customer, &product, "1")).await;
        place().await;
        let before = app.settled().await;
        for _ in 0..6 {
            place().await;
        }
        let head = app.settled().await;
        let all = Filter::all();
        let mut watch =
            reader.watch::<Row>(&access, READS, all.clone(), Some(before)).await.expect("a watch");
        let told = watch.next().await.expect("something").expect("it is not too slow");
        assert_eq!((told.kind, told.id, told.position), (Kind::Reload, None, head));
        let seventh = place().await;
        let told = watch.next().await.expect("something").expect("it is not too slow");
        let id = told.id.map(|id| id.to_string());
        assert_eq!((told.kind, id.as_deref()), (Kind::Entered, seventh["id"].as_str()));
        // From there on there is nothing to catch up with.
        let again = reader.watch::<Row>(&access, READS, all.clone(), Some(told.position)).await;
        assert!(again.expect("a watch").next().now_or_never().is_none());
        // What nobody wrote yet cannot be waited for.
        let beyond = Position(told.position.0 + 1_000_000);
        let refused = reader.watch::<Row>(&access, READS, all, Some(beyond)).await;
        assert!(matches!(refused, Err(queries::QueryError::Pending(_))));
    });
}

#[test]
fn nobody_is_told_of_another_organization() {
    test(async |app| {
        type Row = queries::orders::OrderRow;
        let (mine, access) = organization(app, "acme").await;
        let (theirs, _) = organization(app, "other").await;
        let mut watch = Watcher::<Row>::begin(&app.parts.reader, &access, Filter::all()).await;
        let mut trade = [Trade::begin(&theirs, 1).await, Trade::begin(&mine, 2).await];
        let before = app.settled().await;
        for _ in 0..10 {
            trade[0].order().await;
        }
        app.settled().await;
        watch.comes_to_know_all(&app.parts.reader, &access).await;
        assert_eq!(watch.told, 0);
        let reader = &app.parts.reader;
        let resumed = reader.watch::<Row>(&access, READS, Filter::all(), Some(before)).await;
        assert!(resumed.expect("a watch").next().now_or_never().is_none());
        trade[1].order().await;
        app.settled().await;
        watch.comes_to_know_all(&app.parts.reader, &access).await;
        assert_eq!(watch.told, 1);
    });
}

#[test]
fn a_build_that_takes_anothers_place_is_a_reason_to_read_the_list_again() {
    test(async |app| {
        type Row = queries::orders::OrderRow;
        let (shop, access) = organization(app, "acme").await;
        let reader = &app.parts.reader;
        Trade::begin(&shop, 2).await.order().await;
        app.settled().await;
        let watch = reader.watch::<Row>(&access, READS, Filter::all(), None).await;
        let mut watch = watch.expect("a watch");
        let everything = projections::watermarks::changes::Changed::Everything;
        reader.watermarks().changed("orders", &everything);
        let told = tokio::time::timeout(Duration::from_secs(5), watch.next()).await;
        let told = told.expect("in time").expect("something").expect("it is not too slow");
        assert_eq!(told.kind, Kind::Reload);
    });
}
