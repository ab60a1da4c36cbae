//! What other processes' workers have written: told by a NOTIFY, looked up in the database, and
//! looked up now and then anyway, for a lost wake-up may cost time only.

use std::sync::Arc;
use std::time::Duration;

use events::log::listening;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_util::sync::CancellationToken;

use super::Watermarks;
use crate::sinks::leases::{self, ROWS_CHANNEL};

/// How long a server may say nothing to a look.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Keeps watermarks up to what the database holds, until told to stop.
pub async fn follow(
    config: Config,
    watermarks: Watermarks,
    poll: Duration,
    stop: CancellationToken,
) {
    loop {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = session(&config, &watermarks, poll) => ended,
        };
        if let Err(reason) = ended {
            tracing::warn!(reason, "how far the read models are is not known; trying again");
        }
        // A server that crashed has lost what it had not written yet.
        watermarks.forget();
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(poll.min(Duration::from_millis(200))) => {}
        }
    }
}

async fn session(config: &Config, watermarks: &Watermarks, poll: Duration) -> Result<(), String> {
    let (news, ended) = (Arc::new(Notify::new()), CancellationToken::new());
    let (told, end) = (news.clone(), ended.clone());
    let heard = move |_: &str| told.notify_one();
    let client = listening(config, ROWS_CHANNEL, heard, move || end.cancel()).await;
    let client = client.map_err(|error| error.to_string())?;
    loop {
        let since = watermarks.since();
        let found = timeout(SILENCE_MAX, leases::reached(&client)).await;
        let found = found.map_err(|_| "the database says nothing".to_owned())?;
        for (projection, position) in found.map_err(|error| error.to_string())? {
            watermarks.advance(since, &projection, position);
        }
        tokio::select! {
            () = ended.cancelled() => return Err("the connection ended".to_owned()),
            () = news.notified() => {}
            () = tokio::time::sleep(poll) => {}
        }
    }
}
