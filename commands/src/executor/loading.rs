//! Folding states from the log: from what is kept of them, else from a snapshot, else from their
//! first fact.

use events::log::{Found, Log, LogError, RawFact, StreamKey, StreamMap, StreamSet, Wanted};

use super::cache::{Loaded, take};
use super::snapshots::{Snapshots, restored};
use crate::state::{Entry, Need};

/// Folds streams, each from where its base stands. Those that took long are offered as snapshots.
pub(super) async fn load(
    log: &Log,
    snapshots: &Snapshots,
    bases: Vec<(Need, Entry)>,
) -> Result<Loaded, LogError> {
    if bases.is_empty() {
        return Ok(Loaded::default());
    }
    let wanted: Vec<Wanted> = bases.iter().map(|(need, base)| wanted(need, base)).collect();
    let mut folding = Folding::begin(bases);
    if !snapshots.are_on() {
        let streams: Vec<_> = wanted.iter().map(|wanted| (wanted.stream, wanted.after)).collect();
        log.load(&streams, |raw| folding.fact(&raw)).await?;
        return Ok(folding.end(snapshots));
    }
    log.load_states(&wanted, |found| match found {
        Found::Fact(raw) => folding.fact(&raw),
        Found::Snapshot(stream, version, event_id, data) => {
            folding.snapshot(stream, |need| restored(need, version, event_id, &data));
        }
    })
    .await?;
    let again = folding.again();
    if !again.is_empty() {
        log.load(&again, |raw| folding.fact(&raw)).await?;
    }
    Ok(folding.end(snapshots))
}

fn wanted(need: &Need, base: &Entry) -> Wanted {
    let (state, state_version) = (need.kind.name, need.kind.version);
    Wanted { stream: need.key, after: base.version, state, state_version }
}

/// States that are being folded.
struct Folding {
    needs: StreamMap<Need>,
    states: Loaded,
    /// How many facts were folded of each.
    folded: StreamMap<i64>,
    /// Streams whose snapshots were none: the facts behind those are no use.
    spoilt: StreamSet,
    /// Those that are folded from their first fact for it.
    mended: StreamSet,
}

impl Folding {
    fn begin(bases: Vec<(Need, Entry)>) -> Self {
        Self {
            needs: bases.iter().map(|(need, _)| (need.key, *need)).collect(),
            states: bases.into_iter().map(|(need, base)| (need.key, Ok(base))).collect(),
            folded: StreamMap::default(),
            spoilt: StreamSet::default(),
            mended: StreamSet::default(),
        }
    }

    fn snapshot(&mut self, stream: StreamKey, of: impl FnOnce(&Need) -> Result<Entry, String>) {
        let Some(need) = self.needs.get(&stream) else { return };
        match of(need) {
            Ok(entry) => {
                metrics::counter!("millrace_executor_snapshots_used_total").increment(1);
                self.states.insert(stream, Ok(entry));
            }
            Err(reason) => {
                let (state, stream_id) = (need.kind.name, stream.id);
                tracing::warn!(state, %stream_id, reason, "a snapshot is ignored");
                metrics::counter!("millrace_executor_snapshots_ignored_total").increment(1);
                self.spoilt.insert(stream);
            }
        }
    }

    fn fact(&mut self, raw: &RawFact) {
        if !self.spoilt.contains(&raw.stream) {
            *self.folded.entry(raw.stream).or_default() += 1;
            let feature = self.needs.get(&raw.stream).map(|need| need.kind.feature);
            take(&mut self.states, feature, raw);
        }
    }

    /// The streams that have to be folded from their first fact after all.
    fn again(&mut self) -> Vec<(StreamKey, i64)> {
        self.mended = std::mem::take(&mut self.spoilt);
        self.mended.iter().map(|stream| (*stream, 0)).collect()
    }

    fn end(self, snapshots: &Snapshots) -> Loaded {
        let facts: i64 = self.folded.values().sum();
        metrics::counter!("millrace_executor_facts_loaded_total").increment(facts.unsigned_abs());
        for (stream, entry) in &self.states {
            let folded = self.folded.get(stream).copied().unwrap_or_default();
            let is_wanted = snapshots.is_due(0, folded) || self.mended.contains(stream);
            if let (true, Ok(entry)) = (is_wanted, entry) {
                snapshots.offer(*stream, entry);
            }
        }
        self.states
    }
}
