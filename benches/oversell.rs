//! `oversell`: a hundred buyers want a piece each, of fifty, at once.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::{Map, json};

use crate::Scale;
use crate::http::{Connection, id_of, on_one_thread};
use crate::market::Server;
use crate::report::{Goal, Row};
use crate::rounds::{median, rounded};

const BUYERS: usize = 100;
const PIECES: usize = 50;

/// One product a round; the row tells the round that is furthest from the goal.
pub async fn measure(scale: Scale) -> Row {
    let server = Server::start().await;
    server.register().await;
    let shop = harness::Shop { client: server.program.administrator() };
    let customer = shop.customer("Bolt & Co", json!(null)).await;
    let mut requests = Vec::new();
    for round in 0..scale.oversell_rounds {
        let product = shop.product(&format!("A-{round}"), "2.50", PIECES as u32).await;
        let order = harness::Shop::order(&customer, &product, "1");
        requests.push(server.door.mutation("placeOrder", &order.to_string()));
    }
    let door = server.door.clone();
    let rounds = on_one_thread(async move {
        let mut buyers = join_all((0..BUYERS).map(|_| door.connect())).await;
        let mut rounds = Vec::new();
        for request in &requests {
            let started = Instant::now();
            let bought = join_all(buyers.iter_mut().map(|buyer| buy(buyer, request))).await;
            let sold = bought.iter().filter(|bought| **bought).count();
            rounds.push((sold, started.elapsed().as_secs_f64() * 1_000.0));
        }
        rounds
    })
    .await;
    server.stop().await;
    let exact = rounds.iter().filter(|(sold, _)| *sold == PIECES).count();
    let furthest = rounds.iter().map(|(sold, _)| *sold).max_by_key(|sold| sold.abs_diff(PIECES));
    let mut details = Map::new();
    details.insert("rounds".to_owned(), json!(rounds.len()));
    details.insert("exact".to_owned(), json!(exact));
    let took = median(rounds.iter().map(|(_, milliseconds)| *milliseconds));
    details.insert("round_p50_ms".to_owned(), json!(rounded(took)));
    Row {
        name: "oversell",
        what: format!("{BUYERS} buyers over HTTP, {PIECES} pieces; the worst round"),
        ours: furthest.unwrap_or_default() as f64,
        baseline: None,
        unit: "pieces sold",
        ratio: None,
        goal: Goal::Exactly(PIECES as f64),
        holds: exact == rounds.len(),
        details,
    }
}

/// Whether an order was taken; refused, it has to be for want of stock.
async fn buy(buyer: &mut Connection, request: &[u8]) -> bool {
    let answer = buyer.exchange(request).await;
    let bought = id_of(answer).is_some();
    assert!(bought || answer.contains("OUT_OF_STOCK"), "{answer}");
    bought
}
