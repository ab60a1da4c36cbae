//! Who waits for new facts is woken here: those of this process directly, those of others by a
//! coalesced NOTIFY on a connection of its own. A lost wake-up costs a poll, never a fact.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_postgres::{Client, Config};

use super::LogId;
use super::connection::{Heard, Line};
use crate::words::Position;

/// Moves the head forward, never back, and wakes whoever watches it.
pub(super) fn advance(head: &watch::Sender<Position>, position: Position) {
    head.send_if_modified(|known| {
        let newer = position > *known;
        *known = position.max(*known);
        newer
    });
}

/// Tells other processes of this one's head, and this one of theirs, until the log is closed.
/// NOTIFY takes a lock of the whole instance at commit: never in the append's transaction.
pub(super) async fn run(
    config: Config,
    id: LogId,
    head: Weak<watch::Sender<Position>>,
    poll: Duration,
    silence_max: Duration,
) {
    let mut told = Position(0);
    while head.strong_count() > 0 {
        let ended = session(&config, id, &head, [poll, silence_max], &mut told).await;
        if let Err(error) = ended {
            tracing::debug!(%error, "wake-ups between processes are cut off; polling goes on");
        }
        tokio::time::sleep(poll).await;
    }
}

/// Why wake-ups ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Database(#[from] tokio_postgres::Error),
    #[error("the database has said nothing for too long")]
    Silent(#[from] Elapsed),
}

async fn session(
    config: &Config,
    id: LogId,
    head: &Weak<watch::Sender<Position>>,
    [poll, silence_max]: [Duration; 2],
    told: &mut Position,
) -> Result<(), Ended> {
    let heard_head = head.clone();
    let heard: Heard = Arc::new(move |payload| {
        if let (Ok(position), Some(head)) = (payload.parse(), heard_head.upgrade()) {
            advance(&head, Position(position));
        }
    });
    let line = timeout(silence_max, Line::open(config, heard)).await??;
    let client = &line.client;
    let channel = format!("millrace_log_{}", id.0);
    let listen = format!("set application_name = 'millrace wake'; listen {channel}");
    timeout(silence_max, client.batch_execute(&listen)).await??;
    let Some(mut watched) = head.upgrade().map(|head| head.subscribe()) else {
        return Ok(());
    };
    // What was told before this connection listened.
    let row = client.query_one(include_str!("sql/head.sql"), &[]);
    let row = timeout(silence_max, row).await??;
    if let Some(head) = head.upgrade() {
        advance(&head, Position(row.get("position")));
    }
    while !client.is_closed() {
        let position = *watched.borrow_and_update();
        if position > *told {
            timeout(silence_max, notify(client, &channel, position)).await??;
            *told = position;
        }
        // A time-out looks whether the connection still lives.
        if let Ok(Err(_)) = timeout(poll, watched.changed()).await {
            break;
        }
    }
    Ok(())
}

async fn notify(
    client: &Client,
    channel: &str,
    position: Position,
) -> Result<(), tokio_postgres::Error> {
    let payload = position.to_string();
    client.execute(include_str!("sql/notify.sql"), &[&channel, &payload]).await?;
    Ok(())
}
