//! A history of the raw log: several processes' writers, each process behind a proxy of its own,
//! followers, and somebody who does harm. Then everything is set against everything.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use events::log::{Log, LogId, LogLimits, RawFact, connect};
use harness::writer::{Hearsay, Journal, Note, World, Writer};
use harness::{Dice, Proxy, TestDatabase};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::Config;
use tokio_util::sync::CancellationToken;

use super::faults::sabotage;
use super::followers::follow;
use super::ledger::settle;
use super::tally::Tally;
use crate::log::{chain, everything, whole};

/// How long the writers may take in all.
const PLAY_MAX: Duration = Duration::from_secs(20);
/// How soon an append is answered once no more harm is done.
const SERVED_WITHIN: Duration = Duration::from_secs(15);

/// What was noted by whom.
pub(super) type Notes = Arc<Mutex<Vec<(u32, Note)>>>;

/// What a history is played with.
pub(super) struct Stage {
    pub(super) dice: Dice,
    pub(super) world: World,
    pub(super) server: Config,
    pub(super) limits: LogLimits,
    pub(super) proxies: Vec<Arc<Proxy>>,
    pub(super) notes: Notes,
    /// Nothing is done to anybody.
    pub(super) calm: bool,
    last: watch::Sender<Option<i64>>,
    followers: Vec<JoinHandle<Result<Vec<RawFact>, String>>>,
}

impl Stage {
    /// Sets a history up: a proxy for each of so many processes, and two followers.
    pub(super) async fn set(seed: u64, server: &Config) -> Self {
        let mut dice = Dice::of(seed);
        let world = World { streams: dice.between(2, 12) as u32 };
        let limits = LogLimits {
            batch_facts_max: dice.pick(&[3, 10, 4_000]),
            known_streams_max: dice.pick(&[2, 200_000]),
            silence_max: Duration::from_millis(250),
            poll_interval: Duration::from_millis(100),
            ..LogLimits::default()
        };
        let mut proxies = Vec::new();
        for _ in 0..dice.between(2, 3) {
            proxies.push(Arc::new(Proxy::before(server).await));
        }
        let (calm, last) = (dice.chance(8), watch::Sender::new(None));
        let mut followers = Vec::new();
        for address in [server.clone(), proxies[0].config()] {
            let log = Log::open(&address, LogId::default(), limits.clone()).await;
            let page = dice.pick(&[1, 7, 500]);
            followers.push(tokio::spawn(follow(log.expect("a log"), page, last.subscribe())));
        }
        let (server, notes) = (server.clone(), Notes::default());
        Self { dice, world, server, limits, proxies, notes, calm, last, followers }
    }

    pub(super) fn journal(&self) -> Journal {
        let notes = self.notes.clone();
        Arc::new(move |writer, note| notes.lock().unwrap().push((writer, note)))
    }

    /// A handle as another process has it.
    pub(super) async fn log(&self, address: &Config) -> Log {
        Log::open(address, LogId::default(), self.limits.clone()).await.expect("opening the log")
    }

    /// Everything that must hold, now that everybody has finished.
    pub(super) async fn settle(self, faults: usize) -> Result<Tally, String> {
        let log = self.log(&self.server).await;
        let facts = everything(&log).await;
        whole(&facts);
        self.last.send_replace(Some(facts.len() as i64));
        for follower in self.followers {
            let seen = follower.await.expect("a follower")?;
            if seen != facts {
                let differs = seen.iter().zip(&facts).position(|(seen, fact)| seen != fact);
                let (seen, there) = (seen.len(), facts.len());
                return Err(format!("a follower saw {seen} of {there}, other at {differs:?}"));
            }
        }
        let client = connect(&self.server).await.expect("the server");
        if let (batches, Some(broken)) = chain::check(&client).await {
            return Err(format!("of {batches} batches the one at {broken} breaks the chain"));
        }
        let notes = std::mem::take(&mut *self.notes.lock().unwrap());
        let tally = settle(self.world, notes, &facts, self.calm)?;
        Ok(Tally { histories: 1, faults, ..tally })
    }
}

/// Plays a history of writers that live in this process, and judges it.
pub(super) async fn play(seed: u64, database: Arc<TestDatabase>) -> Result<Tally, String> {
    write(Stage::set(seed, &database.config).await).await
}

async fn write(mut stage: Stage) -> Result<Tally, String> {
    let (mut writers, mut last) = (JoinSet::new(), Vec::new());
    let uneven = stage.dice.chance(60);
    for (process, proxy) in (0..).zip(stage.proxies.clone()) {
        let (log, hearsay) = (stage.log(&proxy.config()).await, Hearsay::default());
        // Where one is busy and the others are not, its batches come in one behind the other.
        let pause_max_ms = if process > 0 && uneven { 40 } else { 2 };
        let (things, callers) = (stage.dice.between(6, 14) as usize, stage.dice.between(2, 6));
        let mut writer = |number| Writer {
            world: stage.world,
            number,
            log: log.clone(),
            dice: stage.dice.others(),
            hearsay: hearsay.clone(),
            journal: stage.journal(),
            pause_max_ms,
            attempts: 0,
        };
        for caller in 0..callers as u32 {
            writers.spawn(writer(process * 100 + caller).run(things));
        }
        last.push(writer(process * 100 + 99));
    }
    let stop = CancellationToken::new();
    let saboteur = (!stage.calm).then(|| {
        let harm = stage.dice.others();
        tokio::spawn(sabotage(harm, stage.proxies.clone(), stage.server.clone(), stop.clone()))
    });
    let played = tokio::time::timeout(PLAY_MAX, writers.join_all()).await;
    stop.cancel();
    let faults = match saboteur {
        Some(saboteur) => saboteur.await.expect("the saboteur"),
        None => 0,
    };
    played.map_err(|_| format!("after {PLAY_MAX:?} some writer still waits for an answer"))?;
    for writer in last {
        let cfg = stage.server.clone();
        let dump = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(8)).await;
            let c = connect(&cfg).await.unwrap();
            for row in c.query("select a.pid, a.application_name, a.state, coalesce(a.wait_event,''), left(a.query,60), coalesce((select string_agg(l.granted::text, ',') from pg_locks l where l.pid=a.pid and l.locktype='advisory'),''), (now()-a.state_change)::text from pg_stat_activity a where datname=current_database() order by pid", &[]).await.unwrap() {
                let g=|i:usize| row.get::<_,String>(i);
                println!("D {} {} {} {} {} {} {}", row.get::<_,i32>(0), g(1),g(2),g(3),g(4),g(5),g(6));
            }
        });
        let served = tokio::time::timeout(SERVED_WITHIN, writer.run(3)).await;
        dump.abort();
        served.map_err(|_| format!("{SERVED_WITHIN:?} after the last fault nobody is served"))?;
    }
    stage.settle(faults).await
}
