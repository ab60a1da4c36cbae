//! Claims about who carries read models on: parts move when workers come, go, are killed or fall
//! silent, and whatever happens every fact counts once. What a rebuild does is in `rebuilding`,
//! facts that cannot be taken in are in `parked`.

mod copying;
pub(crate) mod parked;
mod rebuilding;
mod replaying;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use events::words::Position;
use gateway::config::Config;
use harness::app::scratch;
use harness::program::{millrace, outcome};
use harness::{Program, TestApp, test_with, test_without_workers};
use nix::sys::signal::Signal;
use projections::parts::PARTS;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::projector::Market;

/// How long the killing goes on.
const KILLING: Duration = Duration::from_secs(60);
/// How long a lease is, and longer.
const PAST_LEASE: Duration = Duration::from_secs(4);

/// `millrace work` over the app's database.
pub(crate) struct Works<'a> {
    app: &'a TestApp,
    scratch: tempfile::TempDir,
}

impl<'a> Works<'a> {
    pub(crate) fn over(app: &'a TestApp) -> Self {
        Self { app, scratch: scratch() }
    }

    pub(crate) fn start(&self) -> Program {
        self.start_with(&[])
    }

    fn start_with(&self, environment: &[(&str, &str)]) -> Program {
        let url = ("DATABASE_URL", self.app.database.url.as_str());
        let environment: Vec<_> = environment.iter().copied().chain([url]).collect();
        Program::work(&self.scratch.path().join("data"), &environment)
    }

    /// As [`Self::verb`], while the test goes on.
    pub(crate) async fn beside(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || outcome(&mut command)).await.expect("a verb")
    }

    /// How a verb over the app's database ends.
    fn verb(&self, arguments: &[&str]) -> (i32, String, String) {
        outcome(&mut self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let data = self.scratch.path().join("data");
        let data = data.to_string_lossy();
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--data", &data]).collect();
        let mut command = millrace(&arguments);
        command.env("DATABASE_URL", &self.app.database.url);
        command
    }

    /// What is stored is what a fresh fold makes.
    async fn is_right(&self) {
        self.app.settled().await;
        let (code, out, err) = self.verb(&["check", "--projections"]);
        assert_eq!(code, 0, "{out}{err}");
    }
}

