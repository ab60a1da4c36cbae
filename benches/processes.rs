//! `append_2p`: two processes that append to one log, beside one process with as many callers. The
//! second one is this program again.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use events::log::{Log, LogId, LogLimits};
use harness::cluster::TestDatabase;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::Scale;
use crate::append::{Payloads, appends};
use crate::report::{Goal, Row};
use crate::rounds::{Round, Rounds, median, rounded};

/// What the program is called with to be a process of its own: then the database's address.
pub const ARGUMENT: &str = "--appender";

/// Callers in all.
const CALLERS: usize = 512;

/// What a process is told to do: so many callers for so long. It answers with the [`Round`].
#[derive(Serialize, Deserialize)]
struct Order {
    callers: usize,
    milliseconds: u64,
}

/// A process that appends when it is told to.
struct Appender {
    child: Child,
    orders: ChildStdin,
    rounds: Lines<BufReader<ChildStdout>>,
}

impl Appender {
    fn start(database: &TestDatabase) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([ARGUMENT, &database.url]).kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, rounds) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, orders, rounds: BufReader::new(rounds).lines() }
    }

    async fn round(&mut self, callers: usize, round: Duration) -> Round {
        let order = Order { callers, milliseconds: round.as_millis() as u64 };
        let order = serde_json::to_string(&order).unwrap() + "\n";
        self.orders.write_all(order.as_bytes()).await.unwrap();
        let round = self.rounds.next_line().await.unwrap().expect("a round");
        serde_json::from_str(&round).unwrap()
    }

    async fn stop(mut self) {
        drop(self.orders);
        assert!(self.child.wait().await.unwrap().success());
    }
}

/// Appends as told by the standard input, until that ends.
pub async fn run(database: &str) {
    let config = database.parse().unwrap();
    let log = Log::open(&config, LogId::default(), LogLimits::default()).await.unwrap();
    let payloads = Arc::new(Payloads::new());
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await.unwrap() {
        let Order { callers, milliseconds } = serde_json::from_str(&order).unwrap();
        let round = Duration::from_millis(milliseconds);
        let round = appends(&log, &payloads, (callers, 1), round).await;
        println!("{}", serde_json::to_string(&round).unwrap());
    }
}

pub async fn measure(scale: Scale) -> Row {
    let database = TestDatabase::create().await;
    let (mut one, mut other) = (Appender::start(&database), Appender::start(&database));
    let (mut rounds, mut shares) = (Rounds::default(), Vec::new());
    for _ in 0..scale.rounds {
        let alone = one.round(CALLERS, scale.append_round).await;
        rounds.baseline.push(alone.per_second);
        let (half, length) = (CALLERS / 2, scale.append_round);
        let (a, b) = tokio::join!(one.round(half, length), other.round(half, length));
        shares.push(a.per_second.min(b.per_second) / (a.per_second + b.per_second));
        rounds.ours.push(Round {
            per_second: a.per_second + b.per_second,
            p50_ms: a.p50_ms.max(b.p50_ms),
            p99_ms: a.p99_ms.max(b.p99_ms),
        });
    }
    one.stop().await;
    other.stop().await;
    database.remove().await;
    let what = format!(
        "acknowledged durable appends of a fact, about 500 bytes each, by two processes to one \
         log, {} callers each; the latencies are those of the slower process",
        CALLERS / 2,
    );
    let baseline = format!("one process, {CALLERS} callers");
    let goal = Goal::Times(0.9);
    let mut row = Row::of("append_2p", &what, "appends/s", (&rounds, &baseline, goal));
    let share = rounded(median(shares.into_iter()));
    row.details.insert("share_of_the_slower".to_owned(), json!(share));
    row
}
