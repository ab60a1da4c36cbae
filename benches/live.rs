//! `pushed`, `subscribers_10k`, `fan_out`: how soon subscribers are told, what each costs, and
//! whether many of them keep up. The clients are as plain as can be, for they run on the same
//! machine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use events::words::Position;
use futures_util::future::join_all;
use harness::{Program, Shop};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::Scale;
use crate::market::Server;
use crate::memory::Memory;
use crate::report::{Goal, Row};
use crate::rounds::{Round, Rounds, rounded};
use crate::subscriber::{Subscriber, position};

/// Commands a second of `pushed`.
const PER_SECOND: usize = 1_000;
/// Who send them.
const SENDERS: usize = 20;
/// Products that goods come in of.
const PRODUCTS: usize = 200;
/// Subscribers that one change is told to.
const MANY: usize = 10_000;
/// How often it is.
const TIMES: usize = 20;
/// Subscribers, and changes a second, of `fan_out`.
const CROWD: (usize, usize) = (1_000, 100);
/// Those of them that look at what they are told.
const LOOKING: usize = 20;
/// How long anything may take that has to come.
const WAIT: Duration = Duration::from_secs(60);

/// A server with products, and one more gateway beside it, if that is asked for.
struct Scene {
    server: Server,
    other: Option<(Program, String, tempfile::TempDir)>,
    products: Vec<String>,
}

impl Scene {
    async fn open(beside: bool) -> Self {
        let most = [("MILLRACE__LIVE__SUBSCRIPTIONS_PER_USER_MAX", "20000")];
        let server = Server::start_with(&most).await;
        server.register().await;
        let shop = Shop { client: server.program.administrator().within("bench") };
        let mut products = Vec::with_capacity(PRODUCTS);
        for number in 0..PRODUCTS {
            products.push(shop.product(&format!("A-{number}"), "1", 1).await);
        }
        server.caught_up().await;
        let other = beside.then(|| {
            let data = harness::app::scratch();
            let url = [("DATABASE_URL", server.database_url())];
            let program = Program::serve_with(data.path(), &["--no-workers"], &url);
            let token = std::fs::read_to_string(data.path().join("admin-token")).expect("a token");
            (program, token.trim().to_owned(), data)
        });
        Self { server, other, products }
    }

    async fn subscriber(&self) -> Subscriber {
        Subscriber::open(&self.server.door.address, &self.server.door.token).await
    }

    /// Goods come in at a steady rate, for so long: when each was acknowledged, and its position.
    async fn receive(&self, per_second: usize, during: Duration) -> Vec<(Instant, Position)> {
        let taken = Arc::<Mutex<Vec<(Instant, Position)>>>::default();
        let senders = SENDERS.min(per_second);
        let every = Duration::from_secs(1) * u32::try_from(senders).unwrap()
            / u32::try_from(per_second).unwrap();
        let began = Instant::now();
        let sending = (0..senders).map(|sender| {
            let (door, taken) = (self.server.door.clone(), taken.clone());
            let products: Vec<String> =
                self.products.iter().skip(sender).step_by(senders).cloned().collect();
            let offset = every * u32::try_from(sender).unwrap() / u32::try_from(senders).unwrap();
            async move {
                let mut connection = door.connect().await;
                let mut tick =
                    tokio::time::interval_at(tokio::time::Instant::now() + offset, every);
                for product in products.iter().cycle() {
                    tick.tick().await;
                    if began.elapsed() > during {
                        return;
                    }
                    let input = json!({ "productId": product, "quantity": "1" });
                    let query = harness::shop::mutation_of("receiveStock");
                    let body = json!({ "query": query, "variables": { "input": input } });
                    let answer = connection.exchange(&door.request(&body.to_string())).await;
                    let answer: Value = serde_json::from_str(answer).expect("JSON");
                    let text = answer["data"]["receiveStock"]["position"].as_str();
                    let at = position(text.unwrap_or_else(|| panic!("{answer}")));
                    taken.lock().unwrap().push((Instant::now(), at));
                }
            }
        });
        join_all(sending).await;
        let mut taken = std::mem::take(&mut *taken.lock().unwrap());
        taken.sort_by_key(|(_, position)| *position);
        taken
    }

