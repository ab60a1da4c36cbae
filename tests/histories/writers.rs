//! Histories of the raw log: writers in this process, each group of them as separate as a process
//! is; or in processes that are killed.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use harness::cluster::built;
use harness::writer::{Cast, Journal, Note, Part, World};
use harness::{Dice, Proxy};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::ledger::settle;
use super::play::Stage;
use super::scene::Scene;
use super::tally::Tally;

/// The first number of processes that only look whether everybody is served again.
const LAST: u32 = 1_000;

/// What was noted, and by whom.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<(u32, Note)>>>);

impl Notes {
    fn take_down(&self, writer: u32, note: Note) {
        self.0.lock().unwrap().push((writer, note));
    }

    fn journal(&self) -> Journal {
        let notes = self.clone();
        Arc::new(move |writer, note| notes.take_down(writer, note))
    }
}

/// What the writers of one process are to do, in a world and behind a proxy.
fn part(stage: &mut Stage, world: World, process: u32, proxy: &Proxy, uneven: bool) -> Part {
    let (calm, dice) = (stage.calm, &mut stage.dice);
    Part {
        process,
        world,
        url: proxy.url(),
        seed: dice.between(0, u64::from(u32::MAX)),
        writers: dice.between(2, 6) as u32,
        things: dice.between(6, 14) as usize,
        // Where one is busy and the others are not, its batches come in one behind the other.
        pause_max_ms: if process > 0 && uneven { 40 } else { 2 },
        batch_facts_max: dice.pick(&[3, 10, 4_000]),
        known_streams_max: dice.pick(&[2, 200_000]),
        // Where nothing is done to anybody, nobody is told that the server is away.
        unavailable_wait_max_ms: if calm { 10_000 } else { dice.pick(&[20, 10_000]) },
    }
}

/// A history of writers that live in this process.
pub(super) async fn here(seed: u64, scene: Arc<Scene>) -> Result<Tally, String> {
    let (mut stage, notes) = (Stage::set(seed, scene).await, Notes::default());
    let world = World { streams: stage.dice.between(2, 12) as u32 };
    let (uneven, mut casts) = (stage.dice.chance(60), Vec::new());
    for (process, proxy) in (0..).zip(stage.proxies.clone()) {
        let part = part(&mut stage, world, process, &proxy, uneven);
        casts.push(part.begin(notes.journal()).await.map_err(|error| error.to_string())?);
    }
    let everybody = join_all(casts.iter().map(Cast::play));
    let faults = stage.play(async { drop(everybody.await) }).await?;
    end(stage, world, casts, &notes, faults).await
}

/// A history of writers in processes, of which most are killed and others begun in their place.
pub(super) async fn elsewhere(seed: u64, scene: Arc<Scene>) -> Result<Tally, String> {
    let (mut stage, notes) = (Stage::set(seed, scene).await, Notes::default());
    let world = World { streams: stage.dice.between(2, 12) as u32 };
    let (uneven, count) = (stage.dice.chance(60), stage.proxies.len() as u32);
    let (mut rows, mut last) = (Vec::new(), Vec::new());
    for (place, proxy) in (0..).zip(stage.proxies.clone()) {
        let lives = if stage.calm { 1 } else { stage.dice.between(1, 4) as u32 };
        let mut part = |number| part(&mut stage, world, number, &proxy, uneven);
        let parts: Vec<Part> = (0..lives).map(|life| part(place + count * life)).collect();
        last.push(part(LAST + place));
        rows.push((parts, stage.dice.others()));
    }
    let (mut killed, mut flaw) = (0, None);
    let everybody = async {
        let lives = rows.into_iter().map(|(parts, dice)| live(parts, dice, notes.clone()));
        match try_join_all(lives).await {
            Ok(kills) => killed = kills.into_iter().sum(),
            Err(error) => flaw = Some(error),
        }
    };
    let faults = stage.play(everybody).await?;
    if let Some(flaw) = flaw {
        return Err(flaw);
    }
    let casts = last.into_iter().map(|part| part.begin(notes.journal()));
    let casts = try_join_all(casts).await.map_err(|error| error.to_string())?;
    end(stage, world, casts, &notes, faults + killed).await
}

/// One process after the other, each but the last of them killed; how many were.
async fn live(parts: Vec<Part>, mut dice: Dice, notes: Notes) -> Result<usize, String> {
    let (mut killed, lives) = (0, parts.len());
    for (life, part) in parts.into_iter().enumerate() {
        let part = serde_json::to_string(&part).map_err(|error| error.to_string())?;
        let mut command = Command::new(built("writer"));
        command.arg(part).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().map_err(|error| error.to_string())?;
        let last = life + 1 == lives;
        let patience = (!last).then(|| Duration::from_millis(dice.between(0, 250)));
        killed += usize::from(listen(&mut process, patience, &notes).await?);
        let status = process.wait().await.map_err(|error| error.to_string())?;
        if last && !status.success() {
            return Err(format!("a process of writers ended: {status}"));
        }
    }
    Ok(killed)
}

/// Takes a process's notes down until it ends; so long after the first one it is killed. Whether.
async fn listen(
    process: &mut Child,
    patience: Option<Duration>,
    notes: &Notes,
) -> Result<bool, String> {
    let Some(out) = process.stdout.take() else { return Err("it has no stdout".to_owned()) };
    let (mut out, mut line, mut kill_at) = (BufReader::new(out), Vec::new(), None);
    loop {
        let read = out.read_until(b'\n', &mut line);
        let read = match kill_at {
            Some(at) => match tokio::time::timeout_at(at, read).await {
                Ok(read) => read,
                Err(_) => {
                    process.start_kill().map_err(|error| error.to_string())?;
                    kill_at = None;
                    continue;
                }
            },
            None => read.await,
        };
        read.map_err(|error| error.to_string())?;
        // One that is cut off was not written before what it speaks of was tried.
        if line.pop() != Some(b'\n') {
            return Ok(patience.is_some());
        }
        let note = serde_json::from_slice(&line).map_err(|error| error.to_string())?;
        let (writer, note): (u32, Note) = note;
        notes.take_down(writer, note);
        line.clear();
        kill_at = kill_at.or(patience.map(|wait| tokio::time::Instant::now() + wait));
    }
}

/// Everybody is served again; then the log is set against the notes.
async fn end(
    stage: Stage,
    world: World,
    casts: Vec<Cast>,
    notes: &Notes,
    faults: usize,
) -> Result<Tally, String> {
    for cast in casts {
        stage.soon(cast.last_writer().run_to_the_end(3)).await?;
    }
    let calm = stage.calm;
    let facts = stage.close().await?;
    let notes = std::mem::take(&mut *notes.0.lock().unwrap());
    let tally = settle(world, notes, &facts, calm)?;
    Ok(Tally { histories: 1, faults, ..tally })
}
