//! Writers of a history in a process of their own, to be killed. Told what to do by its one
//! argument, in JSON; prints its notes, a line each: before what it tries, and once it is told.
#![expect(clippy::expect_used, reason = "a writer that cannot write ends")]

use std::io::Write;
use std::sync::Arc;

use harness::writer::{Journal, Part};

#[tokio::main]
async fn main() {
    let part = std::env::args().nth(1).expect("a part, in JSON");
    let part: Part = serde_json::from_str(&part).expect("a part");
    let journal: Journal = Arc::new(|writer, note| {
        let mut line = serde_json::to_vec(&(writer, note)).expect("a note in JSON");
        line.push(b'\n');
        // In one piece and at once: what was written outlives this process.
        let mut out = std::io::stdout().lock();
        out.write_all(&line).and_then(|()| out.flush()).expect("somebody who listens");
    });
    part.begin(journal).await.expect("a log").play().await;
}
