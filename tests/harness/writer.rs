//! Somebody who appends to a raw log at random, and writes down what they try and what they are
//! told: conflicts, keys that others use too, appends that rest on others, decisions under the
//! lock. Whether what they were told is true is judged elsewhere, from the notes.

mod notes;
mod part;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use events::log::{Answer, Append, Log, LogError, RawFact, StreamKey};
use futures_util::future::join_all;

use crate::dice::Dice;
pub use notes::{Note, Told, Tried, World};
pub use part::{Cast, Part};

/// Takes down the notes of a writer, at once.
pub type Journal = Arc<dyn Fn(u32, Note) + Send + Sync>;

/// What the writers of one process have been told so far.
#[derive(Debug, Default)]
struct Known {
    /// The last position of which one of them knows.
    head: i64,
    /// The highest version of each stream of which one of them knows.
    versions: HashMap<u32, i64>,
}

/// What the writers of one process have been told so far; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Hearsay(Arc<Mutex<Known>>);

impl Hearsay {
    fn with<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn version(&self, stream: u32) -> i64 {
        self.with(|known| known.versions.get(&stream).copied().unwrap_or(0))
    }

    fn learn(&self, tried: &Tried, told: &Told) {
        self.with(|known| match told {
            Told::Appended { first, .. } => {
                known.head = known.head.max(first - 1 + tried.facts.len() as i64);
                for &(stream, expected) in tried.expected.iter().filter(|(_, v)| *v >= 0) {
                    let own = tried.facts.iter().filter(|on| **on == stream).count() as i64;
                    let version = known.versions.entry(stream).or_default();
                    *version = (*version).max(expected + own);
                }
            }
            Told::Conflict { stream, actual } => {
                let version = known.versions.entry(*stream).or_default();
                *version = (*version).max(*actual);
            }
            _ => {}
        });
    }
}

/// Somebody who appends at random.
pub struct Writer {
    /// What there is to write to.
    pub world: World,
    /// Who it is: no two of a history are the same.
    pub number: u32,
    /// Where the appends go.
    pub log: Log,
    /// What is tried.
    pub dice: Dice,
    /// What is known, also by others.
    pub hearsay: Hearsay,
    /// Where the notes go.
    pub journal: Journal,
    /// The longest pause between two things, in milliseconds.
    pub pause_max_ms: u64,
    /// How many attempts were made.
    pub attempts: u32,
}

impl Writer {
    /// Does so many things, one after another.
    pub async fn run(mut self, things: usize) {
        self.do_things(things).await;
    }

    async fn do_things(&mut self, things: usize) {
        for _ in 0..things {
            let pause = Duration::from_millis(self.dice.between(0, self.pause_max_ms));
            tokio::time::sleep(pause).await;
            match self.dice.below(100) {
                0..30 => self.one().await,
                30..45 => self.several().await,
                45..70 => self.chain().await,
                70..80 => self.locked().await,
                80..85 => self.check().await,
                85..90 => self.broken().await,
                _ => self.impatient().await,
            }
        }
    }

    /// Does so many things, and waits until what it gave up waiting for is in the log or is not:
    /// appends of one process are answered in order.
    pub async fn run_to_the_end(mut self, things: usize) {
        self.do_things(things).await;
        self.one().await;
    }

    /// An attempt at random.
    fn attempt(&mut self) -> Tried {
        let mut tried = self.blank();
        for _ in 0..=self.dice.below(3) {
            let stream = self.dice.below(self.world.streams as usize) as u32;
            if tried.expected.iter().any(|(named, _)| *named == stream) {
                continue;
            }
            let version = self.hearsay.version(stream);
            let expected = match self.dice.below(20) {
                0..2 => 0,
                2..5 => -1,
                5 => version + 1,
                6 => version.max(1) - 1,
                _ => version,
            };
            if self.dice.chance(90) {
                tried.expected.push((stream, expected));
            }
            tried.facts.extend((0..self.dice.below(3)).map(|_| stream));
        }
        while tried.ids.len() < tried.facts.len() && self.dice.chance(40) {
            // Others are about as far: so they want the same ones at about the same time.
            let key = self.attempts / 2 + self.dice.below(6) as u32;
            if tried.ids.contains(&key) {
                break;
            }
            tried.ids.push(key);
            let named = !is_bare(key) || self.dice.chance(50);
            tried.keys.extend(named.then_some(key));
        }
        if self.dice.chance(4) {
            // If anybody else writes that one, this comes too late.
            let key = self.attempts / 2 + self.dice.below(6) as u32;
            tried.keys.extend((!is_bare(key)).then_some(key));
        }
        tried
    }

    /// An attempt at nothing yet.
    fn blank(&mut self) -> Tried {
        self.attempts += 1;
        let head = self.hearsay.with(|known| known.head);
        Tried { number: self.attempts, head, ..Tried::default() }
    }

    /// Writes down what is going to be tried.
    fn note(&self, tried: &Tried) -> Append {
        (self.journal)(self.number, Note::Tried(tried.clone()));
        self.world.append(self.number, tried)
    }

    fn hear(&self, tried: &Tried, answer: Result<Answer, LogError>) {
        let told = Told::of(&self.world, answer);
        self.hearsay.learn(tried, &told);
        (self.journal)(self.number, Note::Told { number: tried.number, told });
    }

    fn flaw(&self, what: String) {
        (self.journal)(self.number, Note::Flaw(what));
    }

    async fn give(&self, tried: Vec<Tried>) {
        let appends = tried.iter().map(|tried| self.note(tried)).collect();
        for (tried, answer) in tried.iter().zip(self.log.append_all(appends).await) {
            self.hear(tried, answer);
        }
    }

