//! Somebody who does to connections and sessions whatever may happen to them.

use std::sync::Arc;
use std::time::Duration;

use events::log::connect;
use harness::proxy::{Fate, Moment};
use harness::{Dice, Proxy};
use tokio_postgres::Config;
use tokio_util::sync::CancellationToken;

use super::scene::Scene;
use crate::log::TAIL_LOCK;

/// One appender's session.
const APPENDER: &str = "(select pid from pg_stat_activity where datname = current_database() \
    and application_name = 'millrace appender' order by pid offset";

/// What harm is done to.
pub(super) struct Target {
    pub(super) proxies: Vec<Arc<Proxy>>,
    pub(super) scene: Arc<Scene>,
}

/// Does harm so many times, unless it is stopped before; how often.
pub(super) async fn sabotage(mut dice: Dice, target: Target, stop: CancellationToken) -> usize {
    let (mut faults, most) = (0, dice.between(5, 30) as usize);
    let crashes = [dice.below(most), dice.below(most)];
    while faults < most && !stop.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(dice.between(2, 40))).await;
        if !crashes.contains(&faults) || !target.scene.crash(&mut dice).await {
            harm(&mut dice, &target).await;
        }
        faults += 1;
    }
    for proxy in &target.proxies {
        proxy.relent();
    }
    faults
}

async fn harm(dice: &mut Dice, target: &Target) {
    let (proxy, server) =
        (&target.proxies[dice.below(target.proxies.len())], target.scene.address());
    match dice.below(100) {
        0..35 => {
            let moment = match dice.below(4) {
                0 => Moment::Before,
                1 => Moment::During(dice.below(100)),
                _ => Moment::After,
            };
            let fates = [Fate::Close, Fate::Close, Fate::Reset, Fate::Desert, Fate::Silence];
            proxy.strike(moment, dice.pick(&fates));
        }
        35..50 => proxy.cut(dice.pick(&[Fate::Close, Fate::Reset, Fate::Desert])),
        50..58 => {
            proxy.delay(Duration::from_micros(dice.between(200, 8_000)));
            tokio::time::sleep(Duration::from_millis(dice.between(5, 40))).await;
            proxy.delay(Duration::ZERO);
        }
        58..68 => {
            let which = dice.below(4);
            query(server, &format!("select pg_terminate_backend{APPENDER} {which} limit 1)")).await;
        }
        68..75 => {
            let which = dice.below(4);
            query(server, &format!("select pg_cancel_backend{APPENDER} {which} limit 1)")).await;
        }
        _ => {
            // What is sent meanwhile waits, and may lose its connection while it does.
            let held = dice.between(5, 60);
            let hold = format!("select {TAIL_LOCK}; select pg_sleep({})", held as f64 / 1_000.0);
            let (sever, fate) = (dice.chance(60), dice.pick(&[Fate::Desert, Fate::Reset]));
            let severed = async {
                tokio::time::sleep(Duration::from_millis(held * 2 / 3)).await;
                if sever {
                    proxy.cut(fate);
                }
            };
            tokio::join!(query(server, &hold), severed);
        }
    }
}

/// Says something to a server that may be away.
async fn query(server: &Config, query: &str) {
    if let Ok(client) = connect(server).await {
        drop(client.batch_execute(query).await);
    }
}
