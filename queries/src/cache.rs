//! Hot records and counts, kept in mind by what is announced of the read models: what is told of
//! here is never older than what this process has announced, nor than what it has read. Where they
//! are kept, `memory` says; whoever keeps them elsewhere stands beside it. Who may see them is not
//! decided here.

mod memory;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use events::access::Access;
use events::words::Position;
use projections::watermarks::changes::{Changed, Listener};
use uuid::Uuid;

use self::memory::{Entry, Key, Memory, Value};

/// Organizations of a read model of which it is noted when their rows changed last. With one more,
/// all of them count as changed.
const ORGANIZATIONS_MAX: usize = 10_000;

/// What of a record is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// Its row.
    Row,
    /// Its child rows.
    Children,
}

/// Records and counts. Every entry is as it was read after whatever was announced last of its read
/// model; what changes then is dropped before whoever waits for it is woken.
pub struct Cache {
    memory: Option<Memory>,
    models: HashMap<&'static str, Model>,
}

/// What is known of a read model.
struct Model {
    index: u16,
    gate: RwLock<Gate>,
    /// Counts how often everything changed: what was kept before is not there.
    generation: AtomicU64,
    /// Whether anything may be kept of it: else nothing need be dropped.
    is_used: AtomicBool,
    /// What changed up to here was dropped.
    told: AtomicI64,
    /// The highest position in a row that was read in the database. While that is ahead of what
    /// was told, something kept may be older than what somebody has seen.
    seen: AtomicI64,
}

/// When rows changed, counted in announcements.
#[derive(Default)]
struct Gate {
    /// The last announcement that changed anything.
    sequence: u64,
    /// By organization: the last one that changed a row of it.
    organizations: HashMap<Uuid, u64>,
    /// The last one that changed rows of every organization, for all that is known.
    floor: u64,
}

/// When something was read: what changed since is not kept. To be taken before one reads.
#[derive(Debug, Clone)]
pub struct Ticket(Vec<u64>);

/// A count that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CountKey {
    /// By whom, and of which organization.
    pub access: Access,
    /// Of which records.
    pub read_model: &'static str,
    /// What tells the filter from all others.
    pub filter: Vec<u8>,
}

impl Cache {
    /// At most so many bytes of these read models; with none, nothing is kept.
    #[must_use]
    pub(crate) fn new(bytes_max: u64, read_models: impl IntoIterator<Item = &'static str>) -> Self {
        let model = |(index, name)| {
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            (name, Model::new(index))
        };
        let memory = (bytes_max > 0).then(|| Memory::new(bytes_max));
        Self { memory, models: read_models.into_iter().enumerate().map(model).collect() }
    }

    /// Bytes that are kept, about.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.memory.as_ref().map_or(0, Memory::bytes)
    }

    /// The records of a read model; none, if nothing is kept of it.
    pub(crate) fn shelf(&self, read_model: &str, part: Part) -> Option<Shelf<'_>> {
        let (memory, model) = (self.memory.as_ref()?, self.models.get(read_model)?);
        Some(Shelf { memory, model, part })
    }

    /// Rows of a read model were read in the database, and this is the highest position in them.
    pub(crate) fn saw(&self, read_model: &str, position: i64) {
        if let Some(model) = self.models.get(read_model) {
            model.seen.fetch_max(position, Ordering::SeqCst);
        }
    }

    /// A count, if it is known and none of the read models that it rests on has changed since.
    #[must_use]
    pub fn count(&self, key: &CountKey, read_models: &[&str]) -> Option<i64> {
        let found = self.memory.as_ref()?.get(&Key::Count(key.clone()));
        let count = found.and_then(|entry| match entry.value {
            Value::Count(count, since) => {
                let unchanged = |(name, since): (&&str, &u64)| {
                    let model = self.models.get(*name)?;
                    model.is_sure().then_some(())?;
                    (model.last_changed(key.access.organization.0) <= *since).then_some(())
                };
                let all = read_models.iter().zip(&since).all(|pair| unchanged(pair).is_some());
                (all && since.len() == read_models.len()).then_some(count)
            }
            _ => None,
        });
        note(usize::from(count.is_some()), usize::from(count.is_none()));
        count
    }

    /// To be taken before one counts.
    #[must_use]
    pub fn ticket(&self, read_models: &[&str]) -> Ticket {
        let sequence = |name: &&str| self.models.get(*name).map_or(0, Model::sequence);
        Ticket(read_models.iter().map(sequence).collect())
    }

    /// Keeps what was counted, unless something changed meanwhile. What is read as of a moment is
    /// not kept.
    pub fn keep_count(&self, key: &CountKey, read_models: &[&str], ticket: Ticket, count: i64) {
        let Some(memory) = self.memory.as_ref().filter(|_| key.access.as_of.is_none()) else {
            return;
        };
        // Something that changes from here on is newer than the ticket, so nothing is held.
        let known = |name: &&str| self.models.contains_key(*name);
        if self.ticket(read_models).0 == ticket.0 && read_models.iter().all(known) {
            let bytes = size_of::<CountKey>() + key.filter.len() + ticket.0.len() * 8;
            let entry = Entry::new(Value::Count(count, ticket.0), 0, bytes);
            memory.put(Key::Count(key.clone()), entry);
        }
    }
}

