//! Claims about snapshots: a long stream is loaded from near its end, and no decision ever depends
//! on them, whatever becomes of them.

use std::collections::BTreeSet;
use std::time::Duration;

use commands::credit_notes::post::PostCreditNote;
use commands::customers::open::OpenCustomer;
use commands::customers::set_credit_limit::SetCustomerCreditLimit;
use commands::orders::cancel::CancelOrder;
use commands::{ExecutorLimits, Kind};
use events::Event;
use events::customers::CustomerId;
use events::log::{Answer, Append, Expected, NewFact, StreamKey};
use events::orders::OrderId;
use events::products::ProductId;
use events::stock::StockEvent;
use gateway::app::fresh_id;
use harness::desk::{credit_note, customer, order, receive};
use harness::{Desk, Dice, TestApp, test};

use super::{count, facts, item, rejected};

const IGNORED: &str = "snapshots_ignored";

/// A snapshot every so many facts.
fn every(snapshot_facts: u32) -> ExecutorLimits {
    ExecutorLimits { snapshot_facts, ..ExecutorLimits::default() }
}

/// What has been counted of a metric of the executor until now.
async fn counted(app: &TestApp, name: &str) -> u64 {
    let (_, _, text) = app.administrator().get("/metrics").await;
    let name = format!("millrace_executor_{name}_total ");
    let value = text.lines().find_map(|line| line.strip_prefix(&name));
    value.unwrap_or_else(|| panic!("{name} is not shown")).parse().expect("a whole number")
}

/// Waits until a stream has a snapshot of this version.
async fn kept(app: &TestApp, stream: StreamKey, version: i64) {
    let client = app.database.connect().await;
    let query = "select coalesce(max(version), 0) from log.snapshots where stream_id = $1";
    for _ in 0..1_000 {
        let found: i64 = client.query_one(query, &[&stream.id]).await.expect("asking").get(0);
        if found == version {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no snapshot of version {version}");
}

/// The version that a stream has.
async fn last(app: &TestApp, stream: StreamKey) -> i64 {
    let query = "select coalesce(max(version), 0) from log.events where stream_id =";
    count(app, &format!("{query} '{}'", stream.id)).await
}

/// Has goods come in so many times, one piece each, in one append.
async fn grow(app: &TestApp, stream: StreamKey, times: u32) {
    let version = last(app, stream).await;
    let first = facts(app, stream).await.swap_remove(0);
    let event = Event::from(StockEvent::Received { quantity: "1".parse().unwrap() });
    let fact = || NewFact {
        stream,
        feature: event.feature().into(),
        fact_type: event.fact_type().name.into(),
        schema_version: event.fact_type().schema_version,
        event_id: fresh_id(),
        tags: Vec::new(),
        data: event.encode(),
        meta: first.meta.clone(),
    };
    let expected = vec![(stream, Expected::Exact(version))];
    let facts = (0..times).map(|_| fact()).collect();
    let answer = app.parts.log.append(Append { expected, facts, ..Append::default() }).await;
    assert!(matches!(answer, Ok(Answer::Appended { .. })), "{answer:?}");
}

/// Makes nine pieces 99: what could be read all the same.
const MORE: &str = "data = substring(data from 1 for 32) || convert_to(replace(convert_from( \
    substring(data from 33), 'UTF8'), '\"9\"', '\"99\"'), 'UTF8')";

/// How often there is one: more facts than anything else has here.
const EVERY: u32 = 5;

/// A product, so many of it in stock, which came in one by one; its snapshot is there.
struct Kept {
    desk: Desk,
    product: ProductId,
    stream: StreamKey,
}

impl Kept {
    async fn of(app: &TestApp, pieces: u32) -> Self {
        let desk = Desk::open(app, "acme").await;
        let product = desk.product("A-1", 1).await;
        let stream = item(&desk, product);
        let keeper = desk.limited(app, every(EVERY)).await;
        for _ in 1..pieces {
            keeper.run(receive(product, 1)).await;
        }
        kept(app, stream, i64::from((pieces + 1) / EVERY * EVERY)).await;
        Self { desk, product, stream }
    }

    /// An executor that knows nothing yet sells all of it, and not one piece more.
    async fn sells(&self, app: &TestApp, pieces: u32) {
        let cold = self.desk.limited(app, every(EVERY)).await;
        let buyer = cold.customer(&format!("buyer of {pieces}")).await;
        let outcome = cold.attempt(order(buyer, self.product, pieces + 1)).await;
        assert_eq!(rejected(&outcome), Kind::OutOfStock);
        cold.run(order(buyer, self.product, pieces)).await;
    }

    /// Does something to the snapshot.
    async fn change(&self, app: &TestApp, change: &str) {
        let client = app.database.connect().await;
        let update = format!("{change} where stream_id = '{}'", self.stream.id);
        assert_eq!(client.execute(&update, &[]).await.expect("a change"), 1, "{update}");
    }
}

#[test]
fn how_much_of_a_stream_is_read_does_not_grow_with_it() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let product = desk.product("A-1", 1).await;
        let stream = item(&desk, product);
        // What else the command names has a handful of facts.
        for (grown, first, again) in [(1_000, 1_000, 0), (19_000, 19_000, 0), (400, 400, 400)] {
            grow(app, stream, grown).await;
            for read_max in [first, again] {
                let before = counted(app, "facts_loaded").await;
                let cold = desk.limited(app, every(500)).await;
                let version = last(app, stream).await;
                cold.run(receive(product, 1)).await;
                let read = counted(app, "facts_loaded").await - before;
                assert!((read_max..read_max + 20).contains(&read), "{read} facts of {version}");
                if read >= 500 {
                    kept(app, stream, version).await;
                }
            }
        }
    });
}

