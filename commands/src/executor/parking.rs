//! Commands that wait for states or for the look-up of their keys, and the reads that they wait
//! for: none of them twice at once, and nobody else stalled by them.

use std::collections::HashSet;
use std::time::Instant;

use events::facts::DecodeError;
use events::log::{Earlier, Log, LogError, StreamKey, StreamSet};
use events::words::{Meta, Position};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use uuid::Uuid;

use super::cache::{Cache, Loaded};
use super::loading::load;
use super::snapshots::Snapshots;
use super::{CommandError, Job, Key, Outcome, answer};
use crate::state::{Entry, Need};

/// What came back of one read.
pub(super) struct Fetched {
    streams: Vec<StreamKey>,
    keys: Vec<Uuid>,
    found: Result<Found, LogError>,
}

type Found = (Loaded, Vec<(Uuid, Option<Earlier>)>);

/// What stands in the way of deciding a command.
pub(super) enum Lack {
    /// States that are not in the cache, and what of them is.
    Streams(Vec<(Need, Entry)>),
    /// Nobody knows yet whether its key is taken.
    Key(Uuid),
}

struct Parked {
    job: Job,
    streams: Vec<StreamKey>,
}

/// The commands that wait, and what is being read for them.
#[derive(Default)]
pub(super) struct Parking {
    parked: Vec<Parked>,
    loading: StreamSet,
    looking_up: HashSet<Uuid>,
    needs: Vec<(Need, Entry)>,
    keys: Vec<Uuid>,
    reads: FuturesUnordered<BoxFuture<'static, Fetched>>,
}

impl Parking {
    /// How many commands wait.
    pub(super) fn len(&self) -> usize {
        self.parked.len()
    }

    /// How many reads are under way.
    pub(super) fn reads(&self) -> usize {
        self.reads.len()
    }

    /// Parks a command until what it lacks is there; not more often than so many times in a row.
    pub(super) fn park(&mut self, mut job: Job, lack: Lack, loads_max: u32) {
        job.loads += 1;
        if job.loads > loads_max {
            return answer(job, Err(CommandError::Busy));
        }
        let streams = match lack {
            Lack::Streams(needs) => {
                let streams = needs.iter().map(|(need, _)| need.key).collect();
                let new = needs.into_iter().filter(|(need, _)| self.loading.insert(need.key));
                self.needs.extend(new);
                streams
            }
            Lack::Key(key) => {
                self.keys.extend(self.looking_up.insert(key).then_some(key));
                Vec::new()
            }
        };
        self.parked.push(Parked { job, streams });
    }

    /// Takes out those who have waited too long. What is being read for them is kept once it comes.
    pub(super) fn give_up(&mut self, late: impl Fn(&Job) -> bool) -> Vec<Job> {
        let late = self.parked.extract_if(.., |parked| late(&parked.job));
        late.map(|parked| parked.job).collect()
    }

    /// Begins to read what was found lacking since the last call.
    pub(super) fn read(&mut self, log: &Log, snapshots: &Snapshots) {
        if self.needs.is_empty() && self.keys.is_empty() {
            return;
        }
        let (needs, keys) = (std::mem::take(&mut self.needs), std::mem::take(&mut self.keys));
        let (log, snapshots) = (log.clone(), snapshots.clone());
        self.reads.push(Box::pin(async move {
            let streams = needs.iter().map(|(need, _)| need.key).collect();
            let begun = Instant::now();
            let found = tokio::try_join!(load(&log, &snapshots, needs), look_up(&log, &keys));
            let took = begun.elapsed().as_secs_f64();
            metrics::histogram!("millrace_executor_load_seconds").record(took);
            Fetched { streams, keys, found }
        }));
    }

    /// The next read that is done; none, if none is under way.
    pub(super) async fn next(&mut self) -> Option<Fetched> {
        self.reads.next().await
    }

    /// Takes in what was read; the commands that lack nothing more can be decided.
    pub(super) fn install(&mut self, fetched: Fetched, cache: &mut Cache) -> Vec<Job> {
        for stream in &fetched.streams {
            self.loading.remove(stream);
        }
        for key in &fetched.keys {
            self.looking_up.remove(key);
        }
        let (loaded, found) = match fetched.found {
            Ok(found) => found,
            Err(error) => {
                self.refuse(&fetched.streams, &fetched.keys, &CommandError::Log(error));
                return Vec::new();
            }
        };
        for (stream, entry) in loaded {
            match entry {
                Ok(entry) => cache.put_newer(stream, entry),
                Err(error) => self.refuse(&[stream], &[], &CommandError::Unreadable(error)),
            }
        }
        self.release(&found, cache)
    }

    fn release(&mut self, found: &[(Uuid, Option<Earlier>)], cache: &mut Cache) -> Vec<Job> {
        let mut ready = Vec::new();
        for mut parked in std::mem::take(&mut self.parked) {
            if let Key::Unknown(key) = parked.job.key {
                match found.iter().find(|(looked_up, _)| *looked_up == key) {
                    None => self.parked.push(parked),
                    Some((_, Some(earlier))) => {
                        let outcome = repeat(&parked.job, earlier);
                        answer(parked.job, outcome);
                    }
                    Some((_, None)) => {
                        parked.job.key = Key::Free;
                        ready.push(parked.job);
                    }
                }
            } else if parked.streams.iter().any(|stream| self.loading.contains(stream)) {
                self.parked.push(parked);
            } else {
                let states = parked.streams.iter().map(|key| Some((*key, cache.get(key)?)));
                parked.job.held.extend(states.flatten());
                ready.push(parked.job);
            }
        }
        ready
    }

    /// Answers everybody who waits for what could not be read.
    fn refuse(&mut self, streams: &[StreamKey], keys: &[Uuid], error: &CommandError) {
        for parked in std::mem::take(&mut self.parked) {
            let waits_for_key = matches!(parked.job.key, Key::Unknown(key) if keys.contains(&key));
            if waits_for_key || parked.streams.iter().any(|stream| streams.contains(stream)) {
                answer(parked.job, Err(error.clone()));
            } else {
                self.parked.push(parked);
            }
        }
    }
}

async fn look_up(log: &Log, keys: &[Uuid]) -> Result<Vec<(Uuid, Option<Earlier>)>, LogError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut taken = log.find(keys).await?;
    Ok(keys.iter().map(|key| (*key, taken.remove(key))).collect())
}

/// The outcome of the earlier request under the same key, if it was the same request.
pub(super) fn repeat(job: &Job, earlier: &Earlier) -> Result<Outcome, CommandError> {
    let meta: Meta = serde_json::from_slice(&earlier.meta).map_err(|error| {
        CommandError::Unreadable(DecodeError::Malformed {
            name: "meta".to_owned(),
            reason: error.to_string(),
        })
    })?;
    let request = meta.request.filter(|request| request.fingerprint == job.work.fingerprint());
    let Some(request) = request else {
        return Err(CommandError::KeyReused);
    };
    let position = Position(earlier.position.0 + i64::from(request.facts) - 1);
    Ok(Outcome { id: earlier.stream.id, position, facts: request.facts, repeated: true })
}
