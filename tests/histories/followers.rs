//! Somebody who follows the log while it is written, and begins again whenever that fails.

use std::pin::pin;
use std::time::Duration;

use events::log::{Log, RawFact};
use events::words::Position;
use futures_util::StreamExt;
use tokio::sync::watch;

/// How long a follower may stay behind once nothing happens any more.
const BEHIND_MAX: Duration = Duration::from_secs(20);

/// Follows by pages, until it has seen the last position, once that is known.
pub(super) async fn follow(
    log: Log,
    page: i64,
    mut last: watch::Receiver<Option<i64>>,
) -> Vec<RawFact> {
    let seen = std::sync::Mutex::new(Vec::new());
    let after = || seen.lock().unwrap().last().map_or(Position(0), |fact: &RawFact| fact.position);
    let following = async {
        loop {
            let mut pages = pin!(log.follow(after(), page));
            while let Some(Ok(facts)) = pages.next().await {
                seen.lock().unwrap().extend(facts.iter().cloned());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let over = async {
        let last = last.wait_for(Option::is_some).await.ok().and_then(|last| *last).unwrap_or(0);
        let deadline = tokio::time::Instant::now() + BEHIND_MAX;
        while after() < Position(last) && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        () = following => {}
        () = over => {}
    }
    seen.into_inner().unwrap()
}
