//! Everybody who watches a read model: what is announced of it is looked at once for all of them,
//! step by step as the watermark moves, and put into the line of each whom it concerns.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use events::access::Access;
use events::words::Position;
use futures_util::FutureExt;
use futures_util::future::select_all;
use projections::watermarks::Mark;
use projections::watermarks::changes::{Changed as Announced, Listener};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::missed::{Looked, Work};
use super::queue::{Changed, Watched};
use super::waiting::Bounds;
use crate::fields::Listed;
use crate::filter::Filter;
use crate::{Reader, ReaderLimits};

/// How long it rests after the database has failed it.
const PAUSE: Duration = Duration::from_millis(200);
/// Records of one organization that may wait to be looked at; of more, the log is asked.
const CHANGED_MAX: usize = 16_384;

/// Everybody who watches a read model.
pub(super) struct Hub<T: Listed> {
    limits: ReaderLimits,
    state: Mutex<State<T>>,
    /// There is something to look at, however far the read model has come.
    news: Notify,
    numbers: AtomicU64,
}

struct State<T: Listed> {
    /// Everything up to here was told; none: it is not known yet where the read model stands.
    until: Option<Position>,
    groups: HashMap<Uuid, Group<T>>,
    /// Records as they were told last, by group and id.
    told: lru::LruCache<(u64, Uuid), Option<Arc<T>>>,
    is_running: bool,
}

/// Those who watch in one organization.
struct Group<T: Listed> {
    number: u64,
    watched: HashMap<u64, Arc<Watched<T>>>,
    pending: Pending,
}

/// What is to be looked at.
#[derive(Default)]
pub(super) struct Pending {
    /// Records, each with the position that everything was told up to when it changed.
    pub(super) changed: HashMap<Uuid, Position>,
    /// Others may have changed.
    pub(super) untold: Option<Untold>,
    /// Any record may be another one.
    pub(super) everything: bool,
}

/// Facts whose records nobody named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Untold {
    /// They lie behind this position.
    pub(super) since: Position,
    /// None lies behind this one; none: it is not known yet.
    pub(super) until: Option<Position>,
}

impl Untold {
    fn since(since: Position) -> Self {
        Self { since, until: None }
    }

    fn join(self, other: Self) -> Self {
        let until = self.until.zip(other.until).map(|(one, other)| one.max(other));
        Self { since: self.since.min(other.since), until }
    }
}

impl Pending {
    fn note(&mut self, id: Uuid, since: Position) {
        if self.changed.len() < CHANGED_MAX {
            self.changed.entry(id).or_insert(since);
        } else {
            self.are_untold(Untold::since(since));
        }
    }

    fn are_untold(&mut self, untold: Untold) {
        self.untold = Some(self.untold.map_or(untold, |known| known.join(untold)));
    }

    /// What could not be looked at is to be looked at again.
    fn again(&mut self, earlier: Self) {
        for (id, since) in earlier.changed {
            let known = self.changed.entry(id).or_insert(since);
            *known = since.min(*known);
        }
        if let Some(untold) = earlier.untold {
            self.are_untold(untold);
        }
        self.everything |= earlier.everything;
    }

    fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.untold.is_none() && !self.everything
    }
}

impl<T: Listed> Hub<T> {
    pub(super) fn new(limits: ReaderLimits) -> Self {
        let state = State {
            until: None,
            groups: HashMap::new(),
            told: lru::LruCache::unbounded(),
            is_running: false,
        };
        let (news, numbers) = (Notify::new(), AtomicU64::new(0));
        Self { limits, state: Mutex::new(state), news, numbers }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// One more who watches; and from which position on, if that is known by now.
    pub(super) fn enter(
        self: &Arc<Self>,
        reader: &Reader,
        access: Access,
        reads: &'static [&'static str],
        filter: Filter,
    ) -> (Arc<Watched<T>>, Option<Position>) {
        let marks = reads.iter().filter_map(|name| reader.watermarks().watch(name));
        let mut marks: Vec<_> = marks.collect();
        let bounds = Bounds {
            records_max: self.limits.live_waiting_max,
            missed_max: self.limits.live_missed_max,
        };
        let watched = Arc::new(Watched::new(self.number(), access, filter, bounds));
        let mut state = self.state();
        // Since the last one left, nobody has looked.
        if state.groups.is_empty() || state.until.is_none() {
            state.until = reached(&mut marks);
        }
        let until = state.until;
        let group = state.groups.entry(access.organization.0).or_insert_with(|| Group {
            number: self.number(),
            watched: HashMap::new(),
            // What was announced before, and cannot be read yet, nobody has noted.
            pending: Pending { untold: until.map(Untold::since), ..Pending::default() },
        });
        group.watched.insert(watched.number, watched.clone());
        if !std::mem::replace(&mut state.is_running, true) {
            tokio::spawn(self.clone().run(reader.clone(), marks));
        }
        (watched, until)
    }

    /// He watches no more.
    pub(super) fn leave(&self, watched: &Watched<T>) {
        let mut state = self.state();
        let organization = watched.access.organization.0;
        if let Some(group) = state.groups.get_mut(&organization) {
            group.watched.remove(&watched.number);
            if group.watched.is_empty() {
                state.groups.remove(&organization);
            }
        }
        if state.groups.is_empty() {
            state.told.clear();
            self.news.notify_one();
        }
    }

