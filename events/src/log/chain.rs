//! The hash chain over batches: a changed, removed, inserted or cut-off fact breaks it. A batch's
//! hash is sha256(previous hash ‖ first position ‖ recorded_at in microseconds ‖ digests of its
//! facts, in order), numbers as 8 bytes, big-endian: put together in `sql/write.sql`, where the
//! previous hash and the time are known, and again by `check`.

use sha2::{Digest, Sha256};

use super::NewFact;

/// What a digest or a hash is.
pub(super) type Sum = [u8; 32];

/// The digests of facts with their versions, one behind the other.
pub(super) fn digests<'a>(facts: impl Iterator<Item = (&'a NewFact, i64)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let digest = |(fact, version): (&NewFact, i64)| {
        let columns = [
            fact.stream.organization.as_bytes(),
            fact.feature.as_bytes(),
            fact.stream.id.as_bytes(),
            &version.to_be_bytes()[..],
            fact.event_id.as_bytes(),
            fact.fact_type.as_bytes(),
            &fact.schema_version.to_be_bytes(),
            &fact.data,
            &fact.meta,
        ];
        digest(columns, &mut bytes)
    };
    facts.flat_map(digest).collect()
}

/// The digest of a fact's stored columns: organization, feature, stream, version, event id, type,
/// schema version, data, meta. Each is led by its length, so that no two facts share one. `bytes`
/// is only there to be used again.
pub(super) fn digest(columns: [&[u8]; 9], bytes: &mut Vec<u8>) -> Sum {
    bytes.clear();
    for column in columns {
        bytes.extend_from_slice(&(column.len() as u64).to_be_bytes());
        bytes.extend_from_slice(column);
    }
    Sha256::digest(&bytes).into()
}

/// The hash of a batch, as its facts come.
pub(super) struct BatchHash(Sha256);

impl BatchHash {
    /// Behind a batch of this hash (none: the first one), at this position, at this time in
    /// microseconds since 1970.
    pub(super) fn begin(previous: Option<&Sum>, first: i64, recorded_at_us: i64) -> Self {
        let mut hash = Sha256::new();
        hash.update(previous.map_or(&[][..], |previous| previous));
        hash.update(first.to_be_bytes());
        hash.update(recorded_at_us.to_be_bytes());
        Self(hash)
    }

    /// With its next fact.
    pub(super) fn add(&mut self, digest: &Sum) {
        self.0.update(digest);
    }

    pub(super) fn end(self) -> Sum {
        self.0.finalize().into()
    }
}
