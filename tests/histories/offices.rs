//! A history of executors: a shop is opened, offices are set up behind proxies, clerks give
//! commands while somebody does harm. Then every office shows its states.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use commands::customers::open::OpenCustomer;
use commands::{Executor, ExecutorLimits};
use events::customers::CustomerId;
use events::log::{Log, LogId, LogLimits};
use events::words::Amount;
use futures_util::future::join_all;
use harness::desk::customer;
use harness::{Desk, Dice};
use rust_decimal::Decimal;
use tokio::sync::mpsc;
use tokio_postgres::Config;

use super::audit::audit;
use super::books::Books;
use super::clerks::{Clerk, Register, Shelf};
use super::play::Stage;
use super::scene::Scene;
use super::tally::Tally;

/// An executor over a log that has such limits.
async fn office(address: &Config, log: LogLimits, limits: ExecutorLimits) -> Executor {
    let log = Log::open(address, LogId::default(), log).await.expect("opening the log");
    Executor::start(log, limits)
}

/// Limits that are soon met; but where nothing is done to anybody, nobody is told that the server
/// is away.
fn limits(dice: &mut Dice, calm: bool) -> (LogLimits, ExecutorLimits) {
    let wait = if calm { 10_000 } else { dice.pick(&[20, 10_000]) };
    let log = LogLimits {
        batch_facts_max: dice.pick(&[10, 4_000]),
        known_streams_max: dice.pick(&[3, 200_000]),
        silence_max: Duration::from_millis(250),
        poll_interval: Duration::from_millis(100),
        unavailable_wait_max: Duration::from_millis(wait),
        ..LogLimits::default()
    };
    let executor = ExecutorLimits {
        round_commands_max: dice.pick(&[1, 3, 1_024]),
        rounds_in_flight_max: dice.pick(&[1, 2, 2]),
        cache_bytes_max: dice.pick(&[3_000, 64 << 20]),
        conflicts_before_turn: dice.pick(&[0, 1, 3]),
        queue_commands_max: dice.pick(&[12, 4_096]),
        // Those of the history before are still there: of streams that begin alike.
        snapshot_facts: dice.pick(&[0, 1, 2, 5, 500]),
        snapshots_queue_max: dice.pick(&[1, 256]),
        ..ExecutorLimits::default()
    };
    (log, executor)
}

/// A shop with few goods and little credit.
async fn open(dice: &mut Dice, seed: u64, desk: &Desk) -> Shelf {
    let (mut products, mut customers) = (Vec::new(), Vec::new());
    for number in 0..dice.between(2, 6) {
        products.push(desk.product(&format!("A-{number}"), dice.between(0, 40) as u32).await);
    }
    for number in 0..dice.between(1, 4) {
        let limit = Decimal::new(250, 2) * Decimal::from(dice.between(0, 80));
        let credit_limit = dice.chance(80).then_some(Amount(limit));
        let open = OpenCustomer { credit_limit, ..customer(&format!("Customer {number}")) };
        customers.push(CustomerId(desk.run(open).await.id));
    }
    Shelf { seed, products, customers }
}

/// Plays a history, and judges it.
pub(super) async fn trade(seed: u64, scene: Arc<Scene>) -> Result<Tally, String> {
    let mut stage = Stage::set(seed, scene).await;
    let server = stage.scene.address().clone();
    let executor = office(&server, LogLimits::default(), ExecutorLimits::default()).await;
    let now = "2026-03-01T12:00:00Z".parse().expect("a time");
    let desk = Desk::found(executor, "acme", now).await;
    let shelf = open(&mut stage.dice, seed, &desk).await;
    let opened = stage.head().await;
    let (uneven, register) = (stage.dice.chance(60), Register::default());
    let (mut desks, mut clerks) = (Vec::new(), Vec::new());
    let (unanswered, mut answers) = mpsc::channel(1);
    for (number, proxy) in stage.proxies.clone().into_iter().enumerate() {
        let (log, limits) = limits(&mut stage.dice, stage.calm);
        let executor = office(&proxy.config(), log, limits).await;
        let (desk, known) = (Desk { executor, ..desk.clone() }, Arc::new(Mutex::default()));
        desks.push(desk.clone());
        for _ in 0..stage.dice.between(2, 5) {
            let commands = stage.dice.between(4, 20);
            let patience = Duration::from_millis(stage.dice.pick(&[20, 200, 60_000]));
            let clerk = Clerk {
                desk: desk.clone(),
                shelf: shelf.clone(),
                known: known.clone(),
                register: register.clone(),
                dice: stage.dice.others(),
                pause_max_ms: if number > 0 && uneven { 60 } else { 4 },
                patience,
                unanswered: unanswered.clone(),
            };
            clerks.push(clerk.work(commands));
        }
    }
    let faults = stage.play(async { drop(join_all(clerks).await) }).await?;
    let calm = stage.calm;
    drop(unanswered);
    stage.soon(answers.recv()).await?;
    // As long as the executors are asked.
    let proxies = stage.proxies.clone();
    let facts = stage.close().await?;
    let attempts = std::mem::take(&mut *register.lock().unwrap());
    let books = Books::of(&desk, &facts)?;
    for desk in &desks {
        books.are_those_of(desk, &shelf).await?;
    }
    drop(proxies);
    Ok(Tally { histories: 1, faults, ..audit(&books, &attempts, opened, calm)? })
}
