//! How far a long piece of work is, for whoever waits: a bar on a terminal, a log line every few
//! seconds elsewhere. What the work is is its verb's business.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::telemetry;

/// How often a line is logged where there is no terminal.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Tells how far the work is; clones tell of the same one.
#[derive(Clone)]
pub struct Progress(Arc<Inner>);

struct Inner {
    /// What is done, as the log lines say it.
    doing: &'static str,
    bar: ProgressBar,
    on_terminal: bool,
    told: Mutex<Told>,
}

struct Told {
    stage: &'static str,
    since: Instant,
    at: Instant,
}

/// The stage, the bar, how much of how much, the rate, how long it will still take.
const BAR: &str = "{msg:>22} {elapsed} {wide_bar} {human_pos}/{human_len} {rate} {eta} left";

impl Progress {
    /// On stderr, if that is a terminal; else in the log.
    #[must_use]
    pub fn start(doing: &'static str) -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        let target = match on_terminal {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        bar.set_style(style());
        if on_terminal {
            telemetry::log_above(&bar);
        }
        let now = Instant::now();
        let told = Mutex::new(Told { stage: "", since: now, at: now });
        Self(Arc::new(Inner { doing, bar, on_terminal, told }))
    }

    /// A stage begins, of so much.
    pub fn begin(&self, stage: &'static str, total: u64) {
        let bar = &self.0.bar;
        bar.set_length(total);
        bar.set_message(stage);
        bar.reset();
        let now = Instant::now();
        *self.0.told.lock().unwrap_or_else(PoisonError::into_inner) =
            Told { stage, since: now, at: now };
        if !self.0.on_terminal {
            tracing::info!(stage, total, "{}", self.0.doing);
        }
    }

    /// So much of the stage is done.
    pub fn at(&self, done: u64) {
        self.0.bar.set_position(done);
        self.tell();
    }

    /// So much more of the stage is done.
    pub fn add(&self, more: u64) {
        self.0.bar.inc(more);
        self.tell();
    }

    /// Nothing more is told.
    pub fn end(&self) {
        self.0.bar.finish_and_clear();
    }

    fn tell(&self) {
        // Whoever finds it locked leaves it to the other.
        let Ok(mut told) = self.0.told.try_lock() else { return };
        if self.0.on_terminal || told.at.elapsed() < TOLD_EVERY {
            return;
        }
        told.at = Instant::now();
        let (done, total) = (self.0.bar.position(), self.0.bar.length().unwrap_or_default());
        let per_second = done as f64 / told.since.elapsed().as_secs_f64();
        let left_seconds = total.saturating_sub(done) as f64 / per_second.max(1e-9);
        let (per_second, left_seconds) = (per_second.round(), left_seconds.round());
        let (stage, doing) = (told.stage, self.0.doing);
        tracing::info!(stage, done, total, per_second, left_seconds, "{doing}");
    }
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template(BAR);
    let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        // What cannot be written is not shown.
        let _ = write!(text, "{}/s", HumanCount(state.per_sec() as u64));
    };
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("rate", rate)
}
