//! Ids that are derived from what a thing is. What it is, the others say.

use sha1::{Digest, Sha1};
use uuid::Uuid;

/// A UUIDv5 (RFC 9562, 5.5), by the processor's own instructions where it has them: an order
/// derives a dozen ids.
pub(super) fn derived(namespace: &Uuid, name: &[u8]) -> Uuid {
    let digest = Sha1::new().chain_update(namespace).chain_update(name).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_sha1_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::NAMESPACE;

    #[test]
    fn derived_ids_are_those_that_everybody_derives() {
        for name in
            ["", "a", "a name that takes the digest more than one block of 64 bytes, says it"]
        {
            assert_eq!(
                derived(&NAMESPACE, name.as_bytes()),
                Uuid::new_v5(&NAMESPACE, name.as_bytes())
            );
        }
    }
}
