//! Claims about any history: whatever is done to connections, sessions, servers and writers, what
//! was acknowledged is there once, what was refused is not, and nothing is there in part. Histories
//! are random; the seed of one decides what is tried and what is done to whom, not which of two
//! things that happen at once comes first.

mod audit;
mod books;
mod clerks;
mod faults;
mod followers;
mod ledger;
mod offices;
mod play;
mod scene;
mod tally;
mod writers;

use std::cell::Cell;
use std::sync::Arc;

use futures_util::future::join_all;
use harness::Seeds;
use scene::Scene;
use tally::Tally;

/// Plays so many histories, so many at once, each on an empty log; what happened in all of them.
#[expect(clippy::print_stdout, reason = "for whoever asks how much was tried")]
fn histories<F>(
    (count, at_once): (u64, usize),
    scene: impl AsyncFn() -> Scene,
    play: impl Fn(u64, Arc<Scene>) -> F,
) -> Tally
where
    F: Future<Output = Result<Tally, String>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let (seeds, played) = (Seeds::of(count), Cell::new(0));
    let next = || {
        let more = seeds.more(played.get()).then(|| seeds.first + played.get());
        played.set(played.get() + 1);
        more
    };
    let tallies = runtime.expect("a runtime").block_on(join_all((0..at_once).map(async |_| {
        let (mut tally, mut place) = (Tally::default(), None);
        while let Some(seed) = next() {
            let scene = match &mut place {
                Some(scene) => scene,
                None => place.insert(Arc::new(scene().await)),
            };
            match tokio::spawn(play(seed, scene.clone())).await {
                Ok(Ok(one)) => tally = tally + one,
                Ok(Err(flaw)) => failed(seed, &flaw),
                Err(panic) => failed(seed, &panic.to_string()),
            }
            scene.clear().await;
        }
        if let Some(scene) = place.and_then(Arc::into_inner) {
            scene.leave().await;
        }
        tally
    })));
    let tally = tallies.into_iter().fold(Tally::default(), |all, one| all + one);
    println!("{tally:?}");
    tally
}

/// Says how to see it again.
fn failed(seed: u64, flaw: &str) -> ! {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    panic!(
        "the history of seed {seed}: {flaw}\n\
         again: MILLRACE_SEED={seed} MILLRACE_HISTORIES=1 cargo nextest run -p tests {name}"
    );
}

/// Fails if little was tried in the histories that are played by default.
#[track_caller]
fn tried(tally: Tally, enough: bool) {
    let stated = ["MILLRACE_HISTORIES", "MILLRACE_SECONDS"].map(std::env::var_os);
    let often = |count| count > tally.histories;
    let enough = enough && often(tally.appended / 20) && often(tally.refused);
    let enough = enough && often(tally.faults) && tally.repeated > 0;
    assert!(enough || stated.iter().any(Option::is_some), "little was tried: {tally:?}");
}

#[test]
fn whatever_happens_to_connections_everybody_was_told_the_truth() {
    let tally = histories((100, 8), Scene::shared, writers::here);
    tried(tally, tally.unfounded > 0 && tally.unanswered > 0);
}

#[test]
fn whatever_happens_to_processes_everybody_was_told_the_truth() {
    let tally = histories((35, 4), Scene::shared, writers::elsewhere);
    tried(tally, tally.unfounded > 0 && tally.unanswered > 0);
}

#[test]
fn whatever_happens_to_postgresql_everybody_was_told_the_truth() {
    let play = async |seed: u64, scene| match seed % 3 {
        0 => writers::here(seed, scene).await,
        1 => writers::elsewhere(seed, scene).await,
        _ => offices::trade(seed, scene).await,
    };
    let tally = histories((20, 2), Scene::perilous, play);
    tried(tally, tally.unfounded > 0 && tally.unanswered > 0);
}

#[test]
fn whatever_happens_to_executors_everybody_was_told_the_truth() {
    let tally = histories((50, 4), Scene::shared, offices::trade);
    tried(tally, true);
}
