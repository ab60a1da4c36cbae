//! `orders_http`: orders of five lines over HTTP, beside the stored procedure of `procedure`. The
//! same server tells `memory_loaded`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::Scale;
use crate::http::load;
use crate::market::{Market, Server};
use crate::memory::Memory;
use crate::procedure::Procedure;
use crate::report::{Goal, Row};
use crate::rounds::{Round, Rounds, median, rounded};

/// Clients that order, each over a connection of its own, one order after another.
const CLIENTS: usize = 256;
/// How far read models may lag behind the last order.
const LAG_MAX: Duration = Duration::from_secs(2);

/// Measures both rows; the procedure only if it is asked for.
pub async fn measure(scale: Scale, beside_procedure: bool) -> Vec<Row> {
    let trial = scale.orders_round / 4;
    let procedure = if beside_procedure { Procedure::open(trial).await } else { None };
    let server = Server::start().await;
    let market = Arc::new(Market::open(&server, scale.products).await);
    let filled = Memory::of(server.program.pid());
    // Neither side's first round is of its cold caches and empty pages.
    order(&server, &market, trial, 0).await;
    server.caught_up().await;
    let (mut rounds, mut lags, mut latencies) = (Rounds::default(), Vec::new(), Vec::new());
    let mut orders = 0;
    for seed in 1..=scale.rounds {
        if let Some(procedure) = &procedure {
            let found = procedure.round(scale.orders_round);
            rounds.baseline.push(found.per_second);
            latencies.push(found.latency_ms);
        }
        let round = order(&server, &market, scale.orders_round, seed as u64).await;
        orders += (round.per_second * scale.orders_round.as_secs_f64()) as u64;
        rounds.ours.push(round);
        lags.push(server.caught_up().await);
    }
    let loaded = Memory::of(server.program.pid());
    server.stop().await;
    let lag = lags.iter().copied().max().unwrap_or_default();
    let clients = procedure.as_ref().map_or(0, |procedure| procedure.clients);
    let baseline = format!("the stored procedure over plain tables, pgbench, {clients} clients");
    let what = format!(
        "orders of 5 lines over HTTP (GraphQL), {CLIENTS} clients, {} products and as many \
         customers; price, credit, stock checked; durable; every read model at most 2 s behind",
        scale.products,
    );
    let goal = Goal::Times(1.0);
    let mut row = Row::of("orders_http", &what, "orders/s", (&rounds, &baseline, goal));
    row.holds = lag <= LAG_MAX;
    row.details.insert("orders".to_owned(), json!(orders));
    row.details.insert("lag_max_s".to_owned(), json!(rounded(lag.as_secs_f64())));
    if let Some(procedure) = procedure {
        let latency = rounded(median(latencies.into_iter()));
        row.details.insert("baseline_mean_ms".to_owned(), json!(latency));
        procedure.remove().await;
    }
    vec![row, loaded.row("memory_loaded", &format!("after {orders} orders"), 400.0, Some(filled))]
}

async fn order(server: &Server, market: &Arc<Market>, lasting: Duration, seed: u64) -> Round {
    let (door, market) = (server.door.clone(), market.clone());
    let client = move |number| market.buyer(&door, seed << 32 | number as u64);
    let (taken, elapsed) = load(server.door.clone(), CLIENTS, lasting, client).await;
    let orders = taken.len();
    Round::of(taken, orders, elapsed)
}
