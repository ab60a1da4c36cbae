//! `hot_stream`: commands that are accepted on one stream, beside one command a commit: the same
//! executor, asked by one caller.

use std::time::{Duration, Instant};

use commands::stock::receive::ReceiveStock;
use commands::{Executor, ExecutorLimits};
use events::log::{Log, LogId, LogLimits};
use events::words::Quantity;
use futures_util::future::join_all;
use harness::Desk;
use harness::cluster::TestDatabase;

use crate::Scale;
use crate::report::{Goal, Row};
use crate::rounds::{Round, Rounds};

const CALLERS: usize = 512;

pub async fn measure(scale: Scale) -> Row {
    let database = TestDatabase::create().await;
    let log = Log::open(&database.config, LogId::default(), LogLimits::default()).await.unwrap();
    let executor = Executor::start(log, ExecutorLimits::default());
    let now = gateway::app::system_clock()();
    let desk = Desk::found(executor, "bench", now).await;
    let product_id = desk.product("A-1", 1).await;
    let receive = ReceiveStock { product_id, warehouse_id: None, quantity: Quantity(1.into()) };
    let mut rounds = Rounds::default();
    for _ in 0..scale.rounds {
        rounds.baseline.push(commands(&desk, &receive, 1, scale.append_round).await.per_second);
        rounds.ours.push(commands(&desk, &receive, CALLERS, scale.append_round).await);
    }
    drop(desk);
    database.remove().await;
    let what = format!(
        "commands (receive a piece of one product) accepted on one stream, each a fact, \
         {CALLERS} callers, durable"
    );
    let baseline = "one caller: one command a commit over one connection";
    let goal = Goal::Times(10.0);
    Row::of("hot_stream", &what, "commands/s", (&rounds, baseline, goal))
}

/// One command after another of each caller.
async fn commands(desk: &Desk, receive: &ReceiveStock, callers: usize, round: Duration) -> Round {
    let started = Instant::now();
    let work = (0..callers).map(|_| {
        let (desk, receive) = (desk.clone(), receive.clone());
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while started.elapsed() < round {
                let asked = Instant::now();
                desk.run(receive.clone()).await;
                taken.push(asked.elapsed().as_secs_f64());
            }
            taken
        })
    });
    let taken: Vec<f64> = join_all(work).await.into_iter().flat_map(Result::unwrap).collect();
    let commands = taken.len();
    Round::of(taken, commands, started.elapsed())
}
