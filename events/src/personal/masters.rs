//! Master keys, which wrap the keys of persons. They are never in the database: configuration, or a
//! file beside it, has them.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::{KEY_BYTES, Key};

/// Where master keys come from; asked again when a key is wrapped by one that is not known, for
/// another process may have rotated them. An error says what is wrong with them.
pub type Source = Arc<dyn Fn() -> Result<Masters, String> + Send + Sync>;

/// Master keys: the first wraps, the others unwrap what they once wrapped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Masters(Vec<(String, Key)>);

impl fmt::Debug for Masters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Masters {
    /// The keys in a text: base64 of 32 bytes each, a line or a word a key, the current one first;
    /// `#` begins a comment.
    ///
    /// # Errors
    /// Which line is no key; the key itself is not shown.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut keys = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            let line = line.split('#').next().unwrap_or_default();
            for word in line.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
                let bytes = BASE64_STANDARD.decode(word).ok();
                let bytes = bytes.and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok());
                let bytes = bytes.ok_or_else(|| {
                    format!(
                        "line {number}: not a master key; one is 32 random bytes in base64, as \
                         `openssl rand -base64 32` prints them"
                    )
                })?;
                keys.push((name(&bytes), Key::new(bytes)));
            }
        }
        Ok(Self(keys))
    }

    /// The text that [`Self::parse`] reads.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(|(_, key)| BASE64_STANDARD.encode(key.0) + "\n").collect()
    }

    /// These, with a new one in front.
    #[must_use]
    pub fn with_new(mut self, bytes: [u8; KEY_BYTES]) -> Self {
        self.0.insert(0, (name(&bytes), Key::new(bytes)));
        self
    }

    /// What each is called, the current one first: it tells them apart, and nothing of the keys.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(id, _)| id.as_str())
    }

    /// The one that wraps.
    pub(super) fn current(&self) -> Option<(&str, &Key)> {
        self.0.first().map(|(id, key)| (id.as_str(), key))
    }

    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|(known, _)| known == id).map(|(_, key)| key)
    }
}

/// The first 8 bytes of its SHA-256.
fn name(bytes: &[u8; KEY_BYTES]) -> String {
    Sha256::digest(bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
