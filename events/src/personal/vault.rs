//! Where persons' keys come from: made, wrapped, unwrapped, kept for a while, and forgotten. Where
//! they are stored is the log's business, where master keys are the configuration's.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::masters::{Masters, Source};
use super::{KEY_BYTES, Key, bound_to};
use crate::Recorded;
use crate::log::{Log, LogError, NewKey, PersonKey, StoredKey};

/// Makes random bytes for keys.
pub type Fresh = Arc<dyn Fn() -> [u8; KEY_BYTES] + Send + Sync>;

/// The key that no person has: for digests of what persons are spoken of with.
const NOBODY: PersonKey = PersonKey { organization: Uuid::nil(), id: Uuid::nil() };

/// Bounds of the vault.
#[derive(Debug, Clone)]
pub struct VaultLimits {
    /// Keys kept in memory, about 150 bytes each.
    pub kept_keys_max: usize,
    /// How long a key is kept: so long after an erasure another process may still read the person.
    pub kept_keys_wait_max: Duration,
    /// Keys that a rotation wraps anew at once.
    pub rotation_keys_max: u32,
}

impl Default for VaultLimits {
    fn default() -> Self {
        Self {
            kept_keys_max: 100_000,
            kept_keys_wait_max: Duration::from_secs(30),
            rotation_keys_max: 500,
        }
    }
}

impl VaultError {
    /// Whether it is for want of this process, and another one may well read it.
    #[must_use]
    pub fn is_of_this_process(&self) -> bool {
        matches!(self, Self::NoMaster | Self::Source(_) | Self::UnknownMaster(_))
    }
}

/// Why what belongs to a person cannot be sealed or opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    /// No master key is configured.
    #[error(
        "there is no master key, which personal data is encrypted with: state one, or several, as \
         `personal.master_keys` or in the file of `personal.master_keys_file`"
    )]
    NoMaster,
    /// The master keys cannot be read.
    #[error("the master keys cannot be read: {0}")]
    Source(String),
    /// A key is wrapped by a master key that is not configured.
    #[error("a person's key is wrapped by the master key {0}, which is not configured")]
    UnknownMaster(String),
    /// There is no key of that person.
    #[error("there is no key of the person {0}: its row in log.person_keys is lost")]
    Unknown(Uuid),
    /// The person is erased.
    #[error("the person {0} is erased")]
    Erased(Uuid),
    /// The bytes are not what was sealed or wrapped, or cannot be sealed.
    #[error("what belongs to the person {0} is not what was encrypted")]
    Broken(Uuid),
    /// The keys cannot be read now.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Keys of persons, as they were looked up; none: that person is erased.
#[derive(Debug, Clone, Default)]
pub struct Keyring(HashMap<PersonKey, Result<Option<Key>, VaultError>>);

impl Keyring {
    /// The person's key; none: the person is erased.
    ///
    /// # Errors
    /// If it was not looked up, or is lost.
    pub fn key(&self, organization: Uuid, person: Uuid) -> Result<Option<&Key>, VaultError> {
        match self.0.get(&PersonKey { organization, id: person }) {
            Some(Ok(key)) => Ok(key.as_ref()),
            Some(Err(error)) => Err(error.clone()),
            None => Err(VaultError::Unknown(person)),
        }
    }

    /// Holds a key too.
    pub fn add(&mut self, person: PersonKey, key: Key) {
        self.0.insert(person, Ok(Some(key)));
    }
}

/// What a rotation did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Keys that were wrapped anew.
    pub keys: u64,
}

/// A handle to persons' keys; clones share what is kept.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    log: Log,
    source: Source,
    masters: Mutex<Arc<Masters>>,
    kept: Mutex<LruCache<PersonKey, Kept>>,
    nobodys: OnceCell<Key>,
    fresh: Fresh,
    limits: VaultLimits,
}

