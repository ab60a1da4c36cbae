//! `readable`: how long after a command was acknowledged everybody can read what it did, at a
//! steady rate of commands.

use std::time::{Duration, Instant};

use commands::stock::receive::ReceiveStock;
use futures_util::future::join_all;
use gateway::config::Config;
use harness::{Desk, TestApp};
use serde_json::json;

use crate::Scale;
use crate::report::{Goal, Row};
use crate::rounds::{Round, Rounds, rounded};

/// Commands a second, one a millisecond.
const PER_SECOND: usize = 1_000;
/// Products that goods come in of.
const PRODUCTS: usize = 200;

pub async fn measure(scale: Scale) -> Row {
    let app = TestApp::start(Config::default()).await;
    let desk = Desk::open(&app, "acme").await;
    let mut products = Vec::with_capacity(PRODUCTS);
    for number in 0..PRODUCTS {
        products.push(desk.product(&format!("A-{number}"), 1).await);
    }
    app.settled().await;
    let commands = (scale.follow.as_secs_f64() * PER_SECOND as f64) as usize;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / PER_SECOND as u32);
    let mut answers = Vec::with_capacity(commands);
    for number in 0..commands {
        tick.tick().await;
        let quantity = "1".parse().unwrap();
        let product_id = products[number % PRODUCTS];
        let command = ReceiveStock { product_id, warehouse_id: None, quantity };
        let (executor, request) = (desk.executor.clone(), desk.request(command));
        let watermarks = app.parts.reader.watermarks().clone();
        answers.push(tokio::spawn(async move {
            let asked = Instant::now();
            let position = executor.execute(request).await.unwrap().position;
            let acknowledged = Instant::now();
            watermarks.wait(&["stock"], position, Duration::from_secs(30)).await.unwrap();
            (acknowledged.elapsed().as_secs_f64(), asked.elapsed().as_secs_f64())
        }));
    }
    let taken: Vec<(f64, f64)> = join_all(answers).await.into_iter().map(Result::unwrap).collect();
    app.end().await;
    let (readable, whole): (Vec<f64>, Vec<f64>) = taken.into_iter().unzip();
    let round = Round::of(readable, commands, scale.follow);
    let whole = Round::of(whole, commands, scale.follow);
    let rounds = Rounds { ours: vec![round.clone()], baseline: Vec::new() };
    let mut details = rounds.details();
    details.insert("asked_to_readable_p50_ms".to_owned(), json!(rounded(whole.p50_ms)));
    details.insert("asked_to_readable_p99_ms".to_owned(), json!(rounded(whole.p99_ms)));
    Row {
        name: "readable",
        what: format!(
            "from a command being acknowledged to its row being readable, at {PER_SECOND} \
             commands/s, every read model carried on; 99 of 100"
        ),
        ours: round.p99_ms,
        baseline: None,
        unit: "ms",
        ratio: None,
        goal: Goal::AtMost(10.0),
        holds: true,
        details,
    }
}
