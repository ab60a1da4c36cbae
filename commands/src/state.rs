//! States: what decisions rest on, folded from streams. Which states there are is the features'
//! business; who keeps them is the executor's.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use events::Event;
use events::facts::Facts;
use events::log::{StreamKey, StreamMap};
use events::words::OrganizationId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::rejection::{Kind, Rejection};

/// What decisions need to know of one record: a fold of its stream. The default is a record that
/// does not exist. What serde makes of it is kept as a snapshot, so that long streams need not be
/// folded from their first fact.
pub trait State: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The facts of its stream.
    type Fact: Facts;

    /// What its snapshots are kept under: the record's word.
    const NAME: &'static str;
    /// The version of its shape and of its fold. Raised when either changes: snapshots of another
    /// version are not looked at.
    const VERSION: i32;

    /// Takes one more fact in.
    fn evolve(&mut self, fact: &Self::Fact);

    /// About how many bytes it occupies beside its own size, for the bound of the cache.
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// A [`State`] whose type is not known.
pub(crate) trait AnyState: Any + Send + Sync {
    fn apply(&mut self, event: &Event);
    fn duplicate(&self) -> Arc<dyn AnyState>;
    fn bytes(&self) -> usize;
    fn to_json(&self) -> serde_json::Result<Vec<u8>>;
}

struct Typed<S>(S);

impl<S> AnyState for Typed<S>
where
    S: State,
    for<'a> &'a S::Fact: TryFrom<&'a Event>,
{
    fn apply(&mut self, event: &Event) {
        // A fact of another feature in this stream says nothing about this state.
        if let Ok(fact) = <&S::Fact>::try_from(event) {
            self.0.evolve(fact);
        }
    }

    fn duplicate(&self) -> Arc<dyn AnyState> {
        Arc::new(Self(self.0.clone()))
    }

    fn bytes(&self) -> usize {
        size_of::<S>() + self.0.heap_bytes()
    }

    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&self.0)
    }
}

/// What all states of one type have in common.
pub(crate) struct StateKind {
    pub(crate) feature: &'static str,
    pub(crate) name: &'static str,
    pub(crate) version: i32,
    fresh: fn() -> Arc<dyn AnyState>,
    from_json: fn(&[u8]) -> serde_json::Result<Arc<dyn AnyState>>,
}

impl<S> Typed<S>
where
    S: State,
    for<'a> &'a S::Fact: TryFrom<&'a Event>,
{
    const KIND: &'static StateKind = &StateKind {
        feature: S::Fact::FEATURE,
        name: S::NAME,
        version: S::VERSION,
        fresh: || Arc::new(Self(S::default())),
        from_json: |json| Ok(Arc::new(Self(serde_json::from_slice(json)?))),
    };
}

/// A state and the version of the stream that it was folded from.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) version: i64,
    /// The fact at that version.
    pub(crate) event_id: Uuid,
    /// The stream belongs to another feature, and will for ever: there is no such record.
    pub(crate) foreign: bool,
    pub(crate) kind: &'static StateKind,
    state: Arc<dyn AnyState>,
    /// The ticket of the append that wrote it and was not answered yet; 0: it is committed.
    pub(crate) ticket: u64,
}

impl Entry {
    /// Takes one more fact in.
    pub(crate) fn apply(&mut self, event: &Event, event_id: Uuid) {
        self.version += 1;
        self.event_id = event_id;
        if Arc::get_mut(&mut self.state).is_none() {
            self.state = self.state.duplicate();
        }
        if let Some(state) = Arc::get_mut(&mut self.state) {
            state.apply(event);
        }
    }

    /// The append that wrote it was accepted.
    pub(crate) fn committed(self) -> Self {
        Self { ticket: 0, ..self }
    }

    /// What it says about a record of the need's kind; none if it does not tell.
    pub(crate) fn seen_as(self, need: &Need) -> Option<Self> {
        if self.kind.feature == need.kind.feature {
            return Some(self);
        }
        let foreign = self.version > 0;
        (!self.foreign).then(|| Self { foreign, ticket: self.ticket, ..need.fresh() })
    }

    /// Whether it is the state that is needed.
    pub(crate) fn is_of(&self, need: &Need) -> bool {
        !self.foreign && self.kind.feature == need.kind.feature
    }

    /// Whether it is of the same kind of record.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.kind.feature == other.kind.feature
    }

    /// What a snapshot keeps of the state itself.
    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        self.state.to_json()
    }

    /// About how many bytes it occupies.
    pub(crate) fn bytes(&self) -> usize {
        const OVERHEAD: usize = 128;
        self.state.bytes() + OVERHEAD
    }
}