    async fn close(self) {
        drop(self.other);
        self.server.stop().await;
    }
}

/// Tells what a subscriber hears, as it comes.
fn listening(mut subscriber: Subscriber) -> UnboundedReceiver<(Instant, Position)> {
    let (tell, told): (UnboundedSender<_>, _) = unbounded_channel();
    tokio::spawn(async move {
        loop {
            if tell.send(subscriber.change().await).is_err() {
                return;
            }
        }
    });
    told
}

/// How long after it was acknowledged each command was told, in seconds: what comes with a cursor
/// tells of everything up to there.
async fn lags(
    acknowledged: &[(Instant, Position)],
    told: &mut UnboundedReceiver<(Instant, Position)>,
) -> Vec<f64> {
    let mut lags = Vec::with_capacity(acknowledged.len());
    let mut known: Option<(Instant, Position)> = None;
    for (then, position) in acknowledged {
        while known.is_none_or(|(_, at)| at < *position) {
            let next = tokio::time::timeout(WAIT, told.recv()).await;
            known = Some(next.expect("a change in time").expect("a change"));
        }
        let (came, _) = known.expect("one came");
        lags.push(came.saturating_duration_since(*then).as_secs_f64());
    }
    lags
}

fn row(name: &'static str, what: String, (ours, unit): (f64, &'static str), goal: Goal) -> Row {
    let (baseline, ratio, details) = (None, None, Map::new());
    Row { name, what, ours, baseline, unit, ratio, goal, holds: true, details }
}

/// Those of these rows that are wanted.
pub async fn measure(scale: Scale, wanted: impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    if wanted("pushed") {
        rows.push(pushed(scale).await);
    }
    if wanted("fan_out") {
        rows.push(fan_out(scale).await);
    }
    if wanted("subscribers_10k") {
        rows.push(many(scale).await);
    }
    rows
}

async fn pushed(scale: Scale) -> Row {
    let scene = Scene::open(true).await;
    let (other, token, _) = scene.other.as_ref().expect("another gateway");
    let address = other.url.trim_start_matches("http://").to_owned();
    let mut near = listening(scene.subscriber().await);
    let mut far = listening(Subscriber::open(&address, token).await);
    let taken = scene.receive(PER_SECOND, scale.follow).await;
    let round = async |told| Round::of(lags(&taken, told).await, taken.len(), scale.follow);
    let (near, far) = (round(&mut near).await, round(&mut far).await);
    scene.close().await;
    let what = format!(
        "from a command being acknowledged to a subscriber being told, at {PER_SECOND} commands/s \
         over HTTP; the slower of a subscriber of the same process and one of another; 99 of 100"
    );
    let mut row = row("pushed", what, (near.p99_ms.max(far.p99_ms), "ms"), Goal::AtMost(15.0));
    row.details = Rounds { ours: vec![near.clone()], baseline: Vec::new() }.details();
    row.details.insert("one_gateway_p50_ms".to_owned(), json!(rounded(near.p50_ms)));
    row.details.insert("one_gateway_p99_ms".to_owned(), json!(rounded(near.p99_ms)));
    row.details.insert("two_gateways_p50_ms".to_owned(), json!(rounded(far.p50_ms)));
    row.details.insert("two_gateways_p99_ms".to_owned(), json!(rounded(far.p99_ms)));
    row.details.insert("commands".to_owned(), json!(taken.len()));
    row
}

