//! Who waits for new facts is woken here: those of this process directly, those of others by a
//! coalesced NOTIFY on a connection of its own. A lost wake-up costs a poll, never a fact.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio_postgres::{Client, Config};

use super::LogId;
use super::connection::{Heard, listen};
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
) {
    let mut told = Position(0);
    while head.strong_count() > 0 {
        if let Err(error) = session(&config, id, &head, poll, &mut told).await {
            tracing::debug!(%error, "wake-ups between processes are cut off; polling goes on");
        }
        tokio::time::sleep(poll).await;
    }
}

async fn session(
    config: &Config,
    id: LogId,
    head: &Weak<watch::Sender<Position>>,
    poll: Duration,
    told: &mut Position,
) -> Result<(), tokio_postgres::Error> {
    let heard_head = head.clone();
    let heard: Heard = Arc::new(move |payload| {
        if let (Ok(position), Some(head)) = (payload.parse(), heard_head.upgrade()) {
            advance(&head, Position(position));
        }
    });
    let client = listen(config, heard).await?;
    let channel = format!("millrace_log_{}", id.0);
    client
        .batch_execute(&format!("set application_name = 'millrace wake'; listen {channel}"))
        .await?;
    let Some(mut watched) = head.upgrade().map(|head| head.subscribe()) else {
        return Ok(());
    };
    // What was told before this connection listened.
    let row = client.query_one(include_str!("sql/head.sql"), &[]).await?;
    if let Some(head) = head.upgrade() {
        advance(&head, Position(row.get("position")));
    }
    while !client.is_closed() {
        let position = *watched.borrow_and_update();
        if position > *told {
            notify(&client, &channel, position).await?;
            *told = position;
        }
        // A time-out looks whether the connection still lives.
        if let Ok(Err(_)) = tokio::time::timeout(poll, watched.changed()).await {
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