#[test]
fn a_snapshot_is_believed_only_of_the_very_facts_that_it_was_made_of() {
    let changes = [
        ("data = data", 1, 0),
        ("state_version = state_version + 1", 0, 0),
        ("state = 'product'", 0, 0),
        ("version = version + 1000", 0, 0),
        ("version = version - 1", 0, 0),
        ("event_id = gen_random_uuid()", 0, 0),
        ("recorded_at = recorded_at + interval '1 microsecond'", 0, 0),
        ("data = ''", 0, 1),
        ("data = substring(data from 1 for 40)", 0, 1),
        ("data = substring(data from 1 for 32) || '{}'", 0, 1),
        (MORE, 0, 1),
    ];
    for (change, used, ignored) in changes {
        test(async |app| {
            let place = Kept::of(app, 10).await;
            place.change(app, &format!("update log.snapshots set {change}")).await;
            let before = [counted(app, "snapshots_used").await, counted(app, IGNORED).await];
            place.sells(app, 10).await;
            let after = [counted(app, "snapshots_used").await, counted(app, IGNORED).await];
            assert_eq!([after[0] - before[0], after[1] - before[1]], [used, ignored], "{change}");
        });
    }
}

#[test]
fn of_a_log_that_was_cut_off_and_went_on_otherwise_no_snapshot_is_believed() {
    test(async |app| {
        let place = Kept::of(app, 10).await;
        let client = app.database.connect().await;
        let cut = "set session_replication_role = replica; \
            delete from log.batches where first_position > (select max(position) - 5 from \
                log.events); \
            delete from log.events where position > (select max(last_position) from log.batches)";
        client.batch_execute(cut).await.expect("cutting the log off");
        let copy = "create table public.copy as select * from log.snapshots";
        client.batch_execute(copy).await.expect("a copy");
        let left = u32::try_from(last(app, place.stream).await).expect("a version") - 1;
        assert!(left < 10, "{left} facts are left");
        place.sells(app, left).await;
        let without = place.desk.limited(app, every(0)).await;
        for _ in 0..10 {
            without.run(receive(place.product, 3)).await;
        }
        let back = "truncate log.snapshots; insert into log.snapshots table public.copy";
        client.batch_execute(back).await.expect("the snapshots of before");
        place.sells(app, 30).await;
    });
}

#[test]
fn snapshots_may_be_deleted_or_spoilt_at_any_time() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let product = desk.product("A-1", 0).await;
        desk.run(receive(product, 1)).await;
        let limits = ExecutorLimits { cache_bytes_max: 1, ..every(1) };
        let busy = desk.limited(app, limits).await;
        let (client, mut dice) = (app.database.connect().await, Dice::of(7));
        let harm = [
            "delete from log.snapshots",
            "truncate log.snapshots",
            "update log.snapshots set data = data || '!'",
            "update log.snapshots set version = version + 1",
        ];
        let receiving = async {
            for _ in 0..200 {
                busy.run(receive(product, 1)).await;
            }
        };
        let harming = async {
            loop {
                // It may meet one that is just being kept.
                drop(client.execute(dice.pick(&harm), &[]).await);
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        };
        tokio::select! {
            () = receiving => {}
            () = harming => {}
        }
        let cold = desk.limited(app, every(1)).await;
        let buyer = cold.customer("Bolt & Co").await;
        let outcome = cold.attempt(order(buyer, product, 202)).await;
        assert_eq!(rejected(&outcome), Kind::OutOfStock);
        cold.run(order(buyer, product, 201)).await;
    });
}