struct Kept {
    key: Option<Key>,
    since: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Vault {
    /// The vault of a log. Master keys are read when they are needed.
    #[must_use]
    pub fn new(log: Log, source: Source, fresh: Fresh, limits: VaultLimits) -> Self {
        let kept = NonZeroUsize::new(limits.kept_keys_max).unwrap_or(NonZeroUsize::MIN);
        Self(Arc::new(Inner {
            log,
            source,
            masters: Mutex::default(),
            kept: Mutex::new(LruCache::new(kept)),
            nobodys: OnceCell::new(),
            fresh,
            limits,
        }))
    }

    /// The log whose persons they are.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// The keys of these persons. Those of whom there is no key at all are left out; asked for one
    /// that cannot be unwrapped, the ring says why.
    ///
    /// # Errors
    /// If they cannot be read now.
    pub async fn keys(&self, persons: &[PersonKey]) -> Result<Keyring, LogError> {
        let mut keys = Keyring::default();
        let mut lacking = Vec::new();
        {
            let mut kept = lock(&self.0.kept);
            for person in persons {
                match kept.get(person) {
                    Some(found) if found.since.elapsed() < self.0.limits.kept_keys_wait_max => {
                        keys.0.insert(*person, Ok(found.key.clone()));
                    }
                    _ => lacking.push(*person),
                }
            }
        }
        lacking.sort_unstable();
        lacking.dedup();
        for stored in self.0.log.person_keys(&lacking).await? {
            let key = self.unlock(&stored);
            if let Ok(key) = &key {
                let kept = Kept { key: key.clone(), since: Instant::now() };
                lock(&self.0.kept).put(stored.person, kept);
            }
            keys.0.insert(stored.person, key);
        }
        Ok(keys)
    }

    /// A key for a person of whom nothing was said yet, and what is to be appended of it.
    ///
    /// # Errors
    /// If there is no master key.
    pub fn new_key(&self, person: PersonKey) -> Result<(Key, NewKey), VaultError> {
        let key = Key::new((self.0.fresh)());
        let masters = self.read_masters()?;
        let (master, wrapped) = wrap(&masters, person, &key)?;
        Ok((key, NewKey { person, master, wrapped }))
    }

    /// Somebody of the organization is erased: none of its keys is kept any more.
    pub fn forget(&self, organization: Uuid) {
        let mut kept = lock(&self.0.kept);
        let of = kept.iter().map(|(person, _)| *person);
        let gone: Vec<_> = of.filter(|person| person.organization == organization).collect();
        for person in gone {
            kept.pop(&person);
        }
    }

    /// Opens what belongs to persons in facts; who is erased reads so. For each fact, why it could
    /// not be opened, if it could not.
    ///
    /// # Errors
    /// If keys cannot be read now.
    pub async fn open(&self, facts: &mut [Recorded]) -> Result<Vec<(usize, VaultError)>, LogError> {
        let mut persons = Vec::new();
        for fact in &mut *facts {
            let organization = fact.organization.0;
            let personal = fact.event.personal();
            persons.extend(personal.iter().map(|of| PersonKey { organization, id: of.person() }));
        }
        if persons.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.keys(&persons).await?;
        let mut failed = Vec::new();
        for (index, fact) in facts.iter_mut().enumerate() {
            let organization = fact.organization.0;
            let opened = fact.event.personal().into_iter();
            let mut opened = opened.map(|of| of.open(organization, &keys));
            if let Some(error) = opened.find_map(Result::err) {
                failed.push((index, error));
            }
        }
        Ok(failed)
    }

    /// The key for digests of what persons are spoken of with: made once in a log's life.
    ///
    /// # Errors
    /// If it cannot be made or read.
    pub async fn nobodys(&self) -> Result<Key, VaultError> {
        let make = async || {
            let of = async || {
                let keys = self.keys(&[NOBODY]).await?;
                let key = keys.key(NOBODY.organization, NOBODY.id)?.cloned();
                key.ok_or(VaultError::Erased(NOBODY.id))
            };
            match of().await {
                Err(VaultError::Unknown(_)) => {}
                found => return found,
            }
            let (_, new) = self.new_key(NOBODY)?;
            // Another process may have been faster: then that one's stays.
            self.0.log.keep_key(&new).await?;
            of().await
        };
        Ok(self.0.nobodys.get_or_try_init(make).await?.clone())
    }

    /// Wraps every key that an older master key wraps by the current one. Others may make and read
    /// keys meanwhile. `progress` hears how many are done.
    ///
    /// # Errors
    /// If a key cannot be read, unwrapped or written; what was done stays done.
    pub async fn rotate(&self, mut progress: impl FnMut(u64)) -> Result<Rotated, VaultError> {
        let masters = self.read_masters()?;
        let (current, _) = masters.current().ok_or(VaultError::NoMaster)?;
        let (mut rotated, mut after) = (Rotated::default(), None);
        // Once through all persons: it ends, also where another process rotates to another key.
        loop {
            let limit = self.0.limits.rotation_keys_max.into();
            let old = self.0.log.keys_under_others(current, after, limit).await?;
            let Some(last) = old.last() else { return Ok(rotated) };
            after = Some(last.person);
            let mut anew = Vec::with_capacity(old.len());
            for stored in &old {
                let Some(key) = self.unlock(stored)? else { continue };
                let (master, wrapped) = wrap(&masters, stored.person, &key)?;
                anew.push((stored, NewKey { person: stored.person, master, wrapped }));
            }
            rotated.keys += self.0.log.rewrap(&anew).await?;
            progress(rotated.keys);
        }
    }

    fn unlock(&self, stored: &StoredKey) -> Result<Option<Key>, VaultError> {
        let Some(wrapped) = &stored.wrapped else { return Ok(None) };
        let known = lock(&self.0.masters).clone();
        let masters = match known.find(&stored.master) {
            Some(_) => known,
            None => self.read_masters()?,
        };
        let master = masters.find(&stored.master);
        let master = master.ok_or_else(|| VaultError::UnknownMaster(stored.master.clone()))?;
        let bound = bound_to(stored.person.organization, stored.person.id);
        let bytes = master.open(wrapped, &bound);
        let bytes = bytes.and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok());
        Ok(Some(Key::new(bytes.ok_or(VaultError::Broken(stored.person.id))?)))
    }

    /// The master keys as they are now: another process may have rotated them.
    fn read_masters(&self) -> Result<Arc<Masters>, VaultError> {
        let masters = Arc::new((self.0.source)().map_err(VaultError::Source)?);
        lock(&self.0.masters).clone_from(&masters);
        Ok(masters)
    }
}

fn wrap(masters: &Masters, person: PersonKey, key: &Key) -> Result<(String, Vec<u8>), VaultError> {
    let (master, wrapping) = masters.current().ok_or(VaultError::NoMaster)?;
    let bound = bound_to(person.organization, person.id);
    let wrapped = wrapping.seal(&[b"wrap"], &key.0, &bound);
    Ok((master.to_owned(), wrapped.ok_or(VaultError::Broken(person.id))?))
}