    /// Looks at what changes, as long as somebody watches.
    async fn run(self: Arc<Self>, reader: Reader, mut marks: Vec<watch::Receiver<Mark>>) {
        let mut failed = false;
        loop {
            failed = match reached(&mut marks) {
                Some(to) => self.step(&reader, to, failed).await,
                None => false,
            };
            if self.is_over() {
                return;
            }
            if failed {
                tokio::time::sleep(PAUSE).await;
            } else {
                let moved = select_all(marks.iter_mut().map(|mark| mark.changed().boxed()));
                tokio::select! {
                    (moved, ..) = moved => if moved.is_err() { return },
                    () = self.news.notified() => {}
                }
            }
        }
    }

    /// Whether nobody watches any more; then the next one who does has to see to it that somebody
    /// looks.
    fn is_over(&self) -> bool {
        let mut state = self.state();
        state.is_running = !state.groups.is_empty();
        !state.is_running
    }

    /// Tells everybody what has changed up to here, also where it failed before; whether that
    /// failed for some.
    async fn step(&self, reader: &Reader, to: Position, again: bool) -> bool {
        let mut failed = false;
        for work in self.begin(to, again) {
            match work.look(reader, to, self.limits.live_resume()).await {
                Ok(looked) => self.tell(work, looked, to),
                Err(error) => {
                    tracing::warn!(%error, read_model = T::NAME, "watchers are not told yet");
                    failed = true;
                    let mut state = self.state();
                    if let Some(group) = state.groups.get_mut(&work.organization) {
                        group.pending.again(work.pending);
                    }
                }
            }
        }
        failed
    }

    /// What there is to look at, now that the read model has come so far.
    fn begin(&self, to: Position, again: bool) -> Vec<Work<T>> {
        let mut state = self.state();
        let State { until, groups, told, .. } = &mut *state;
        // Where a database is set up anew, it may come from behind.
        let is_new = again || until.is_none_or(|until| to > until);
        *until = Some(until.map_or(to, |until| to.max(until)));
        let due =
            |group: &Group<T>| group.pending.everything || (is_new && !group.pending.is_empty());
        let due = groups.iter_mut().filter(|(_, group)| due(group));
        let work = due.map(|(organization, group)| {
            let pending = std::mem::take(&mut group.pending);
            let known = |id: &Uuid| Some((*id, told.get(&(group.number, *id))?.clone()));
            let known = pending.changed.keys().filter_map(known).collect();
            Work { organization: *organization, group: group.number, pending, known }
        });
        work.collect()
    }

    /// Puts what was found into the lines of those who watch.
    fn tell(&self, work: Work<T>, looked: Looked<T>, to: Position) {
        let (watched, changes) = {
            let mut state = self.state();
            let State { groups, told, .. } = &mut *state;
            let group = groups.get_mut(&work.organization);
            let Some(group) = group.filter(|group| group.number == work.group) else { return };
            let watched: Vec<_> = group.watched.values().cloned().collect();
            let Looked::Changes { changes, later, untold } = looked else {
                // What was told before need not be what is there.
                group.number = self.number();
                drop(state);
                watched.iter().for_each(|watched| watched.reload(to));
                return;
            };
            group.pending.again(Pending { changed: later, untold, everything: false });
            for Changed { id, after, .. } in &changes {
                told.put((group.number, *id), after.clone());
            }
            while told.len() > self.limits.live_rows_max {
                told.pop_lru();
            }
            (watched, changes)
        };
        if !changes.is_empty() {
            watched.iter().for_each(|watched| watched.hear(&changes, to));
        }
    }
}

impl<T: Listed> Listener for Hub<T> {
    fn changed(&self, projection: &str, changed: &Announced, _: Option<Position>) {
        if projection != T::NAME {
            return;
        }
        let mut state = self.state();
        // Where it is not known yet where the read model stands, nothing has changed "from now on".
        let Some(since) = state.until else { return };
        match changed {
            Announced::Records(changes) => {
                for change in changes {
                    if let Some(group) = state.groups.get_mut(&change.organization) {
                        group.pending.note(change.id, since);
                    }
                }
            }
            Announced::Untold => {
                let untold = Untold::since(since);
                state.groups.values_mut().for_each(|group| group.pending.are_untold(untold));
            }
            Announced::Everything => {
                state.groups.values_mut().for_each(|group| group.pending.everything = true);
                drop(state);
                self.news.notify_one();
            }
        }
    }

    /// What was told stays told: the log forgets nothing, so the rows will come to it again.
    fn forgotten(&self) {}
}

/// How far all of these have come; none, while that is not known.
fn reached(marks: &mut [watch::Receiver<Mark>]) -> Option<Position> {
    let reached = |mark: &mut watch::Receiver<Mark>| {
        let mark = mark.borrow_and_update();
        mark.known.then_some(mark.reached)
    };
    let all: Option<Vec<Position>> = marks.iter_mut().map(reached).collect();
    all?.into_iter().min()
}
