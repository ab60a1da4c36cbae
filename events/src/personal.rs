//! What belongs to a person: encrypted in facts under that person's key, so that erasing the person
//! is taking the key away. Where keys come from, and who wraps them, stands in `vault`.

mod masters;
mod vault;

use std::borrow::Cow;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use hmac::{Hmac, Mac};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use sha2::Sha256;
use uuid::Uuid;

pub use masters::{Masters, Source};
pub use vault::{Fresh, Keyring, Rotated, Vault, VaultError, VaultLimits};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// A key of AES-256. Its bytes are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; KEY_BYTES]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Encrypts under a nonce that derives from the salt and the text: one nonce never serves two
    /// texts, and who encrypts needs no chance. The nonce leads what comes back.
    /// None: the text is longer than AES-GCM takes.
    fn seal(&self, salt: &[&[u8]], text: &[u8], bound_to: &[u8]) -> Option<Vec<u8>> {
        let parts: [&[&[u8]]; 3] = [&[b"nonce"], salt, &[text]];
        let digest = self.digest(&parts.concat());
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&digest[..NONCE_BYTES]);
        let payload = Payload { msg: text, aad: bound_to };
        let sealed = Aes256Gcm::new(&self.0.into()).encrypt(&Nonce::from(nonce), payload).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// What [`Self::seal`] encrypted; none, if it was not this key, or not bound to this.
    fn open(&self, sealed: &[u8], bound_to: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: text, aad: bound_to };
        Aes256Gcm::new(&self.0.into()).decrypt(&Nonce::from(*nonce), payload).ok()
    }

    /// A digest (HMAC-SHA-256) that nobody makes without the key; of the parts, each led by its
    /// length.
    #[must_use]
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        // A block of the hash: HMAC fills shorter keys up with zeros.
        let mut block = [0; 64];
        block[..KEY_BYTES].copy_from_slice(&self.0);
        let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block.into());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// A value that belongs to a person.
///
/// A command makes it clear, the executor seals it, the log keeps it sealed; who reads opens it
/// with the person's key, or finds the person erased. In JSON: `{"person": <id>, "sealed": <nonce
/// and ciphertext of the value's JSON, in base64>}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Personal<T> {
    person: Uuid,
    content: Content<T>,
}

#[derive(Clone, PartialEq, Eq)]
enum Content<T> {
    Clear(T),
    Sealed(Vec<u8>),
    Erased,
}

impl<T> std::fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let content = match self.content {
            Content::Clear(_) => "clear",
            Content::Sealed(_) => "sealed",
            Content::Erased => "erased",
        };
        write!(f, "Personal({} of {})", content, self.person)
    }
}

impl<T> Personal<T> {
    /// A value of a person, clear.
    #[must_use]
    pub fn new(person: Uuid, value: T) -> Self {
        Self { person, content: Content::Clear(value) }
    }

    /// Whom it belongs to.
    #[must_use]
    pub fn person(&self) -> Uuid {
        self.person
    }

    /// The value, if it was opened and the person is not erased.
    #[must_use]
    pub fn clear(&self) -> Option<&T> {
        match &self.content {
            Content::Clear(value) => Some(value),
            Content::Sealed(_) | Content::Erased => None,
        }
    }
}

/// A [`Personal`] whose type is not known.
pub trait Sealable {
    /// Whom it belongs to.
    fn person(&self) -> Uuid;

    /// Encrypts it, if it is clear. The salt is the command's fresh id, and the value's place.
    ///
    /// # Errors
    /// If the keyring lacks the person's key.
    fn seal(
        &mut self,
        organization: Uuid,
        keys: &Keyring,
        salt: &[&[u8]],
    ) -> Result<(), VaultError>;

    /// Decrypts it, if it is sealed; it reads as erased, if the person is.
    ///
    /// # Errors
    /// If the keyring knows nothing of the person, or the bytes are not what was sealed.
    fn open(&mut self, organization: Uuid, keys: &Keyring) -> Result<(), VaultError>;
}

/// What sealed values are bound to: they mean nothing elsewhere.
fn bound_to(organization: Uuid, person: Uuid) -> [u8; 32] {
    let mut bound = [0; 32];
    bound[..16].copy_from_slice(organization.as_bytes());
    bound[16..].copy_from_slice(person.as_bytes());
    bound
}

impl<T: Serialize + DeserializeOwned> Sealable for Personal<T> {
    fn person(&self) -> Uuid {
        self.person
    }

    fn seal(
        &mut self,
        organization: Uuid,
        keys: &Keyring,
        salt: &[&[u8]],
    ) -> Result<(), VaultError> {
        let Content::Clear(value) = &self.content else {
            return Ok(());
        };
        let person = self.person;
        let key = keys.key(organization, person)?.ok_or(VaultError::Erased(person))?;
        let text = serde_json::to_vec(value).map_err(|_| VaultError::Broken(person))?;
        let sealed = key.seal(salt, &text, &bound_to(organization, person));
        self.content = Content::Sealed(sealed.ok_or(VaultError::Broken(person))?);
        Ok(())
    }

    fn open(&mut self, organization: Uuid, keys: &Keyring) -> Result<(), VaultError> {
        let Content::Sealed(sealed) = &self.content else {
            return Ok(());
        };
        let person = self.person;
        self.content = match keys.key(organization, person)? {
            None => Content::Erased,
            Some(key) => {
                let text = key.open(sealed, &bound_to(organization, person));
                let value = text.and_then(|text| serde_json::from_slice(&text).ok());
                Content::Clear(value.ok_or(VaultError::Broken(person))?)
            }
        };
        Ok(())
    }
}

/// What is stored.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    person: Uuid,
    #[serde(borrow)]
    sealed: Cow<'a, str>,
}

impl<T> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Content::Sealed(sealed) = &self.content else {
            return Err(ser::Error::custom("what belongs to a person is stored sealed, or not"));
        };
        let sealed = BASE64_STANDARD_NO_PAD.encode(sealed).into();
        Stored { person: self.person, sealed }.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let sealed = BASE64_STANDARD_NO_PAD.decode(stored.sealed.as_bytes());
        let sealed = sealed.map_err(|error| de::Error::custom(format!("`sealed`: {error}")))?;
        Ok(Self { person: stored.person, content: Content::Sealed(sealed) })
    }
}

impl<T> JsonSchema for Personal<T> {
    fn schema_name() -> Cow<'static, str> {
        "Personal".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What belongs to a person: encrypted under that person's key.",
            "type": "object",
            "properties": {
                "person": {
                    "description": "Whose key it is encrypted under.",
                    "type": "string",
                    "format": "uuid"
                },
                "sealed": {
                    "description": "Nonce (12 bytes), ciphertext and tag (AES-256-GCM) of the \
                        value's JSON, in base64.",
                    "type": "string"
                }
            },
            "required": ["person", "sealed"]
        })
    }
}

#[cfg(test)]
mod tests;