/// The state in an entry, if it is of this type.
fn typed<S: State>(entry: &Entry) -> Option<&S> {
    let state: &dyn Any = entry.state.as_ref();
    state.downcast_ref::<Typed<S>>().map(|typed| &typed.0)
}

/// A stream that a decision needs, and how to begin its state.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    pub(crate) key: StreamKey,
    pub(crate) kind: &'static StateKind,
    /// Taken not to exist, unless it is known to: the log refuses the append if it does, and then
    /// it is looked up.
    pub(crate) begins: bool,
}

impl Need {
    /// The state of a stream without facts.
    pub(crate) fn fresh(&self) -> Entry {
        self.entry(0, Uuid::nil(), (self.kind.fresh)())
    }

    /// The state that a snapshot has kept.
    pub(crate) fn restored(
        &self,
        version: i64,
        event_id: Uuid,
        json: &[u8],
    ) -> serde_json::Result<Entry> {
        Ok(self.entry(version, event_id, (self.kind.from_json)(json)?))
    }

    fn entry(&self, version: i64, event_id: Uuid, state: Arc<dyn AnyState>) -> Entry {
        Entry { version, event_id, foreign: false, kind: self.kind, state, ticket: 0 }
    }
}

/// The streams that a decision needs.
pub struct Needs {
    organization: OrganizationId,
    pub(crate) list: Vec<Need>,
}

impl Needs {
    pub(crate) fn new(organization: OrganizationId) -> Self {
        Self { organization, list: Vec::new() }
    }

    /// Needs the state `S` of the record `id`.
    pub fn name<S>(&mut self, id: impl Into<Uuid>)
    where
        S: State,
        for<'a> &'a S::Fact: TryFrom<&'a Event>,
    {
        self.push::<S>(id.into(), false);
    }

    /// Needs the state `S` of the record `id`, which the command is about to begin: a fresh id, a
    /// number nobody has yet. It is not looked up first.
    pub fn begin<S>(&mut self, id: impl Into<Uuid>)
    where
        S: State,
        for<'a> &'a S::Fact: TryFrom<&'a Event>,
    {
        self.push::<S>(id.into(), true);
    }

    fn push<S>(&mut self, id: Uuid, begins: bool)
    where
        S: State,
        for<'a> &'a S::Fact: TryFrom<&'a Event>,
    {
        let key = StreamKey { organization: self.organization.0, id };
        self.list.push(Need { key, kind: Typed::<S>::KIND, begins });
    }
}

/// The states that a decision named.
pub struct States {
    organization: OrganizationId,
    pub(crate) entries: StreamMap<Entry>,
    /// Records that do not exist, for their ids are those of another kind of record.
    absent: HashMap<(StreamKey, &'static str), Entry>,
}

impl States {
    pub(crate) fn new(organization: OrganizationId) -> Self {
        Self { organization, entries: StreamMap::default(), absent: HashMap::new() }
    }

    /// Whether the state that is needed is there.
    pub(crate) fn have(&self, need: &Need) -> bool {
        self.entries.get(&need.key).is_some_and(|entry| entry.kind.feature == need.kind.feature)
            || self.absent.contains_key(&(need.key, need.kind.feature))
    }

    /// Takes in the state that is needed.
    pub(crate) fn insert(&mut self, need: &Need, entry: Entry) {
        if entry.foreign || self.entries.contains_key(&need.key) {
            self.absent.insert((need.key, need.kind.feature), entry);
        } else {
            self.entries.insert(need.key, entry);
        }
    }

    /// Whether the id is that of another kind of record.
    pub(crate) fn is_absent(&self, key: StreamKey, feature: &'static str) -> bool {
        self.absent.contains_key(&(key, feature))
    }

    /// The state of a record, if it was named and loaded.
    pub fn known<S: State>(&self, id: impl Into<Uuid>) -> Option<&S> {
        let key = StreamKey { organization: self.organization.0, id: id.into() };
        let absent = || self.absent.get(&(key, S::Fact::FEATURE)).and_then(typed);
        self.entries.get(&key).and_then(typed).or_else(absent)
    }

    /// The state of a record that the decision named; the default, if there is no such record.
    ///
    /// # Errors
    /// If `needs` did not name it: an error of the program.
    pub fn get<S: State>(&self, id: impl Into<Uuid>) -> Result<&S, Rejection> {
        let id = id.into();
        self.known(id).ok_or_else(|| {
            let state = std::any::type_name::<S>();
            Rejection::new(Kind::Unnamed, format!("the command did not name {state} {id}"))
        })
    }
}
