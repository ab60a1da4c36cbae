//! `history`: a page of twenty facts of a stock item that has a thousand, over HTTP: the first
//! page, and the last, for which all of them are folded.

use std::time::Duration;

use events::stock::StockItemId;
use events::warehouses::WarehouseId;
use events::words::Unit;
use futures_util::future::join_all;
use gateway::config::Config;
use harness::desk::receive;
use harness::{Desk, TestApp};
use serde_json::json;

use crate::Scale;
use crate::http::{Door, load};
use crate::report::{Goal, Row};
use crate::rounds::{Round, Rounds, rounded};

/// Facts of the stock item.
const FACTS: usize = 1_000;
/// Facts of a page.
const PAGE: usize = 20;

pub async fn measure(scale: Scale) -> Row {
    let app = TestApp::start(Config::default()).await;
    let desk = Desk::open(&app, "acme").await;
    let product = desk.product("A-1", 1).await;
    // Opened, and received once.
    join_all((2..FACTS).map(|_| desk.run(receive(product, 1)))).await;
    app.settled().await;
    let organization = desk.organization;
    let (warehouse, unit) = (WarehouseId::default_of(organization), Unit("piece".to_owned()));
    let item = StockItemId::of(organization, product, warehouse, &unit).0;
    let client = app.administrator();
    let token = client.headers["authorization"].to_str().unwrap();
    let door = Door {
        address: app.url.trim_start_matches("http://").to_owned(),
        token: token.trim_start_matches("Bearer ").to_owned(),
        organization: "acme",
    };
    let request = |page: &str| {
        let query = format!(
            "query($id: ID!) {{ stockItem(id: $id) {{ history({page}: {PAGE}) {{ nodes {{ id \
             version position recordedAt factType actor command correlation \
             changes {{ field before after }} }} \
             pageInfo {{ hasNextPage startCursor endCursor }} }} }} }}"
        );
        door.request(&json!({ "query": query, "variables": { "id": item } }).to_string())
    };
    let requests = ["first", "last"].map(request);
    let mut connection = door.connect().await;
    for (request, version) in requests.iter().zip([PAGE, FACTS]) {
        let answer = connection.exchange(request).await;
        assert!(answer.contains(&format!(r#""version":{version},"#)), "{answer}");
    }
    let (mut first, mut last) = (Rounds::default(), Rounds::default());
    for _ in 0..scale.rounds {
        for (request, rounds) in requests.iter().zip([&mut first, &mut last]) {
            rounds.ours.push(round(&door, request, scale.append_round).await);
        }
    }
    drop(connection);
    app.end().await;
    row(&first, &last)
}

/// One request after the other.
async fn round(door: &Door, request: &[u8], lasting: Duration) -> Round {
    let request = request.to_vec();
    let client = move |_| {
        let request = request.clone();
        move || request.clone()
    };
    let (taken, elapsed) = load(door.clone(), 1, lasting, client).await;
    let count = taken.len();
    Round::of(taken, count, elapsed)
}

fn row(first: &Rounds, last: &Rounds) -> Row {
    let slowest =
        |rounds: &Rounds| rounds.ours.iter().map(|round| round.p99_ms).fold(0.0, f64::max);
    let mut details = last.details();
    for (name, value) in first.details().into_iter().filter(|(name, _)| name.ends_with("_ms")) {
        details.insert(format!("first_page_{name}"), value);
    }
    details.insert("slowest_round_p99_ms".to_owned(), json!(rounded(slowest(last))));
    let p99 = |rounds: &Rounds| crate::rounds::median(rounds.ours.iter().map(|round| round.p99_ms));
    Row {
        name: "history",
        what: format!(
            "the last {PAGE} facts of a stock item of {FACTS}, with what each changed, over HTTP \
             (GraphQL), one request after the other; 99 of 100"
        ),
        ours: p99(last).max(p99(first)),
        baseline: None,
        unit: "ms",
        ratio: None,
        goal: Goal::AtMost(20.0),
        holds: true,
        details,
    }
}
