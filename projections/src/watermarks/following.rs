//! What other processes' workers have written: told by a NOTIFY, looked up in the database, and
//! looked up now and then anyway, for a lost wake-up may cost time only. A watermark moves by what
//! the database holds, and only as far as it is known what changed on the way: where that was not
//! told in time, it is said that it was not.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use events::log::listening;
use events::words::Position;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_util::sync::CancellationToken;

use super::changes::{Changed, Step};
use super::telling::Told;
use super::{Since, Watermarks};
use crate::sinks::leases::{self, ROWS_CHANNEL, Standing};

/// How long a server may say nothing to a look.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How long one waits to be told what changed, where it is seen that something did.
const TOLD_WAIT_MAX: Duration = Duration::from_millis(100);
/// What was told and waits to be looked at, at the most.
const INBOX_MAX: usize = 1_024;

/// Keeps watermarks up to what the database holds, until told to stop.
pub async fn follow(
    config: Config,
    watermarks: Watermarks,
    poll: Duration,
    stop: CancellationToken,
) {
    let mut known = HashMap::new();
    loop {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = session(&config, (&watermarks, &mut known), poll) => ended,
        };
        if let Err(reason) = ended {
            tracing::warn!(reason, "how far the read models are is not known; trying again");
        }
        // A server that crashed has lost what it had not written yet.
        watermarks.forget();
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(poll.min(Duration::from_millis(200))) => {}
        }
    }
}