#[test]
fn snapshots_that_cannot_be_kept_hinder_nobody() {
    test(async |app| {
        let desk = Desk::open(app, "acme").await;
        let product = desk.product("A-1", 1).await;
        let limits = ExecutorLimits { snapshots_queue_max: 2, ..every(1) };
        let client = app.database.connect().await;
        // Whoever writes waits; whoever reads does not.
        client.batch_execute("begin; lock log.snapshots in exclusive mode").await.expect("a lock");
        let keeper = desk.limited(app, limits).await;
        for _ in 0..100 {
            keeper.run(receive(product, 1)).await;
        }
        assert!(counted(app, "snapshots_dropped").await > 0, "a full queue takes no more");
        let refuse = "create trigger refused before insert on log.snapshots \
            for each statement execute function log.refuse(); commit";
        client.batch_execute(refuse).await.expect("a trigger");
        for _ in 0..10 {
            keeper.run(receive(product, 1)).await;
        }
        while counted(app, "snapshots_failed").await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(counted(app, "snapshots_kept").await, 0);
        client.batch_execute("drop trigger refused on log.snapshots").await.expect("no trigger");
        keeper.run(receive(product, 1)).await;
        kept(app, item(&desk, product), last(app, item(&desk, product)).await).await;
    });
}

#[test]
fn switched_off_none_is_kept_and_none_is_used() {
    test(async |app| {
        let place = Kept::of(app, 10).await;
        let before = count(app, "select sum(version)::bigint from log.snapshots").await;
        let off = place.desk.limited(app, every(0)).await;
        let used = counted(app, "snapshots_used").await;
        for _ in 0..10 {
            off.run(receive(place.product, 1)).await;
        }
        assert_eq!(counted(app, "snapshots_used").await, used);
        assert_eq!(count(app, "select sum(version)::bigint from log.snapshots").await, before);
    });
}

/// Somebody who trades in an organization that nobody else trades in.
struct Trader {
    desk: Desk,
    product: ProductId,
    buyer: CustomerId,
    orders: Vec<OrderId>,
}

impl Trader {
    async fn of(desk: &Desk, limits: ExecutorLimits, app: &TestApp) -> Self {
        let desk = desk.limited(app, limits).await;
        let product = desk.product("A-1", 5).await;
        let open = OpenCustomer { credit_limit: "100".parse().ok(), ..customer("Bolt & Co") };
        let buyer = CustomerId(desk.run(open).await.id);
        Self { desk, product, buyer, orders: Vec::new() }
    }

    /// Gives a command; how many facts it made, or what forbade it.
    async fn step(&mut self, which: usize, pieces: u32, at: usize) -> Result<u32, Kind> {
        let (desk, product) = (&self.desk, self.product);
        let placed = self.orders.get(at % self.orders.len().max(1)).copied();
        let placed = placed.unwrap_or(OrderId(uuid::Uuid::nil()));
        let outcome = match which {
            0 => desk.attempt(receive(product, pieces)).await,
            1 => desk.attempt(CancelOrder { order_id: placed, reason: "none".to_owned() }).await,
            2 => {
                let note = credit_note(self.buyer, product, pieces);
                desk.attempt(PostCreditNote { order_id: Some(placed), ..note }).await
            }
            3 => {
                let credit_limit = format!("{}", pieces * 20).parse().ok();
                let customer_id = self.buyer;
                desk.attempt(SetCustomerCreditLimit { customer_id, credit_limit }).await
            }
            _ => desk.attempt(order(self.buyer, product, pieces)).await,
        };
        match outcome {
            Ok(outcome) => {
                self.orders.extend((which > 3).then_some(OrderId(outcome.id)));
                Ok(outcome.facts)
            }
            outcome => Err(rejected(&outcome)),
        }
    }
}

#[test]
fn decisions_are_the_same_with_snapshots_and_without() {
    test(async |app| {
        let mut kinds = BTreeSet::new();
        for seed in 1..=6 {
            let mut dice = Dice::of(seed);
            let cold = |facts| ExecutorLimits { cache_bytes_max: 1, ..every(facts) };
            let limits = [cold(dice.pick(&[1, 2, 3, 7])), cold(0)];
            let mut traders = Vec::new();
            for (number, limits) in limits.into_iter().enumerate() {
                let desk = Desk::open(app, &format!("shop-{seed}-{number}")).await;
                traders.push(Trader::of(&desk, limits, app).await);
            }
            let [with, without] = &mut traders[..] else { panic!("two") };
            for step in 0..80 {
                let (which, pieces) = (dice.below(8), 1 + dice.below(6) as u32);
                let at = dice.below(100);
                let outcome = with.step(which, pieces, at).await;
                let same = without.step(which, pieces, at).await;
                assert_eq!(outcome, same, "seed {seed}, step {step}: {which} of {pieces}");
                kinds.extend(outcome.err().map(|kind| format!("{kind:?}")));
            }
        }
        assert!(counted(app, "snapshots_used").await > 300, "they are used");
        assert!(kinds.len() > 3, "{kinds:?} alone were tried");
    });
}
