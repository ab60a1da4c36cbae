//! Reads facts once for several builds and gives each its own: live ones as they come, builds
//! that are being filled by the thousand. What they make of them is theirs; who feeds which is
//! decided in `projector`.

mod page;
mod unit;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use events::personal::Vault;
use futures_util::future::join_all;
use futures_util::{StreamExt, pin_mut};
use projections::sinks::builds::Build;
use projections::skips::Skips;
use projections::watermarks::{Since, Watermarks};

use crate::membership::Teller;
use crate::projector::{ProjectorError, ProjectorLimits};
pub(crate) use page::{Page, Wanted};
pub(crate) use unit::Unit;

/// How long a projection may be ahead of its stored checkpoint where no fact was its own: other
/// processes know it by that.
pub(crate) const UNSTORED_WAIT_MAX: Duration = Duration::from_secs(1);

/// What all feeds of a session share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) vault: Vault,
    pub(crate) watermarks: Watermarks,
    pub(crate) limits: ProjectorLimits,
    pub(crate) since: Since,
    pub(crate) teller: Teller,
    pub(crate) skips: Skips,
    /// By build: how often what comes next for it was refused.
    pub(crate) attempts: Arc<Mutex<HashMap<i64, u32>>>,
}

impl Shared {
    /// Whether a build has been refused so often that facts are tried one by one.
    pub(crate) fn is_to_isolate(&self, build: i64) -> bool {
        let attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.get(&build).is_some_and(|attempts| *attempts >= self.limits.attempts_max)
    }

    /// A build took in what came next for it.
    fn took(&self, build: &Build) {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if attempts.remove(&build.id).is_some() {
            self.watermarks.resume(&build.name);
            let projection = build.name.clone();
            metrics::gauge!("millrace_projection_stopped", "projection" => projection).set(0.0);
        }
    }
}

/// Gives every unit its facts, page by page, until something fails.
pub(crate) async fn feed(
    shared: &Shared,
    mut units: Vec<Unit>,
    page_facts: u32,
) -> Result<(), ProjectorError> {
    let Some(from) = units.iter().map(Unit::reached).min() else {
        return std::future::pending().await;
    };
    let wanted = Wanted::by(units.iter());
    let raw = shared.vault.log().follow(from, page_facts.into());
    let full = page_facts as usize;
    let pages = raw.then(|raw| async { Page::of(&raw?, &wanted, full, &shared.vault).await });
    pin_mut!(pages);
    let mut next = pages.next().await;
    while let Some(page) = next {
        let page = page?;
        let (applied, ahead) = {
            let applied = join_all(units.iter_mut().map(|unit| unit.apply(&page, shared)));
            tokio::pin!(applied);
            let mut ahead = None;
            loop {
                tokio::select! {
                    applied = &mut applied => break (applied, ahead),
                    // Where the end of the log is near, the next page is read once this one is
                    // done: it is larger then, and large ones cost less.
                    page = pages.next(), if page.full && ahead.is_none() => ahead = Some(page),
                }
            }
        };
        for (result, unit) in applied.into_iter().zip(&units) {
            result.map_err(|error| error.of(&unit.build))?;
            shared.took(&unit.build);
        }
        // What this process announces does not count any more: it learns anew where it stands.
        if shared.watermarks.since() != shared.since {
            return Err(ProjectorError::Lost);
        }
        next = match ahead {
            Some(page) => page,
            None => loop {
                match tokio::time::timeout(UNSTORED_WAIT_MAX, pages.next()).await {
                    Ok(page) => break page,
                    Err(_) => store(&mut units, shared).await?,
                }
            },
        };
    }
    Ok(())
}

/// Stores the checkpoints of the builds that are ahead of theirs.
async fn store(units: &mut [Unit], shared: &Shared) -> Result<(), ProjectorError> {
    for unit in units {
        unit.store(shared).await.map_err(|error| error.of(&unit.build))?;
    }
    Ok(())
}

/// The features whose facts any of these units takes, beside what is decided about parked facts.
fn features<'a>(units: impl Iterator<Item = &'a Unit>) -> HashSet<&'static str> {
    units.flat_map(|unit| unit.features).copied().collect()
}
