//! What all histories share: processes behind proxies, followers, somebody who does harm; and, once
//! everybody has finished, what must hold of any log.

use std::sync::Arc;
use std::time::Duration;

use events::log::{Log, LogId, LogLimits, RawFact, connect};
use harness::{Dice, Proxy};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::Config;
use tokio_util::sync::CancellationToken;

use super::faults::{Target, sabotage};
use super::followers::follow;
use super::scene::Scene;
use crate::log::{chain, everything, whole};

/// How long everybody may take in all.
const PLAY_MAX: Duration = Duration::from_secs(40);
/// How soon somebody is answered once no more harm is done.
const SERVED_WITHIN: Duration = Duration::from_secs(30);
/// So long after a client is gone a server ends its session, as TCP's keepalives make it do.
const NOTICED_AFTER: Duration = Duration::from_secs(2);

/// What a history is played with.
pub(super) struct Stage {
    pub(super) dice: Dice,
    pub(super) scene: Arc<Scene>,
    /// One before each process.
    pub(super) proxies: Vec<Arc<Proxy>>,
    /// Nothing is done to anybody.
    pub(super) calm: bool,
    last: watch::Sender<Option<i64>>,
    followers: Vec<JoinHandle<Vec<RawFact>>>,
}

impl Stage {
    /// Sets a history up: two or three proxies, and two followers.
    pub(super) async fn set(seed: u64, scene: Arc<Scene>) -> Self {
        let (mut dice, server) = (Dice::of(seed), scene.address());
        let mut proxies = Vec::new();
        for _ in 0..dice.between(2, 3) {
            let proxy = Proxy::before(server).await;
            proxy.noticed_after(NOTICED_AFTER);
            proxies.push(Arc::new(proxy));
        }
        let (calm, last) = (dice.chance(8), watch::Sender::new(None));
        let mut followers = Vec::new();
        for address in [server.clone(), proxies[0].config()] {
            let page = dice.pick(&[1, 7, 500]);
            let log = log(&address).await;
            followers.push(tokio::spawn(follow(log, page, last.subscribe())));
        }
        Self { dice, scene, proxies, calm, last, followers }
    }

    /// Lets everybody play while somebody does harm; how often.
    pub(super) async fn play(
        &mut self,
        everybody: impl Future<Output = ()>,
    ) -> Result<usize, String> {
        let stop = CancellationToken::new();
        let saboteur = (!self.calm).then(|| {
            let (proxies, scene) = (self.proxies.clone(), self.scene.clone());
            let target = Target { proxies, scene };
            tokio::spawn(sabotage(self.dice.others(), target, stop.clone()))
        });
        let played = tokio::time::timeout(PLAY_MAX, everybody).await;
        stop.cancel();
        let faults = match saboteur {
            Some(saboteur) => saboteur.await.map_err(|error| format!("the saboteur: {error}"))?,
            None => 0,
        };
        played.map_err(|_| format!("after {PLAY_MAX:?} somebody still waits for an answer"))?;
        Ok(faults)
    }

    /// Waits for what has to be answered, now that no more harm is done.
    pub(super) async fn soon<T>(&self, served: impl Future<Output = T>) -> Result<T, String> {
        match tokio::time::timeout(SERVED_WITHIN, served).await {
            Ok(answer) => Ok(answer),
            Err(_) => {
                let sessions = self.scene.sessions().await.join("\n");
                Err(format!("{SERVED_WITHIN:?} after the last fault nobody is served:\n{sessions}"))
            }
        }
    }

    /// The last position.
    pub(super) async fn head(&self) -> i64 {
        log(self.scene.address()).await.head().await.expect("the head of the log").0
    }

    /// Everything in the log, of which everything holds that must hold of any log.
    pub(super) async fn close(self) -> Result<Vec<RawFact>, String> {
        let facts = everything(&log(self.scene.address()).await).await;
        whole(&facts);
        self.last.send_replace(Some(facts.len() as i64));
        for follower in self.followers {
            let seen = follower.await.map_err(|error| format!("a follower: {error}"))?;
            if seen != facts {
                let differs = seen.iter().zip(&facts).position(|(seen, fact)| seen != fact);
                let (now, more) = (
                    log(self.scene.address()).await.head().await.map_or(-1, |head| head.0),
                    seen.get(facts.len()..),
                );
                let (seen, there) = (seen.len(), facts.len());
                return Err(format!(
                    "a follower saw {seen} of {there}, other at {differs:?}; now the log ends at \
                     {now}; beyond: {more:?}"
                ));
            }
        }
        let client = connect(self.scene.address()).await.map_err(|error| error.to_string())?;
        if let (batches, Some(broken)) = chain::check(&client).await {
            return Err(format!("of {batches} batches the one at {broken} breaks the chain"));
        }
        Ok(facts)
    }
}

/// A handle that looks often.
async fn log(address: &Config) -> Log {
    let poll_interval = Duration::from_millis(100);
    let limits = LogLimits { poll_interval, ..LogLimits::default() };
    Log::open(address, LogId::default(), limits).await.expect("opening the log")
}
