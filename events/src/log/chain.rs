//! The hash chain over batches: a changed, removed, inserted or cut-off fact breaks it.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::NewFact;
use crate::words::Position;

/// The hash of a batch: sha256(previous hash ‖ first position ‖ recorded_at in microseconds ‖
/// digests of its facts, in order). Numbers are 8 bytes, big-endian.
pub(super) fn hash<'a>(
    previous: &[u8],
    first: Position,
    recorded_at: DateTime<Utc>,
    facts: impl Iterator<Item = (&'a NewFact, i64)>,
) -> Vec<u8> {
    let mut chain = Sha256::new();
    chain.update(previous);
    chain.update(first.0.to_be_bytes());
    chain.update(recorded_at.timestamp_micros().to_be_bytes());
    for (fact, version) in facts {
        chain.update(digest(fact, version));
    }
    chain.finalize().to_vec()
}

/// The digest of a fact's stored columns, each led by its length, so that no two facts share one.
fn digest(fact: &NewFact, version: i64) -> [u8; 32] {
    let mut digest = Sha256::new();
    let columns: [&[u8]; 9] = [
        fact.stream.organization.as_bytes(),
        fact.feature.as_bytes(),
        fact.stream.id.as_bytes(),
        &version.to_be_bytes(),
        fact.event_id.as_bytes(),
        fact.fact_type.as_bytes(),
        &fact.schema_version.to_be_bytes(),
        &fact.data,
        &fact.meta,
    ];
    for column in columns {
        digest.update((column.len() as u64).to_be_bytes());
        digest.update(column);
    }
    digest.finalize().into()
}
