//! Folds read models afresh, up to where one says, into tables of their own: to look back, or to
//! compare. Nobody else carries these on.

use std::sync::{Arc, Mutex};

use events::log::{LogError, Selection, connect};
use events::personal::Vault;
use events::words::Position;
use futures_util::future::join_all;
use futures_util::{StreamExt, pin_mut};
use projections::sinks::builds::{self, Build};
use projections::sinks::sql::{Held, Projection};
use projections::watermarks::Watermarks;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::Config;
use tokio_util::sync::CancellationToken;

use crate::feed::{Page, Shared, Unit, Wanted};
use crate::membership::Teller;
use crate::projector::{ProjectorError, ProjectorLimits, read_skips};

/// Pages that are read ahead of who writes.
const PAGES_AHEAD: usize = 2;

/// What is folded.
pub struct Fold<'a> {
    /// The log, and the keys of persons.
    pub vault: &'a Vault,
    /// Where the tables are made.
    pub config: &'a Config,
    /// How much at once.
    pub limits: &'a ProjectorLimits,
}

/// A projection, and up to where each part of it is folded.
pub type Until<'a> = (&'a dyn Projection, Vec<Position>);

impl Fold<'_> {
    /// Folds projections, all in one go through the log; their tables, with indexes. `at` hears how
    /// far it is. Whoever gets them drops or publishes them; where it fails, they are dropped.
    ///
    /// # Errors
    /// If the log cannot be read, or a table not be written.
    pub async fn copies(
        &self,
        all: &[Until<'_>],
        at: &(dyn Fn(Position) + Sync),
    ) -> Result<Vec<Build>, ProjectorError> {
        let mut client = connect(self.config).await?;
        let mut made = Vec::new();
        let filled = self.fill(&mut client, all, &mut made, at).await;
        if filled.is_err() {
            // What cannot be dropped now goes after a day.
            let _ = builds::drop_copies(&mut client, &made).await;
        }
        filled.map(|()| made)
    }

    async fn fill(
        &self,
        client: &mut tokio_postgres::Client,
        all: &[Until<'_>],
        made: &mut Vec<Build>,
        at: &(dyn Fn(Position) + Sync),
    ) -> Result<(), ProjectorError> {
        let of = |projection: &dyn Projection, build: i64, error| {
            let projection = projection.name().to_owned();
            ProjectorError::Sink { projection, build, error }
        };
        let shared = self.shared().await?;
        let lost = CancellationToken::new();
        let mut units = Vec::with_capacity(all.len());
        for (projection, until) in all {
            let parts = i32::try_from(until.len()).unwrap_or(i32::MAX);
            let build = builds::copy(client, *projection, parts).await;
            let build = build.map_err(|error| of(*projection, 0, error))?;
            made.push(build.clone());
            let held = (0..parts).map(|part| Held { part, epoch: 0 }).collect();
            let line = (self.config, &lost);
            let unit = Unit::open(*projection, &build, held, &shared, line).await?;
            units.push((unit, until));
        }
        self.read(&mut units, at).await?;
        drop(units);
        for ((projection, _), build) in all.iter().zip(made.iter()) {
            let indexed = builds::index(client, *projection, build).await;
            indexed.map_err(|error| of(*projection, build.id, error))?;
        }
        Ok(())
    }

    /// Gives every unit its facts, up to where each of its parts ends.
    async fn read(
        &self,
        units: &mut [(Unit, &Vec<Position>)],
        at: &(dyn Fn(Position) + Sync),
    ) -> Result<(), ProjectorError> {
        let wanted = Wanted::by(units.iter().map(|(unit, _)| unit));
        let until = units.iter().flat_map(|(_, until)| until.iter()).max().copied();
        let until = until.unwrap_or_default();
        let (send, mut pages) = mpsc::channel(PAGES_AHEAD);
        let page_facts = self.limits.build_page_facts_max as usize;
        let reading = tokio::spawn(decode(self.vault.clone(), wanted, until, page_facts, send));
        let _ended = AbortOnDrop(reading);
        while let Some(page) = pages.recv().await {
            let page = page?;
            let applied = units.iter_mut().map(|(unit, until)| unit.apply_until(&page, until));
            for applied in join_all(applied).await {
                applied?;
            }
            at(page.last);
        }
        Ok(())
    }

    async fn shared(&self) -> Result<Shared, ProjectorError> {
        let watermarks = Watermarks::new([]);
        let since = watermarks.since();
        Ok(Shared {
            vault: self.vault.clone(),
            watermarks,
            limits: self.limits.clone(),
            since,
            teller: Teller::silent(),
            skips: read_skips(self.vault).await?,
            attempts: Arc::new(Mutex::default()),
        })
    }
}

/// Reads and decodes beside whoever writes, a little ahead.
async fn decode(
    vault: Vault,
    wanted: Wanted,
    until: Position,
    page_facts: usize,
    send: mpsc::Sender<Result<Page, LogError>>,
) {
    let selection = Selection { until: Some(until), ..Selection::default() };
    let pages = vault.log().read(selection, page_facts);
    pin_mut!(pages);
    while let Some(raw) = pages.next().await {
        let page = match raw {
            Ok(raw) => Page::of(&raw, &wanted, page_facts, &vault).await,
            Err(error) => Err(error),
        };
        let failed = page.is_err();
        if send.send(page).await.is_err() || failed {
            return;
        }
    }
}

/// A task that ends with whoever asked for it.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
