//! Claims about any history: whatever is done to connections, sessions, servers and writers, what
//! was acknowledged is there once, what was refused is not, and nothing is there in part. Histories
//! are random; the seed of one decides what is tried and what is done to whom, not which of two
//! things that happen at once comes first.

mod faults;
mod followers;
mod ledger;
mod play;
mod tally;

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use harness::TestDatabase;
use tally::Tally;

/// Histories that are under way at once: most of the time each waits for something.
const AT_ONCE: usize = 8;

/// Which histories are played. By default the same ones each time.
struct Seeds {
    /// `MILLRACE_SEED`: the seed of the first one; the others follow.
    first: u64,
    /// `MILLRACE_HISTORIES`: how many.
    count: u64,
    /// `MILLRACE_SECONDS`: so long, however many that are.
    until: Option<Instant>,
}

impl Seeds {
    fn of(count: u64) -> Self {
        let setting = |name: &str| {
            let text = std::env::var(name).ok()?;
            Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
        };
        let seconds = setting("MILLRACE_SECONDS").map(Duration::from_secs);
        Self {
            first: setting("MILLRACE_SEED").unwrap_or(1),
            count: setting("MILLRACE_HISTORIES").unwrap_or(count),
            until: seconds.map(|seconds| Instant::now() + seconds),
        }
    }

    /// Whether there is one more after so many.
    fn more(&self, played: u64) -> bool {
        self.until.map_or(played < self.count, |until| Instant::now() < until)
    }
}

/// Plays so many histories, each on an empty log; what happened in all of them.
fn histories<F>(count: u64, play: impl Fn(u64, Arc<TestDatabase>) -> F) -> Tally
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
    let tallies = runtime.expect("a runtime").block_on(join_all((0..AT_ONCE).map(async |_| {
        let (mut tally, mut database) = (Tally::default(), None);
        while let Some(seed) = next() {
            let place: &mut Arc<TestDatabase> = match &mut database {
                Some(database) => database,
                None => database.insert(Arc::new(TestDatabase::create().await)),
            };
            match tokio::spawn(play(seed, place.clone())).await {
                Ok(Ok(one)) => tally = tally + one,
                Ok(Err(flaw)) => failed(seed, &flaw),
                Err(panic) => failed(seed, &panic.to_string()),
            }
            place.wipe().await;
        }
        if let Some(database) = database.and_then(Arc::into_inner) {
            database.remove().await;
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

/// Fails if little was tried: `share` of the attempts a history.
#[track_caller]
fn tried(tally: Tally, appended: usize) {
    let enough = tally.appended >= appended * tally.histories && tally.conflicts > tally.histories;
    assert!(enough && tally.faults > tally.histories, "little was tried: {tally:?}");
}

#[test]
fn whatever_happens_to_connections_everybody_was_told_the_truth() {
    let tally = histories(100, play::play);
    tried(tally, 20);
    assert!(tally.repeated > 0 && tally.unfounded > 0 && tally.unanswered > 0, "{tally:?}");
}
