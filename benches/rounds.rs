//! Rates and latencies of rounds, ours and the baseline's by turns: a machine that is slower for a
//! while is so for both. What is measured is the rows' business.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What one round did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Round {
    /// How many a second.
    pub per_second: f64,
    /// How long the half, and all but a hundredth, took at most.
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Round {
    /// Of the seconds that each took, and of how many there were in all.
    pub fn of(mut seconds: Vec<f64>, count: usize, elapsed: Duration) -> Self {
        assert!(!seconds.is_empty(), "nothing was done in {elapsed:?}");
        seconds.sort_by(f64::total_cmp);
        let at = |share: f64| seconds[((seconds.len() - 1) as f64 * share) as usize] * 1_000.0;
        let per_second = count as f64 / elapsed.as_secs_f64();
        Self { per_second, p50_ms: at(0.50), p99_ms: at(0.99) }
    }
}

/// Rounds of ours, each beside one of the baseline.
#[derive(Debug, Default)]
pub struct Rounds {
    pub ours: Vec<Round>,
    /// The baseline's rates; empty, if there is none.
    pub baseline: Vec<f64>,
}

impl Rounds {
    /// The median of our rates.
    pub fn per_second(&self) -> f64 {
        median(self.ours.iter().map(|round| round.per_second))
    }

    /// The median of the baseline's rates.
    pub fn baseline_per_second(&self) -> Option<f64> {
        (!self.baseline.is_empty()).then(|| median(self.baseline.iter().copied()))
    }

    /// Ours to the baseline, round by round, the lowest first.
    pub fn ratios(&self) -> Vec<f64> {
        let pairs = self.ours.iter().zip(&self.baseline);
        let mut ratios: Vec<f64> = pairs.map(|(ours, theirs)| ours.per_second / theirs).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    /// Latencies, and what else a reader may want to know.
    pub fn details(&self) -> Map<String, Value> {
        let details = json!({
            "p50_ms": rounded(median(self.ours.iter().map(|round| round.p50_ms))),
            "p99_ms": rounded(median(self.ours.iter().map(|round| round.p99_ms))),
            "rounds": self.ours.len(),
        });
        details.as_object().cloned().unwrap_or_default()
    }
}

/// The one in the middle; of an even number, the mean of the two.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

/// With as many digits as can be meant.
pub fn rounded(value: f64) -> f64 {
    let digits = if value.abs() < 100.0 { 1_000.0 } else { 1.0 };
    (value * digits).round() / digits
}