/// `subscribers_10k`: what each takes in the server's process, and how soon all are told.
async fn many(scale: Scale) -> Row {
    let count = MANY.min(scale.products);
    let scene = Scene::open(false).await;
    // What everybody shares is there before.
    let first = scene.subscriber().await;
    scene.receive(10, Duration::from_secs(1)).await;
    let pid = scene.server.program.pid();
    let before = Memory::of(pid).resident();
    let (tell, mut told) = unbounded_channel();
    for _ in 0..count.div_ceil(50) {
        let some = join_all((0..50).map(|_| scene.subscriber())).await;
        for mut subscriber in some {
            let tell: UnboundedSender<Instant> = tell.clone();
            tokio::spawn(async move {
                loop {
                    subscriber.text().await;
                    if tell.send(Instant::now()).is_err() {
                        return;
                    }
                }
            });
        }
    }
    let count = count.div_ceil(50) * 50;
    let bytes = (Memory::of(pid).resident() - before) * 1e6 / count as f64;
    let mut took = Vec::with_capacity(TIMES);
    for _ in 0..TIMES.min(scale.rounds * 4) {
        let taken = scene.receive(1, Duration::from_millis(500)).await;
        let (then, _) = taken[0];
        let mut last = then;
        for _ in 0..count * taken.len() {
            let next = tokio::time::timeout(WAIT, told.recv()).await;
            last = next.expect("in time").expect("a message").max(last);
        }
        took.push(last.saturating_duration_since(then).as_secs_f64());
    }
    let after = Memory::of(pid).resident();
    let times = took.len();
    drop(first);
    scene.close().await;
    let round = Round::of(took, times, Duration::from_secs(1));
    let what = format!(
        "memory of the server's process for each of {count} subscribers, each over a WebSocket of \
         its own; `told_p99_ms`: from a change being acknowledged to all of them having been told"
    );
    let mut row = row("subscribers_10k", what, (bytes / 1e3, "KB"), Goal::AtMost(20.0));
    row.holds = round.p99_ms <= 250.0;
    let told_each = (after - before) * 1e3 / count as f64;
    row.details.insert("told_p50_ms".to_owned(), json!(rounded(round.p50_ms)));
    row.details.insert("told_p99_ms".to_owned(), json!(rounded(round.p99_ms)));
    row.details.insert("after_they_were_told_kb".to_owned(), json!(rounded(told_each)));
    row
}

/// `fan_out`: whether many changes are told to many without falling behind.
async fn fan_out(scale: Scale) -> Row {
    let (crowd, per_second) = CROWD;
    let scene = Scene::open(false).await;
    let heard = Arc::new(AtomicUsize::new(0));
    let mut looking = Vec::new();
    for number in 0..crowd {
        let mut subscriber = scene.subscriber().await;
        if number < LOOKING {
            looking.push(listening(subscriber));
        } else {
            let heard = heard.clone();
            tokio::spawn(async move {
                loop {
                    subscriber.text().await;
                    heard.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }
    let during = scale.follow * 2;
    let began = Instant::now();
    let taken = scene.receive(per_second, during).await;
    let told = heard.load(Ordering::Relaxed) as f64 / (crowd - LOOKING) as f64;
    let per_second_told = told * crowd as f64 / began.elapsed().as_secs_f64();
    let (mut first, mut last, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for told in &mut looking {
        let lags = lags(&taken, told).await;
        let third = lags.len() / 3;
        first.extend_from_slice(&lags[..third]);
        last.extend_from_slice(&lags[lags.len() - third..]);
        all.extend(lags);
    }
    scene.close().await;
    let of = |lags: Vec<f64>| {
        let count = lags.len();
        Round::of(lags, count, during)
    };
    let (first, last, all) = (of(first), of(last), of(all));
    let what = format!(
        "{per_second} changes/s to {crowd} subscribers whom each concerns: the median lag of the \
         last third to that of the first third"
    );
    let grown = last.p50_ms.max(1.0) / first.p50_ms.max(1.0);
    let mut row = row("fan_out", what, (grown, "x"), Goal::AtMost(1.5));
    for (name, value) in [
        ("first_third_p50_ms", first.p50_ms),
        ("last_third_p50_ms", last.p50_ms),
        ("p50_ms", all.p50_ms),
        ("p99_ms", all.p99_ms),
        ("changes_told_each", told),
        ("told_per_second", per_second_told),
    ] {
        row.details.insert(name.to_owned(), json!(rounded(value)));
    }
    row.details.insert("changes".to_owned(), json!(taken.len()));
    row
}
