//! `serve --demo`: sees to the demo before anybody is served, and says what to try with it. What is
//! in it stands in `crate::demo`.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::super::Failure;
use super::super::parts::Parts;
use crate::app::Clock;
use crate::demo::guide::Guide;
use crate::demo::{self, Filled};

/// How long the read models may take to show what was filled.
const SHOWN_WAIT_MAX: Duration = Duration::from_secs(60);

/// What the printed commands have to name.
pub(in crate::verbs) fn guide(data: &Path, config: Option<&Path>) -> Result<Guide, Failure> {
    let failed = |error: std::io::Error| Failure::work(&error);
    Ok(Guide {
        directory: std::env::current_dir().map_err(failed)?,
        program: std::env::current_exe().map_err(failed)?,
        data: data.to_owned(),
        config: config.map(Path::to_owned),
    })
}

/// Fills what lacks of the demo, if a guide to it is wanted; the guide, if there is a demo then.
pub(super) async fn fill(
    guide: Option<Guide>,
    parts: &Parts,
    clock: &Clock,
    stop: &CancellationToken,
) -> Result<Option<Guide>, Failure> {
    let Some(guide) = guide else { return Ok(None) };
    let filled = tokio::select! {
        filled = filled(parts, clock) => filled?,
        () = stop.cancelled() => false,
    };
    Ok(filled.then_some(guide))
}

/// Says what to try.
#[expect(clippy::print_stderr, reason = "the address alone goes to stdout")]
pub(super) fn tell(guide: &Guide, url: &str) {
    eprint!("{}", guide.text(url));
}

async fn filled(parts: &Parts, clock: &Clock) -> Result<bool, Failure> {
    let (started, progress) = (Instant::now(), progress());
    let filled = demo::fill(&parts.log, &parts.executor, clock(), &progress).await;
    progress.finish_and_clear();
    match filled {
        Ok(Filled::Now) => {
            shown(parts).await;
            let seconds = started.elapsed().as_secs_f64();
            tracing::info!("the demo was filled in {seconds:.1} s");
            Ok(true)
        }
        Ok(Filled::Before) => Ok(true),
        Ok(Filled::Occupied) => {
            tracing::warn!(
                "there is other data and no demo here, and none is made: for the demo, start with \
                 an empty database, such as that of another data directory (`--data`)"
            );
            Ok(false)
        }
        Err(error) if error.is_refused() => {
            tracing::warn!("{error}; the demo stays as it is, for its data was changed");
            Ok(true)
        }
        Err(error) => Err(Failure::work(&format!("{error}; start again, and it goes on"))),
    }
}

/// Shown on a terminal alone.
fn progress() -> ProgressBar {
    let template = "filling the demo {bar:40} {pos} of {len} commands";
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::no_length();
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Waits until everything that was filled can be read.
async fn shown(parts: &Parts) {
    let watermarks = parts.reader.watermarks();
    let names: Vec<_> = watermarks.all().map(|(name, _)| name).collect();
    if let Err(pending) = watermarks.wait(&names, parts.log.known_head(), SHOWN_WAIT_MAX).await {
        tracing::warn!(%pending, "not all of the demo can be read yet");
    }
}