impl Model {
    fn new(index: u16) -> Self {
        Self {
            index,
            gate: RwLock::default(),
            generation: AtomicU64::new(0),
            is_used: AtomicBool::new(false),
            told: AtomicI64::new(0),
            seen: AtomicI64::new(0),
        }
    }

    /// Whether nobody has read anything that was not told yet.
    fn is_sure(&self) -> bool {
        self.seen.load(Ordering::SeqCst) <= self.told.load(Ordering::SeqCst)
    }

    fn sequence(&self) -> u64 {
        self.gate.read().unwrap_or_else(PoisonError::into_inner).sequence
    }

    fn last_changed(&self, organization: Uuid) -> u64 {
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        gate.organizations.get(&organization).copied().unwrap_or_default().max(gate.floor)
    }

    /// From here on nothing is kept that was read before.
    fn turn(&self, changed: &Changed) {
        let mut gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        gate.sequence += 1;
        let Gate { sequence, organizations, floor } = &mut *gate;
        match changed {
            Changed::Records(changes) => {
                organizations.extend(changes.iter().map(|change| (change.organization, *sequence)));
            }
            Changed::Untold | Changed::Everything => {
                self.generation.fetch_add(1, Ordering::SeqCst);
                organizations.clear();
                *floor = *sequence;
            }
        }
        if organizations.len() > ORGANIZATIONS_MAX {
            organizations.clear();
            *floor = *sequence;
        }
    }
}

/// The rows of a read model, or its child rows.
#[derive(Clone, Copy)]
pub(crate) struct Shelf<'a> {
    memory: &'a Memory,
    model: &'a Model,
    part: Part,
}

impl Shelf<'_> {
    fn key(&self, organization: Uuid, id: Uuid) -> Key {
        Key::Record { read_model: self.model.index, part: self.part, organization, id }
    }

    /// What is known of these records, and those of which nothing is. That there is none is known
    /// too.
    pub(crate) fn look<T: Any + Send + Sync>(
        &self,
        organization: Uuid,
        ids: &[Uuid],
    ) -> (HashMap<Uuid, Arc<T>>, Vec<Uuid>) {
        let (mut found, mut unknown) = (HashMap::with_capacity(ids.len()), Vec::new());
        if !self.model.is_sure() {
            note(0, ids.len());
            return (found, ids.to_vec());
        }
        let generation = self.model.generation.load(Ordering::SeqCst);
        for id in ids {
            let entry = self.memory.get(&self.key(organization, *id));
            match entry.filter(|entry| entry.generation == generation).map(|entry| entry.value) {
                Some(Value::Absent) => {}
                Some(Value::Known(known)) => match known.downcast::<T>() {
                    Ok(known) => drop(found.insert(*id, known)),
                    Err(_) => unknown.push(*id),
                },
                Some(Value::Count(..)) | None => unknown.push(*id),
            }
        }
        note(ids.len() - unknown.len(), unknown.len());
        (found, unknown)
    }

    /// To be taken before one reads.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(vec![self.model.sequence()])
    }

    /// Keeps what was read of a record, none if there is none, unless something has changed since.
    pub(crate) fn keep<T: Any + Send + Sync>(
        &self,
        ticket: &Ticket,
        (organization, id): (Uuid, Uuid),
        (known, bytes): (Option<Arc<T>>, usize),
    ) {
        // Nothing changes as long as this is held.
        let gate = self.model.gate.read().unwrap_or_else(PoisonError::into_inner);
        if ticket.0 != [gate.sequence] {
            return;
        }
        let value = known.map_or(Value::Absent, |known| Value::Known(known));
        let generation = self.model.generation.load(Ordering::SeqCst);
        self.model.is_used.store(true, Ordering::SeqCst);
        self.memory.put(self.key(organization, id), Entry::new(value, generation, bytes));
    }
}

impl Listener for Cache {
    fn changed(&self, projection: &str, changed: &Changed, until: Option<Position>) {
        let (Some(memory), Some(model)) = (&self.memory, self.models.get(projection)) else {
            return;
        };
        if *changed != Changed::NOTHING {
            model.turn(changed);
        }
        if let Changed::Records(changes) = changed
            && model.is_used.load(Ordering::SeqCst)
        {
            for change in changes {
                for part in [Part::Row, Part::Children] {
                    Shelf { memory, model, part }.forget(change.organization, change.id);
                }
            }
        }
        if let Some(until) = until {
            model.told.fetch_max(until.0, Ordering::SeqCst);
        }
    }

    fn forgotten(&self) {
        for model in self.models.values() {
            model.turn(&Changed::Everything);
            model.told.store(0, Ordering::SeqCst);
        }
        if let Some(memory) = &self.memory {
            memory.clear();
        }
    }
}

impl Shelf<'_> {
    fn forget(&self, organization: Uuid, id: Uuid) {
        self.memory.drop(&self.key(organization, id));
    }
}

fn note(hits: usize, misses: usize) {
    if hits > 0 {
        metrics::counter!("millrace_queries_cache_hits_total").increment(hits as u64);
    }
    if misses > 0 {
        metrics::counter!("millrace_queries_cache_misses_total").increment(misses as u64);
    }
}
