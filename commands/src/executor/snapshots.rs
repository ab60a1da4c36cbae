//! Snapshots of states: kept in the background, so that the next load begins near the stream's end.
//! Nothing waits for them, and nothing is lost with them. When one is read is `loading`'s business.

use events::log::{Log, Snapshot, StreamKey};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::ExecutorLimits;
use crate::state::{Entry, Need, StateKind};

/// Snapshots written at once.
const BATCH_MAX: usize = 64;

/// Larger states are not kept.
const BYTES_MAX: usize = 1 << 20;

const DIGEST_BYTES: usize = 32;

/// Where states are offered to be kept; clones share one task.
#[derive(Clone)]
pub(super) struct Snapshots {
    /// None: they are switched off.
    offers: Option<mpsc::Sender<(StreamKey, Entry)>>,
    every_facts: i64,
}

impl Snapshots {
    /// Starts the task that keeps them; it ends once nobody can offer any more.
    pub(super) fn start(log: &Log, limits: &ExecutorLimits) -> Self {
        let every_facts = i64::from(limits.snapshot_facts);
        let offers = (every_facts > 0).then(|| {
            let (offers, queue) = mpsc::channel(limits.snapshots_queue_max.max(1));
            tokio::spawn(keep(log.clone(), queue));
            offers
        });
        Self { offers, every_facts }
    }

    /// Whether there are any.
    pub(super) fn are_on(&self) -> bool {
        self.offers.is_some()
    }

    /// Whether a stream that grew from one version to another is due: once in so many facts.
    pub(super) fn is_due(&self, before: i64, now: i64) -> bool {
        self.are_on() && before / self.every_facts < now / self.every_facts
    }

    /// Offers a committed state; it is left where too many wait.
    pub(super) fn offer(&self, stream: StreamKey, entry: &Entry) {
        let Some(offers) = &self.offers else { return };
        if !entry.foreign && offers.try_send((stream, entry.clone())).is_err() {
            metrics::counter!("millrace_executor_snapshots_dropped_total").increment(1);
        }
    }
}

/// Keeps what is offered, several at once.
async fn keep(log: Log, mut offers: mpsc::Receiver<(StreamKey, Entry)>) {
    let mut offered = Vec::new();
    while offers.recv_many(&mut offered, BATCH_MAX).await > 0 {
        let batch = newest(std::mem::take(&mut offered));
        let count = batch.len() as u64;
        match log.keep_snapshots(batch).await {
            Ok(()) => metrics::counter!("millrace_executor_snapshots_kept_total").increment(count),
            Err(error) => {
                tracing::warn!(%error, count, "snapshots could not be kept; nothing needs them");
                metrics::counter!("millrace_executor_snapshots_failed_total").increment(count);
            }
        }
    }
}

/// The last one of each stream and kind.
fn newest(offered: Vec<(StreamKey, Entry)>) -> Vec<Snapshot> {
    let mut batch: Vec<Snapshot> = Vec::with_capacity(offered.len());
    for (stream, entry) in offered {
        let Some(snapshot) = snapshot(stream, &entry) else {
            metrics::counter!("millrace_executor_snapshots_dropped_total").increment(1);
            continue;
        };
        let same = |other: &&mut Snapshot| (other.stream, other.state) == (stream, snapshot.state);
        match batch.iter_mut().find(same) {
            Some(other) if other.version > snapshot.version => {}
            Some(other) => *other = snapshot,
            None => batch.push(snapshot),
        }
    }
    batch
}

/// What is kept of a state; none, if it is too large.
fn snapshot(stream: StreamKey, entry: &Entry) -> Option<Snapshot> {
    let json = entry.to_json().ok().filter(|json| json.len() <= BYTES_MAX)?;
    let digest = digest(&stream, entry.kind, entry.version, entry.event_id, &json);
    Some(Snapshot {
        stream,
        state: entry.kind.name,
        state_version: entry.kind.version,
        version: entry.version,
        event_id: entry.event_id,
        data: [&digest, &*json].concat(),
    })
}

/// The state that was kept in a snapshot of this stream up to this fact; or why it is none.
pub(super) fn restored(
    need: &Need,
    version: i64,
    event_id: Uuid,
    data: &[u8],
) -> Result<Entry, String> {
    let parts = data.split_at_checked(DIGEST_BYTES);
    let (kept, json) = parts.ok_or("it is too short")?;
    // Much that was changed would still be read, and be wrong.
    if kept != digest(&need.key, need.kind, version, event_id, json) {
        return Err("it is not as it was kept".to_owned());
    }
    need.restored(version, event_id, json).map_err(|error| error.to_string())
}

fn digest(
    stream: &StreamKey,
    kind: &StateKind,
    version: i64,
    event_id: Uuid,
    json: &[u8],
) -> [u8; DIGEST_BYTES] {
    let mut digest = Sha256::new();
    digest.update(stream.organization);
    digest.update(stream.id);
    digest.update(version.to_be_bytes());
    digest.update(event_id);
    digest.update(kind.version.to_be_bytes());
    digest.update(kind.name);
    digest.update([0]);
    digest.update(json);
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::round::tests::entry;
    use crate::scenario::organization;
    use crate::state::Needs;
    use crate::stock::StockItem;

    fn need(id: u128) -> Need {
        let mut needs = Needs::new(organization());
        needs.name::<StockItem>(Uuid::from_u128(id));
        needs.list[0]
    }

    #[test]
    fn of_several_states_of_a_stream_the_last_is_kept() {
        let offered = [(1, 3), (2, 5), (1, 9), (1, 7)];
        let offered =
            offered.map(|(id, version)| (need(id).key, entry(&need(id), version))).to_vec();
        let kept = newest(offered);
        let kept: Vec<_> = kept.iter().map(|kept| (kept.stream, kept.version)).collect();
        assert_eq!(kept, [(need(1).key, 9), (need(2).key, 5)]);
    }

    #[test]
    fn a_state_comes_back_as_it_was_kept() {
        let kept = snapshot(need(1).key, &entry(&need(1), 3)).expect("a snapshot");
        let back = restored(&need(1), kept.version, kept.event_id, &kept.data);
        let back = back.map(|back| (back.version, back.event_id, back.to_json().unwrap()));
        let json = entry(&need(1), 3).to_json().unwrap();
        assert_eq!(back, Ok((3, kept.event_id, json)));
    }

    #[test]
    fn what_is_not_as_it_was_kept_is_no_state() {
        let kept = snapshot(need(1).key, &entry(&need(1), 3)).expect("a snapshot");
        let (version, id, data) = (kept.version, kept.event_id, &kept.data);
        assert!(restored(&need(2), version, id, data).is_err(), "of another stream");
        assert!(restored(&need(1), version + 1, id, data).is_err(), "of another version");
        assert!(restored(&need(1), version, Uuid::max(), data).is_err(), "of another fact");
        for length in 0..data.len() {
            assert!(restored(&need(1), version, id, &data[..length]).is_err(), "cut off");
            let mut changed = data.clone();
            changed[length] ^= 1;
            assert!(restored(&need(1), version, id, &changed).is_err(), "changed at {length}");
        }
    }
}
