//! The results as JSON and as a table.

use harness::cluster::target;
use serde_json::{Map, Value, json};

use crate::machine::Machine;
use crate::rounds::{Rounds, rounded};

/// What a row has to reach.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// So many times the baseline, or more.
    Times(f64),
    /// So many of the unit, or more.
    AtLeast(f64),
    /// So many of the unit, or less.
    AtMost(f64),
    /// So many of the unit, each time.
    Exactly(f64),
    /// Nothing: what it costs is reported.
    Reported,
}

/// A row of the results.
#[derive(Debug)]
pub struct Row {
    pub name: &'static str,
    pub what: String,
    pub ours: f64,
    /// What is compared with, and what it did.
    pub baseline: Option<(String, f64)>,
    pub unit: &'static str,
    /// Ours to the baseline: the median, the lowest, the highest.
    pub ratio: Option<[f64; 3]>,
    pub goal: Goal,
    /// Whether whatever else the goal asks for holds too.
    pub holds: bool,
    pub details: Map<String, Value>,
}

impl Row {
    /// Of rounds, beside a baseline that is described.
    pub fn of(
        name: &'static str,
        what: &str,
        unit: &'static str,
        (rounds, baseline, goal): (&Rounds, &str, Goal),
    ) -> Self {
        let ratios = rounds.ratios();
        let middle = || crate::rounds::median(ratios.iter().copied());
        let ratio = ratios.first().zip(ratios.last()).map(|(low, high)| [middle(), *low, *high]);
        Self {
            name,
            what: what.to_owned(),
            ours: rounds.per_second(),
            baseline: rounds.baseline_per_second().map(|rate| (baseline.to_owned(), rate)),
            unit,
            ratio,
            goal,
            holds: true,
            details: rounds.details(),
        }
    }

    /// Whether the goal is met; none, if there is none, or nothing to compare with.
    pub fn met(&self) -> Option<bool> {
        let reached = match self.goal {
            Goal::Times(times) => self.ratio?[0] >= times,
            Goal::AtLeast(least) => self.ours >= least,
            Goal::AtMost(most) => self.ours <= most,
            Goal::Exactly(wanted) => self.ours == wanted,
            Goal::Reported => return None,
        };
        Some(reached && self.holds)
    }

    fn goal(&self) -> String {
        match self.goal {
            Goal::Times(times) => format!(">= {times} x baseline"),
            Goal::AtLeast(least) => format!(">= {least} {}", self.unit),
            Goal::AtMost(most) => format!("<= {most} {}", self.unit),
            Goal::Exactly(wanted) => format!("= {wanted} {}", self.unit),
            Goal::Reported => "-".to_owned(),
        }
    }

    fn json(&self) -> Value {
        let mut row = json!({
            "name": self.name,
            "what": self.what,
            "ours": rounded(self.ours),
            "baseline": self.baseline.as_ref().map(|(_, value)| rounded(*value)),
            "baseline_what": self.baseline.as_ref().map(|(what, _)| what),
            "unit": self.unit,
            "ratio": self.ratio.map(|[median, _, _]| rounded(median)),
            "spread": self.ratio.map(|[_, low, high]| [rounded(low), rounded(high)]),
            "goal": self.goal(),
            "met": self.met(),
        });
        if let Some(row) = row.as_object_mut() {
            row.extend(self.details.clone());
        }
        row
    }
}

/// Writes `target/bench/results.json`.
pub fn write(machine: &Machine, rows: &[Row], quick: bool) {
    let folder = target().join("bench");
    std::fs::create_dir_all(&folder).unwrap();
    let rows: Vec<Value> = rows.iter().map(Row::json).collect();
    let results = json!({ "machine": machine, "quick": quick, "rows": rows });
    let text = serde_json::to_string_pretty(&results).unwrap();
    std::fs::write(folder.join("results.json"), text + "\n").unwrap();
}

/// Prints a line a row.
pub fn print(machine: &Machine, rows: &[Row]) {
    println!("\n{machine}\n");
    let line = |cells: [&str; 7]| {
        let [name, ours, baseline, unit, ratio, goal, met] = cells;
        println!("{name:<14}{ours:>10}{baseline:>10}  {unit:<22}{ratio:<22}{goal:<18}{met:<5}");
    };
    line(["", "ours", "baseline", "unit", "ratio (spread)", "goal", "met"]);
    for row in rows {
        let shown = |value: f64| rounded(value).to_string();
        let baseline = row.baseline.as_ref().map_or("-".to_owned(), |(_, value)| shown(*value));
        let ratio = row.ratio.map_or("-".to_owned(), |[median, low, high]| {
            let [median, low, high] = [median, low, high].map(rounded);
            format!("{median} ({low} to {high})")
        });
        let met = match row.met() {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "-",
        };
        line([row.name, &shown(row.ours), &baseline, row.unit, &ratio, &row.goal(), met]);
        let detail = |(name, value): (&String, &Value)| format!("{name} {value}");
        println!("{:14}{}", "", row.details.iter().map(detail).collect::<Vec<_>>().join(", "));
    }
    println!("\n{}", target().join("bench/results.json").display());
}
