//! `point_graphql`, `list_graphql`: what reading over HTTP comes to, beside a hello-world: an axum
//! server that answers every request with the same few bytes, and nothing in between.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::post;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::Scale;
use crate::http::{Door, load};
use crate::market::{Market, Server};
use crate::report::{Goal, Row};
use crate::rounds::{Round, Rounds, median, rounded};

/// The first argument of this program as the hello-world.
pub const ARGUMENT: &str = "--hello-at";
/// Clients that read, each over a connection of its own, one request after another.
const CLIENTS: usize = 64;
/// Records of a list.
const PAGE: usize = 20;
/// Lines of each order.
const LINES: usize = 5;

const POINT: &str = "query($id: ID!) { customer(id: $id) { id number name currency netDays status \
    statusReason version changedAt } }";
const LIST: &str = "query($after: String) { orders(first: 20, after: $after) { nodes { id number \
    status placedAt businessDate currency gross net lines { line productId sku name unit quantity \
    unitPrice net } customer { id name currency status } } pageInfo { endCursor } } }";

/// Serves a few bytes until it is killed.
pub async fn hello(address: &str) {
    const ANSWER: &str =
        r#"{"data":{"hello":{"id":"00000000-0000-0000-0000-000000000000","name":"world"}}}"#;
    let answer = || async { ([(header::CONTENT_TYPE, "application/json")], ANSWER) };
    let router = Router::new().route("/graphql", post(answer));
    let listener = TcpListener::bind(address).await.expect("the address");
    axum::serve(listener, router).await.expect("serving");
}

/// The hello-world as a process. Dropped, it is killed.
struct Hello {
    child: Child,
    door: Door,
}

impl Hello {
    async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address: SocketAddr = free.local_addr().expect("its address");
        drop(free);
        let program = std::env::current_exe().expect("this program");
        let mut command = Command::new(program);
        command.args([ARGUMENT, &address.to_string()]).stdin(Stdio::null());
        let child = command.spawn().expect("the hello-world");
        let door = Door { address: address.to_string(), token: "x".repeat(43), organization: "x" };
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        Self { child, door }
    }
}

impl Drop for Hello {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One of these requests after another, at random.
async fn round(door: &Door, requests: &Arc<Vec<Vec<u8>>>, scale: Scale, seed: u64) -> Round {
    let requests = requests.clone();
    let client = move |number: usize| {
        let requests = requests.clone();
        let mut dice = ChaCha8Rng::seed_from_u64(seed << 32 | number as u64);
        move || requests[dice.random_range(0..requests.len())].clone()
    };
    let (taken, elapsed) = load(door.clone(), CLIENTS, scale.append_round, client).await;
    let count = taken.len();
    Round::of(taken, count, elapsed)
}

fn request(door: &Door, query: &str, variables: &Value) -> Vec<u8> {
    door.request(&json!({ "query": query, "variables": variables }).to_string())
}

/// Measures both rows, or one.
pub async fn measure(scale: Scale, point: bool, list: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    if !point && !list {
        return rows;
    }
    let server = Server::start().await;
    let market = Arc::new(Market::open(&server, scale.products).await);
    if point {
        rows.push(points(&server, &market, scale).await);
    }
    if list {
        rows.push(lists(&server, &market, scale).await);
    }
    server.stop().await;
    rows
}

async fn points(server: &Server, market: &Market, scale: Scale) -> Row {
    let hello = Hello::start().await;
    let of = |door: &Door| {
        let ids = market.customers().iter();
        Arc::new(ids.map(|id| request(door, POINT, &json!({ "id": id }))).collect::<Vec<_>>())
    };
    let (asked, greeted) = (of(&server.door), of(&hello.door));
    // Neither side's first round is of cold caches.
    round(&server.door, &asked, scale, 0).await;
    round(&hello.door, &greeted, scale, 0).await;
    let mut rounds = Rounds::default();
    for seed in 1..=scale.rounds as u64 {
        rounds.baseline.push(round(&hello.door, &greeted, scale, seed).await.per_second);
        rounds.ours.push(round(&server.door, &asked, scale, seed).await);
    }
    let hits = server.metric("millrace_queries_cache_hits_total").await;
    let misses = server.metric("millrace_queries_cache_misses_total").await;
    let what = format!(
        "one of {} customers by its id over HTTP (GraphQL), {CLIENTS} clients, most of them kept \
         in mind",
        market.customers().len(),
    );
    let baseline = "a hello-world in axum: the same bytes for every request";
    let goal = Goal::Times(0.3);
    let mut row = Row::of("point_graphql", &what, "requests/s", (&rounds, baseline, goal));
    row.details.insert("hit_share".to_owned(), json!(rounded(hits / (hits + misses).max(1.0))));
    row
}

async fn lists(server: &Server, market: &Arc<Market>, scale: Scale) -> Row {
    let mut buyer = market.buyer(&server.door, 1);
    server.give((0..scale.listed_orders).map(|_| buyer()).collect()).await;
    server.caught_up().await;
    let (client, mut after, mut asked) =
        (server.program.administrator().within(server.door.organization), Value::Null, Vec::new());
    while asked.len() < scale.listed_orders / PAGE {
        asked.push(request(&server.door, LIST, &json!({ "after": after })));
        let told = client.ask(LIST, json!({ "after": after })).await;
        let nodes = told["orders"]["nodes"].as_array().expect("orders");
        assert!(nodes.len() == PAGE && nodes[0]["lines"].as_array().map(Vec::len) == Some(LINES));
        after = told["orders"]["pageInfo"]["endCursor"].clone();
    }
    let asked = Arc::new(asked);
    round(&server.door, &asked, scale, 0).await;
    let mut rounds = Rounds::default();
    for seed in 1..=scale.rounds as u64 {
        rounds.ours.push(round(&server.door, &asked, scale, seed).await);
    }
    let lists = median(rounds.ours.iter().map(|round| round.per_second));
    let mut details = rounds.details();
    details.insert("lists_per_second".to_owned(), json!(rounded(lists)));
    let all = PAGE * (1 + LINES + 1);
    details.insert("with_lines_and_customers".to_owned(), json!(rounded(lists * all as f64)));
    Row {
        name: "list_graphql",
        what: format!(
            "orders in lists of {PAGE}, with {LINES} lines and the customer of each, over HTTP \
             (GraphQL), {CLIENTS} clients; a list counts {PAGE}"
        ),
        ours: lists * PAGE as f64,
        baseline: None,
        unit: "orders/s",
        ratio: None,
        goal: Goal::AtLeast(5_000.0),
        holds: true,
        details,
    }
}
