//! How the program itself is, for a page that somebody who runs it watches: every second, if
//! anything is another than before.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::{Context, SimpleObject, Subscription};
use events::access::SYSTEM_READ;
use events::words::Position;
use futures_util::Stream;
use queries::QueryError;
use queries::position::encode;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::caller::of;
use super::pushed::{ItemKey, Items, items, pushed};
use crate::app::App;
use crate::error::ApiError;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A lag of more seconds than these is shown as so many.
const LAG_SECONDS_MAX: usize = 3_600;

/// What somebody who runs it watches.
#[derive(Default)]
pub struct OperationSubscriptions;

#[Subscription]
impl OperationSubscriptions {
    /// How far each read model is behind the log: at once, and then whenever that changes.
    async fn projection_lag(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<impl Stream<Item = Arc<Vec<ProjectionLag>>> + use<>> {
        let mut heads = Heads::default();
        let open = async { watched(ctx, move |app| lags(app, &mut heads)) };
        pushed::<Vec<ProjectionLag>>(ctx, open).await
    }

    /// How this process is: at once, and then whenever that changes.
    async fn system_status(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<impl Stream<Item = Arc<SystemStatus>> + use<>> {
        pushed::<SystemStatus>(ctx, async { watched(ctx, status) }).await
    }
}

/// How far a read model is behind the log.
#[derive(Debug, Clone, PartialEq, SimpleObject)]
pub struct ProjectionLag {
    /// The read model.
    projection: String,
    /// It holds everything up to here; null while that is not known.
    position: Option<String>,
    /// How many facts of the log it does not hold yet.
    behind: i64,
    /// For how many seconds it has been behind.
    seconds: i32,
    /// Why it stands still; null if it does not.
    stopped: Option<String>,
}

/// How a process of Millrace is.
#[derive(Debug, Clone, PartialEq, SimpleObject)]
pub struct SystemStatus {
    /// The version of the program.
    version: String,
    /// How many facts the log has, as far as this process knows.
    facts: i64,
    /// The position of the last one.
    position: String,
    /// WebSockets and event streams that are open.
    connections: i64,
    /// Subscriptions that are open.
    subscriptions: i64,
    /// Messages that were pushed since the program began.
    pushed: i64,
}

/// What somebody may watch who runs the program: looked at every second.
fn watched<T: Clone + PartialEq + Send + Sync + 'static>(
    ctx: &Context<'_>,
    mut look: impl FnMut(&App) -> T + Send + 'static,
) -> Result<Items, ApiError> {
    let (_, caller) = of(ctx)?;
    if !caller.actor.may(SYSTEM_READ) {
        return Err(QueryError::Denied(SYSTEM_READ).into());
    }
    let app = ctx.data_unchecked::<Arc<App>>().clone();
    Ok(items(async_stream::try_stream! {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = None;
        loop {
            ticks.tick().await;
            let found = look(&app);
            if last.as_ref() != Some(&found) {
                last = Some(found.clone());
                let at = i64::try_from(app.live.uptime().as_secs()).unwrap_or(i64::MAX);
                yield (ItemKey { kind: 0, id: Uuid::nil(), at }, found);
            }
        }
    }))
}

/// How long the log was, second by second.
#[derive(Default)]
struct Heads(VecDeque<(Instant, Position)>);

impl Heads {
    fn note(&mut self, now: Instant, head: Position) {
        if self.0.back().is_none_or(|(_, last)| *last < head) {
            self.0.push_back((now, head));
        }
        while self.0.len() > LAG_SECONDS_MAX {
            self.0.pop_front();
        }
    }

    /// Since when the log has been longer than this.
    fn behind_since(&self, reached: Position) -> Option<Instant> {
        self.0.iter().find(|(_, head)| *head > reached).map(|(then, _)| *then)
    }
}

fn lags(app: &App, heads: &mut Heads) -> Vec<ProjectionLag> {
    let (now, head) = (Instant::now(), app.log.known_head());
    heads.note(now, head);
    let marks: HashMap<_, _> = app.reader.watermarks().all().collect();
    let mut all: Vec<_> = marks
        .into_iter()
        .map(|(projection, mark)| {
            let since = heads.behind_since(mark.reached).filter(|_| mark.known);
            let seconds = since.map_or(0, |since| now.duration_since(since).as_secs());
            ProjectionLag {
                projection: projection.to_owned(),
                position: mark.known.then(|| encode(mark.reached)),
                behind: (head.0 - mark.reached.0).max(0),
                seconds: i32::try_from(seconds).unwrap_or(i32::MAX),
                stopped: mark.stopped,
            }
        })
        .collect();
    all.sort_by(|a, b| a.projection.cmp(&b.projection));
    all
}

fn status(app: &App) -> SystemStatus {
    let (head, open) = (app.log.known_head(), app.live.open());
    SystemStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        facts: head.0,
        position: encode(head),
        connections: open.connections,
        subscriptions: open.subscriptions,
        pushed: open.pushed,
    }
}