/// How many parts of live builds each worker that is alive has; those that nobody has, by the nil
/// id.
async fn shares(app: &TestApp) -> BTreeMap<Uuid, i64> {
    let query = "select coalesce(w.worker, '00000000-0000-0000-0000-000000000000'), count(*) \
        from projections.parts as p join projections.builds as b using (build) \
        left join projections.workers as w \
            on w.worker = p.worker and w.alive_until > clock_timestamp() \
        where b.state = 'live' group by 1";
    let rows = app.database.connect().await.query(query, &[]).await.expect("the parts");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Waits until so many workers share everything, as fairly as it goes; how long that took.
pub(crate) async fn shared_by(app: &TestApp, workers: usize, wait: Duration) -> Duration {
    let began = Instant::now();
    loop {
        let shares = shares(app).await;
        let (least, most) = (shares.values().min().copied(), shares.values().max().copied());
        let fair = most.unwrap_or(0) - least.unwrap_or(0) <= i64::from(PARTS);
        if shares.len() == workers && fair && !shares.contains_key(&Uuid::nil()) {
            return began.elapsed();
        }
        assert!(began.elapsed() < wait, "not shared by {workers} within {wait:?}: {shares:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Longer than anything takes that is not claimed to be quick.
const LONG: Duration = Duration::from_secs(30);

#[test]
fn parts_are_spread_fairly_as_workers_come_and_go() {
    test_without_workers(Config::default(), async |app| {
        let works = Works::over(app);
        let mut running = Vec::new();
        for count in 1..=3 {
            running.push(works.start());
            shared_by(app, count, LONG).await;
        }
        let market = Market::open(app).await;
        market.trade(app, 40).await;
        while running.len() > 1 {
            let ended = running.pop().expect("a worker").terminate(Duration::from_secs(10));
            assert!(ended.success(), "{ended}");
            let took = shared_by(app, running.len(), LONG).await;
            // A lease that has to end by itself takes three seconds.
            assert!(took < Duration::from_secs(2), "a clean stop hands over at once, not {took:?}");
        }
        market.adds_up(app, 40).await;
        works.is_right().await;
    });
}

#[test]
fn the_parts_of_a_killed_worker_move_within_five_seconds() {
    test_without_workers(Config::default(), async |app| {
        let works = Works::over(app);
        let (first, second) = (works.start(), works.start());
        shared_by(app, 2, LONG).await;
        let market = Market::open(app).await;
        market.trade(app, 20).await;
        second.kill();
        let killed = Instant::now();
        shared_by(app, 1, Duration::from_secs(5)).await;
        // Not only theirs: what was ordered meanwhile is readable.
        market.trade(app, 20).await;
        app.settled().await;
        assert!(killed.elapsed() < LONG);
        market.adds_up(app, 40).await;
        drop(first);
    });
}

/// Trades until told to stop; how many orders.
async fn trade(market: &Market, app: &TestApp, stop: &CancellationToken) -> usize {
    let mut orders = 0;
    while !stop.is_cancelled() {
        market.trade(app, 20).await;
        orders += 20;
    }
    orders
}

#[test]
fn what_workers_write_that_are_killed_at_random_counts_once() {
    let mut config = Config::default();
    config.projector.poll_interval_ms = 100;
    test_without_workers(config, async |app| {
        let works = Works::over(app);
        let market = Market::open(app).await;
        let stop = CancellationToken::new();
        let killing = async {
            let mut running = [works.start(), works.start()];
            let (began, mut kills, mut dice) = (Instant::now(), 0_usize, 1_u64);
            while began.elapsed() < KILLING {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                tokio::time::sleep(Duration::from_millis(200 + (dice >> 33) % 1_500)).await;
                let victim = usize::try_from(dice >> 62).expect("a small number") % 2;
                std::mem::replace(&mut running[victim], works.start()).kill();
                kills += 1;
            }
            stop.cancel();
            (running, kills)
        };
        let ((running, kills), orders) = tokio::join!(killing, trade(&market, app, &stop));
        assert!(kills > 20, "{kills} kills: nothing is tried");
        assert!(orders > 200, "{orders} orders: nothing is tried");
        market.adds_up(app, orders).await;
        works.is_right().await;
        drop(running);
    });
}

#[test]
fn a_worker_that_was_stopped_past_its_lease_writes_nothing_when_it_goes_on() {
    test_without_workers(Config::default(), async |app| {
        let works = Works::over(app);
        let (zombie, other) = (works.start(), works.start());
        let market = Market::open(app).await;
        let mut orders = 0;
        for _ in 0..3 {
            shared_by(app, 2, LONG).await;
            let stop = CancellationToken::new();
            let stopping = async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                zombie.signal(Signal::SIGSTOP);
                tokio::time::sleep(PAST_LEASE).await;
                shared_by(app, 1, LONG).await;
                tokio::time::sleep(Duration::from_millis(300)).await;
                zombie.signal(Signal::SIGCONT);
                tokio::time::sleep(Duration::from_secs(1)).await;
                stop.cancel();
            };
            let ((), traded) = tokio::join!(stopping, trade(&market, app, &stop));
            orders += traded;
            market.adds_up(app, orders).await;
        }
        works.is_right().await;
        drop((zombie, other));
    });
}

#[test]
fn who_lost_a_part_cannot_write_it() {
    use events::log::connect;
    use projections::sinks::sql::{Batch, Held, SinkError, Target};
    test_with(Config::default(), async |app| {
        let market = Market::open(app).await;
        market.trade(app, 20).await;
        let head = app.settled().await;
        let client = app.database.connect().await;
        let all = projections::all();
        let builds = projections::sinks::builds::all(&client).await.expect("the builds");
        for projection in &all {
            let build = builds.iter().find(|build| build.is_of(projection.as_ref()));
            let build = build.expect("a build").clone();
            let epoch = "select part, epoch from projections.parts where build = $1 order by part";
            let held = client.query(epoch, &[&build.id]).await.expect("the parts");
            let held = held.iter().map(|row| Held { part: row.get(0), epoch: row.get(1) });
            let target = Target {
                build: build.clone(),
                held: held.collect(),
                hot_max: 10,
                copy_rows_min: 1_000,
                skips: projections::skips::Skips::default(),
                parked_max: 10,
            };
            let line = connect(&app.database.config).await.expect("a connection");
            let mut sink = projection.open(line, target).await.expect("a sink");
            let take = "update projections.parts set epoch = epoch + 1 where build = $1";
            client.execute(take, &[&build.id]).await.expect("taking the parts");
            let to = Position(head.0 + 1_000);
            let batch = Batch { facts: &[], unreadable: &[], again: &[], to };
            let refused = sink.apply(&batch).await;
            assert!(matches!(refused, Err(SinkError::Lost { .. })), "{refused:?}");
            let reached = projections::sinks::builds::reached(&client, build.id).await;
            assert!(reached.expect("the parts").1 <= head, "it has written");
        }
        // Its own worker notices, and goes on with the new epochs.
        market.trade(app, 20).await;
        market.adds_up(app, 40).await;
    });
}

#[test]
fn a_gateway_without_workers_reads_what_workers_write() {
    let mut config = Config::default();
    // A poll would hide a wake-up that is lost.
    config.projector.poll_interval_ms = 3_600_000;
    test_without_workers(config, async |app| {
        let works = Works::over(app);
        let worker = works.start();
        let market = Market::open(app).await;
        market.trade(app, 60).await;
        market.adds_up(app, 60).await;
        drop(worker);
    });
}
