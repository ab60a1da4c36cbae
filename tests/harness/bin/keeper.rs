//! Keeps the tests' PostgreSQL running between test processes, and stops it when none has been
//! there for a while.
#![expect(clippy::expect_used, reason = "a keeper that cannot keep ends")]

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use gateway::postgres::Embedded;

const QUIET_SECONDS: u32 = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let data = PathBuf::from(std::env::args_os().nth(1).expect("the data directory"));
    let only = File::create(data.join("keeper.lock")).expect("the keeper's lock");
    if only.try_lock().is_err() {
        return;
    }
    let options = harness::cluster::options(&data);
    let embedded = Embedded::start(options).await.expect("the tests' PostgreSQL");
    let testers = File::create(harness::cluster::testers(&data)).expect("the testers' lock");
    let mut quiet = 0;
    while quiet < QUIET_SECONDS {
        tokio::time::sleep(Duration::from_secs(1)).await;
        quiet = if testers.try_lock().is_ok() { quiet + 1 } else { 0 };
        testers.unlock().expect("letting testers in");
    }
    embedded.stop().await.expect("stopping the tests' PostgreSQL");
}