    async fn one(&mut self) {
        let tried = self.attempt();
        self.give(vec![tried]).await;
    }

    async fn several(&mut self) {
        let tried = (0..self.dice.between(2, 6)).map(|_| self.attempt()).collect();
        self.give(tried).await;
    }

    /// Only demands something.
    async fn check(&mut self) {
        let mut tried = self.attempt();
        tried.facts.clear();
        (tried.ids, tried.keys) = (Vec::new(), Vec::new());
        self.give(vec![tried]).await;
    }

    /// One of three is nothing that PostgreSQL takes.
    async fn broken(&mut self) {
        let mut tried: Vec<Tried> = (0..3).map(|_| self.attempt()).collect();
        tried[1].facts.push(0);
        tried[1].broken = true;
        self.give(tried).await;
    }

    /// Does not wait for the answer.
    async fn impatient(&mut self) {
        let tried = self.attempt();
        let patience = Duration::from_micros(self.dice.between(0, 8_000));
        drop(tokio::time::timeout(patience, self.give(vec![tried])).await);
    }

    /// Appends that are made before the ones that they rest on are answered.
    async fn chain(&mut self) {
        let stream = self.dice.below(self.world.streams as usize) as u32;
        let (slim, mut version) = (self.dice.chance(50), self.hearsay.version(stream));
        let (mut tickets, mut links) = (HashMap::new(), Vec::new());
        for _ in 0..self.dice.between(2, 5) {
            let mut link = self.attempt();
            let own = self.dice.between(0, 2) as usize;
            if slim {
                (link.expected, link.facts) = (Vec::new(), Vec::new());
            }
            link.expected.retain(|(named, _)| *named != stream);
            link.facts.retain(|on| *on != stream);
            link.expected.push((stream, version));
            link.facts.extend([stream].repeat(own));
            link.ids.truncate(link.facts.len());
            link.keys.retain(|key| link.ids.contains(key));
            link.rests_on = tickets.keys().copied().max().into_iter().collect();
            version += own as i64;
            let mut append = self.note(&link);
            append.rests_on = link.rests_on.iter().map(|number| tickets[number]).collect();
            append.ticket = self.log.ticket();
            if !link.facts.is_empty() {
                tickets.insert(link.number, append.ticket);
            }
            let mut together = vec![(link, append)];
            for _ in 0..self.dice.below(if slim { 1 } else { 3 }) {
                let beside = self.attempt();
                let append = self.note(&beside);
                together.push((beside, append));
            }
            let (tried, appends): (Vec<_>, Vec<_>) = together.into_iter().unzip();
            links.push((tried, self.log.append_all(appends)));
            if self.dice.chance(50) {
                tokio::time::sleep(Duration::from_micros(self.dice.between(0, 3_000))).await;
            }
        }
        let (tried, answers): (Vec<_>, Vec<_>) = links.into_iter().unzip();
        for (tried, answers) in tried.iter().zip(join_all(answers).await) {
            for (tried, answer) in tried.iter().zip(answers) {
                self.hear(tried, answer);
            }
        }
    }

    /// Decides on what it sees under the tail lock.
    async fn locked(&mut self) {
        let mut tried = Tried { locked: true, ..self.blank() };
        let one = self.dice.below(self.world.streams as usize) as u32;
        let other = (one + 1) % self.world.streams;
        let knows = tried.number.is_multiple_of(2);
        let from = |stream| (stream, if knows { self.hearsay.version(stream) } else { 0 });
        let named = [from(one), from(other)];
        let seen = named.map(|(stream, after)| (self.world.stream(stream), after)).to_vec();
        let (world, number, journal) = (self.world, self.number, self.journal.clone());
        let own = [one].repeat(self.dice.below(3));
        let decided = Arc::new(Mutex::new(None));
        let leave = decided.clone();
        let decide = move |facts: Vec<RawFact>| {
            for (stream, after) in named {
                let version = last(&facts, world.stream(stream), after);
                let version = version.unwrap_or_else(|flaw| {
                    journal(number, Note::Flaw(flaw));
                    -1
                });
                tried.expected.push((stream, version));
            }
            tried.facts = own;
            journal(number, Note::Tried(tried.clone()));
            let append = world.append(number, &tried);
            *leave.lock().unwrap_or_else(PoisonError::into_inner) = Some(tried);
            vec![append]
        };
        let answered = self.log.append_locked(seen, Box::new(decide)).await;
        let tried = decided.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (tried, answered) {
            (Some(tried), Ok(mut answers)) if answers.len() == 1 => {
                self.hear(&tried, answers.remove(0));
            }
            (Some(tried), Err(error)) => self.hear(&tried, Err(error)),
            (None, Err(_)) => {}
            (_, answers) => self.flaw(format!("one append was decided, and {answers:?}")),
        }
    }
}

/// Whether it is now and then nobody's key, only the id of a fact: then it is no key of others
/// either, for within a batch the log knows only those that are named as keys.
fn is_bare(key: u32) -> bool {
    key % 8 == 5
}

/// The version of a stream of which these are the facts after a version.
fn last(facts: &[RawFact], stream: StreamKey, after: i64) -> Result<i64, String> {
    let versions = facts.iter().filter(|fact| fact.stream == stream).map(|fact| fact.version);
    let mut last = after;
    for version in versions {
        if version != last + 1 {
            return Err(format!("under the lock {version} follows {last} in {stream:?}"));
        }
        last = version;
    }
    Ok(last)
}