/// Follows on one connection; `known` holds the live builds from one connection to the next.
async fn session(
    config: &Config,
    (watermarks, known): (&Watermarks, &mut HashMap<String, i64>),
    poll: Duration,
) -> Result<(), String> {
    let (inbox, ended) = (Arc::<Inbox>::default(), CancellationToken::new());
    let (to, end) = (inbox.clone(), ended.clone());
    let heard = move |text: &str| to.put(text);
    let client = listening(config, ROWS_CHANNEL, heard, move || end.cancel()).await;
    let client = client.map_err(|error| error.to_string())?;
    let mut follower = Follower::default();
    loop {
        let since = watermarks.since();
        let found = timeout(SILENCE_MAX, leases::standing(&client)).await;
        let found = found.map_err(|_| "the database says nothing".to_owned())?;
        let found = found.map_err(|error| error.to_string())?;
        // What was told by now is asked for after the look: it may be of builds that it found.
        let lags = follower.look(&found, inbox.take(), (watermarks, since), known);
        let pause = if lags { TOLD_WAIT_MAX.min(poll) } else { poll };
        tokio::select! {
            () = ended.cancelled() => return Err("the connection ended".to_owned()),
            () = inbox.news.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// What was told and not looked at yet.
#[derive(Default)]
struct Inbox {
    told: Mutex<Vec<Told>>,
    news: Notify,
}

impl Inbox {
    fn put(&self, text: &str) {
        if let Some(told) = Told::decode(text) {
            let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= INBOX_MAX {
                // It is noticed that they lack.
                all.clear();
            }
            all.push(told);
        }
        self.news.notify_one();
    }

    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The live builds, as far as it is known what changed in them.
#[derive(Default)]
struct Follower {
    builds: HashMap<String, Followed>,
}

/// A live build.
#[derive(Default)]
struct Followed {
    build: i64,
    /// By part: whatever changed up to here has been told to whoever listens.
    known: BTreeMap<i32, Position>,
    /// Nobody has told what changed up to here, where a part was further than the others.
    untold: Position,
    /// Since when parts are seen further than what was told, and how far.
    ahead: Option<(Instant, BTreeMap<i32, Position>)>,
}

impl Follower {
    /// Takes in what stands in the database and what was told; whether there is more to be told
    /// soon.
    fn look(
        &mut self,
        found: &[Standing],
        told: Vec<Told>,
        (watermarks, since): (&Watermarks, Since),
        known_builds: &mut HashMap<String, i64>,
    ) -> bool {
        let mut standing: HashMap<&str, (i64, BTreeMap<i32, Position>)> = HashMap::new();
        for Standing { name, build, part, position } in found {
            let (known, parts) = standing.entry(name).or_default();
            *known = *build;
            parts.insert(*part, *position);
        }
        let mut lags = false;
        for (name, (build, parts)) in &standing {
            let followed = self.builds.entry((*name).to_owned()).or_default();
            if followed.build != *build {
                // Another one than before, or the first that is seen on this connection.
                *followed = Followed::at(*build, parts);
                let before = known_builds.insert((*name).to_owned(), *build);
                let is_same = before.is_none_or(|before| before == *build);
                let changed = if is_same { Changed::Untold } else { Changed::Everything };
                announce(watermarks, since, name, (lowest(parts), changed));
            }
        }
        for told in told {
            let heard = self.builds.iter_mut().find(|(_, followed)| followed.build == told.build);
            if let Some((name, followed)) = heard {
                // What this process has announced is known here, and better: it wrote it.
                if told.step.to > watermarks.reached(name) {
                    watermarks.changed(name, &told.step.changed);
                }
                followed.hear(&told);
            }
        }
        for (name, (_, parts)) in &standing {
            let reached = watermarks.reached(name);
            let Some(followed) = self.builds.get_mut(*name) else { continue };
            match followed.move_on(parts, reached) {
                Moved::To(position) => {
                    let is_told = reached >= followed.untold || position <= reached;
                    let changed = if is_told { Changed::NOTHING } else { Changed::Untold };
                    announce(watermarks, since, name, (position, changed));
                }
                Moved::Untold(position) => {
                    announce(watermarks, since, name, (position, Changed::Untold));
                }
            }
            lags |= followed.ahead.is_some();
        }
        lags
    }
}

/// How far a build has come.
#[derive(Debug, PartialEq, Eq)]
enum Moved {
    /// And all that changed was told.
    To(Position),
    /// And nobody told what changed.
    Untold(Position),
}

impl Followed {
    /// A build that is seen for the first time.
    fn at(build: i64, parts: &BTreeMap<i32, Position>) -> Self {
        Self { build, known: parts.clone(), untold: highest(parts), ahead: None }
    }

    /// Parts have made a step. One that does not begin where the last one ended says that something
    /// was missed, and helps nobody.
    fn hear(&mut self, told: &Told) {
        for part in &told.parts {
            if let Some(known) = self.known.get_mut(part).filter(|at| told.step.from <= **at) {
                *known = told.step.to.max(*known);
            }
        }
    }

    /// The parts are here now; by what this process has announced itself, all of them have come so
    /// far.
    fn move_on(&mut self, parts: &BTreeMap<i32, Position>, reached: Position) -> Moved {
        for known in self.known.values_mut() {
            *known = reached.max(*known);
        }
        let known = |part: &i32| self.known.get(part).copied().unwrap_or_default();
        let is_ahead = parts.iter().any(|(part, at)| *at > known(part));
        let sure = parts.iter().map(|(part, at)| known(part).min(*at)).min().unwrap_or_default();
        match self.ahead.take() {
            None if is_ahead => self.ahead = Some((Instant::now(), parts.clone())),
            Some((seen, then)) if then.iter().any(|(part, at)| *at > known(part)) => {
                if seen.elapsed() >= TOLD_WAIT_MAX {
                    self.known.clone_from(parts);
                    self.untold = highest(parts);
                    return Moved::Untold(lowest(parts));
                }
                self.ahead = Some((seen, then));
            }
            _ => {}
        }
        Moved::To(sure)
    }
}

fn highest(parts: &BTreeMap<i32, Position>) -> Position {
    parts.values().copied().max().unwrap_or_default()
}

fn lowest(parts: &BTreeMap<i32, Position>) -> Position {
    parts.values().copied().min().unwrap_or_default()
}

fn announce(
    watermarks: &Watermarks,
    since: Since,
    projection: &str,
    (to, changed): (Position, Changed),
) {
    // What was told before is known, so no step is missing.
    watermarks.announce(since, projection, &Step { from: Position(0), to, changed });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(positions: &[i64]) -> BTreeMap<i32, Position> {
        (0..).zip(positions.iter().copied().map(Position)).collect()
    }

    fn told(parts: &[i32], from: i64, to: i64) -> Told {
        let (from, to) = (Position(from), Position(to));
        let step = Step { from, to, changed: Changed::NOTHING };
        Told { build: 1, parts: parts.to_vec(), step }
    }

    fn at(positions: &[i64]) -> Followed {
        Followed::at(1, &parts(positions))
    }

    const NOWHERE: Position = Position(0);

    #[test]
    fn it_moves_as_far_as_every_part_was_told() {
        let mut followed = at(&[10, 10]);
        followed.hear(&told(&[0], 10, 15));
        assert_eq!(followed.move_on(&parts(&[15, 12]), NOWHERE), Moved::To(Position(10)));
        followed.hear(&told(&[1], 10, 12));
        followed.hear(&told(&[1], 12, 20));
        assert_eq!(followed.move_on(&parts(&[15, 12]), NOWHERE), Moved::To(Position(12)));
        assert_eq!(followed.move_on(&parts(&[15, 20]), NOWHERE), Moved::To(Position(15)));
    }

    #[test]
    fn where_a_step_lacks_it_is_not_told_and_not_before_it_was_waited_for() {
        let mut followed = at(&[10]);
        followed.hear(&told(&[0], 12, 15));
        assert_eq!(followed.move_on(&parts(&[15]), NOWHERE), Moved::To(Position(10)));
        assert_eq!(followed.move_on(&parts(&[16]), NOWHERE), Moved::To(Position(10)));
        std::thread::sleep(TOLD_WAIT_MAX);
        assert_eq!(followed.move_on(&parts(&[17]), NOWHERE), Moved::Untold(Position(17)));
        followed.hear(&told(&[0], 15, 18));
        assert_eq!(followed.move_on(&parts(&[18]), NOWHERE), Moved::To(Position(18)));
    }

    #[test]
    fn what_was_told_late_is_not_missed() {
        let mut followed = at(&[10]);
        assert_eq!(followed.move_on(&parts(&[15]), NOWHERE), Moved::To(Position(10)));
        std::thread::sleep(TOLD_WAIT_MAX);
        followed.hear(&told(&[0], 10, 15));
        assert_eq!(followed.move_on(&parts(&[19]), NOWHERE), Moved::To(Position(15)));
    }

    #[test]
    fn what_this_process_wrote_itself_needs_no_telling() {
        let mut followed = at(&[10, 10]);
        assert_eq!(followed.move_on(&parts(&[15, 15]), Position(14)), Moved::To(Position(14)));
        std::thread::sleep(TOLD_WAIT_MAX);
        assert_eq!(followed.move_on(&parts(&[16, 16]), Position(15)), Moved::To(Position(15)));
    }
}
