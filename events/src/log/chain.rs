//! The hash chain over batches: a changed, removed, inserted or cut-off fact breaks it. A batch's
//! hash is sha256(previous hash ‖ first position ‖ recorded_at in microseconds ‖ digests of its
//! facts, in order), numbers as 8 bytes, big-endian: put together in `sql/write.sql`, where the
//! previous hash and the time are known.

use sha2::{Digest, Sha256};

use super::NewFact;

/// The digests of facts with their versions, one behind the other.
pub(super) fn digests<'a>(facts: impl Iterator<Item = (&'a NewFact, i64)>) -> Vec<u8> {
    facts.flat_map(|(fact, version)| digest(fact, version)).collect()
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
