//! Logs and metrics: where spans and counters go. What they tell is said where it happens.

pub mod metrics;

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::ProgressBar;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use self::metrics::{Kind, METRICS, Metric};
use crate::config::{LogFormat, Logging};

/// Libraries that print what passes through them (tokens, parameters) below these levels: whatever
/// the filter says, secrets are never logged.
const DISCREET: [&str; 5] =
    ["tungstenite=info", "hyper=info", "tokio_postgres=info", "axum=info", "async_graphql=info"];

/// Logs to stderr from now on: for people on a terminal, JSON otherwise. A span is a line when it
/// closes, at debug: with its duration and the ids that join it to others.
///
/// # Errors
/// If the filter is none.
pub fn start_logging(settings: &Logging) -> Result<(), String> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| {
        format!("configuration `logging.filter`: `{}`: {error}", settings.filter)
    })?;
    let filter = DISCREET.iter().fold(filter, |filter, target| match target.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    });
    let text = match settings.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let spans = if settings.filter.contains("debug") || settings.filter.contains("trace") {
        FmtSpan::CLOSE
    } else {
        FmtSpan::NONE
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| AboveBar)
        .with_span_events(spans);
    let started = if text {
        builder.with_ansi(std::io::stderr().is_terminal()).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    started.map_err(|error| error.to_string())
}

/// The bar that stands on the terminal.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// From now on log lines go above this bar, which else they would tear apart.
pub fn log_above(bar: &ProgressBar) {
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
}

/// Stderr, above the bar if there is one.
struct AboveBar;

impl Write for AboveBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &*BAR.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(bar) => bar.suspend(|| io::stderr().write(bytes)),
            None => io::stderr().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// How often the samples of histograms are put into their buckets; until then each takes memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// Collects metrics from now on, as long as the runtime lives; the handle renders them. All but
/// those that are told apart by something are there from the beginning.
///
/// # Errors
/// If metrics are collected already.
pub fn start_metrics() -> Result<PrometheusHandle, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in METRICS {
        if let Kind::Histogram(buckets) = metric.kind {
            let name = Matcher::Full(metric.name.to_owned());
            builder = builder.set_buckets_for_metric(name, buckets.upper_ends())?;
        }
    }
    let handle = builder.install_recorder()?;
    METRICS.iter().for_each(describe);
    let kept = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            kept.run_upkeep();
        }
    });
    Ok(handle)
}

fn describe(metric: &Metric) {
    let &Metric { name, kind, label, help } = metric;
    match kind {
        Kind::Counter => ::metrics::describe_counter!(name, help),
        Kind::Gauge => ::metrics::describe_gauge!(name, help),
        Kind::Histogram(_) => ::metrics::describe_histogram!(name, help),
        Kind::Present => {}
    }
    match (label, kind) {
        (Some(_), _) | (None, Kind::Present) => {}
        (None, Kind::Counter) => ::metrics::counter!(name).absolute(0),
        (None, Kind::Gauge) => ::metrics::gauge!(name).set(0.0),
        (None, Kind::Histogram(_)) => drop(::metrics::histogram!(name)),
    }
}
