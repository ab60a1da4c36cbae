//! Checks the facts of one range, which begins and ends with a batch. As every batch's hash is
//! stored, that needs of the ranges before no more than the last hash and its time.

use std::vec::IntoIter;

use uuid::Uuid;

use super::bad::{Bad, EPOCH_US, Kind, positions, time};
use super::copied::{Copied, Fields, unreadable};
use super::streams::Streams;
use super::{Reader, Run};
use crate::log::chain::{BatchHash, Sum, digest};
use crate::log::{LogError, StreamKey};

/// Facts after which it is told how far the check is.
const TOLD_EVERY: u64 = 4_096;

/// Batches that follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    /// Where the batch before ends; none: they are the first.
    pub(super) after: Option<i64>,
    /// Where the last of them ends.
    pub(super) through: i64,
}

/// A batch as it is stored.
#[derive(Debug, Clone)]
struct Batch {
    first: i64,
    last: i64,
    recorded_at: i64,
    hash: Sum,
}

/// What is wrong in a range: the lowest, if anything is.
pub(super) async fn check(
    run: &Run,
    reader: &Reader,
    range: Range,
) -> Result<Option<Bad>, LogError> {
    let Batches { before, batches, torn } = Batches::read(run, reader, range).await?;
    let mut walk = Walk::begin(before, batches);
    let walked = match walk.last {
        Some(last) => walk.facts(run, reader, range, last).await?,
        None => Ok(()),
    };
    let before = walk.streams.look_up(&reader.client, &reader.versions).await?;
    // Of two at one position the chain's comes first: it says more.
    let found = walked.err().into_iter().chain(walk.version).chain(before).chain(torn);
    Ok(found.min_by_key(Bad::from))
}

/// The batches of a range, as far as they follow each other.
struct Batches {
    /// The one before them.
    before: Option<Batch>,
    batches: Vec<Batch>,
    /// Why they do not go on.
    torn: Option<Bad>,
}

impl Batches {
    async fn read(run: &Run, reader: &Reader, range: Range) -> Result<Self, LogError> {
        let bounds = (range.after.unwrap_or(i64::MIN), range.through);
        let statement = include_str!("../sql/check_batches.sql");
        let mut rows = Copied::ask(&reader.client, statement, bounds).await?;
        let mut found = Self { before: None, batches: Vec::new(), torn: None };
        while let Some(mut row) = rows.next().await? {
            let (last, first, recorded_at) = (row.number()?, row.number()?, row.number()?);
            let hash = row.bytes()?.unwrap_or_default();
            let Ok(hash) = Sum::try_from(hash) else {
                found.torn = Some(no_hash(first, last, hash.len()));
                break;
            };
            let batch = Batch { first, last, recorded_at, hash };
            if range.after == Some(last) {
                found.before = Some(batch);
                continue;
            }
            let before = found.batches.last().or(found.before.as_ref());
            found.torn = follows(range, before, &batch).err();
            if found.torn.is_some() {
                break;
            }
            run.seen(last, &hash);
            found.batches.push(batch);
        }
        Ok(found)
    }
}

/// Whether a batch goes on where the one before it (none: nothing) ends.
fn follows(range: Range, before: Option<&Batch>, batch: &Batch) -> Result<(), Bad> {
    let &Batch { first, last, recorded_at, .. } = batch;
    let end = before.map(|before| before.last).or(range.after);
    let next = end.map_or(1, |end| end.saturating_add(1));
    let said = format!("the next batch says that it has {}", positions(first, last));
    let bad = |from, to, kind, reason| Err(Bad::at(from, to, kind, reason));
    if last < next {
        let reason = format!("{said}, where the log begins at position 1");
        return bad(last, last, Kind::Stray, reason);
    }
    if first > next {
        let to = last.min(first - 1);
        let lack = if to > next { "belong" } else { "belongs" };
        let reason = format!("{} {lack} to no batch: {said}", positions(next, to));
        return bad(next, to, Kind::Batches, reason);
    }
    if first < next {
        let reason = format!("{said}, but the one before it ends at {}", next - 1);
        return bad(next, last, Kind::Batches, reason);
    }
    match before {
        Some(before) if before.recorded_at > recorded_at => {
            let (then, now) = (time(before.recorded_at), time(recorded_at));
            let reason = format!("the batch was recorded at {now}, the one before it at {then}");
            bad(first, last, Kind::Time, reason)
        }
        _ => Ok(()),
    }
}

fn no_hash(first: i64, last: i64, bytes: usize) -> Bad {
    let reason = format!("the hash of the batch has {bytes} bytes, where 32 are right");
    // It may say anything of where it begins.
    Bad::at(first.min(last), last, Kind::Hash, reason)
}

/// The facts of a range, one after another.
struct Walk {
    batches: IntoIter<Batch>,
    /// Where the last batch ends.
    last: Option<i64>,
    /// The batch that facts are taken into, with its hash until now.
    open: Option<(Batch, BatchHash)>,
    /// The hash of the batch before.
    previous: Option<Sum>,
    /// The position that comes next.
    next: i64,
    streams: Streams,
    /// What is wrong with a version in the open batch.
    version: Option<Bad>,
    bytes: Vec<u8>,
}

impl Walk {
    fn begin(before: Option<Batch>, batches: Vec<Batch>) -> Self {
        Self {
            last: batches.last().map(|batch| batch.last),
            next: batches.first().map_or(1, |batch| batch.first),
            previous: before.map(|before| before.hash),
            batches: batches.into_iter(),
            open: None,
            streams: Streams::default(),
            version: None,
            bytes: Vec::new(),
        }
    }

    /// Takes all of them; the inner result is what is wrong.
    async fn facts(
        &mut self,
        run: &Run,
        reader: &Reader,
        range: Range,
        last: i64,
    ) -> Result<Result<(), Bad>, LogError> {
        // Before the first batch nothing at all should be.
        let first = range.after.map_or(i64::MIN, |after| after.saturating_add(1));
        let statement = include_str!("../sql/check_facts.sql");
        let mut rows = Copied::ask(&reader.client, statement, (first, last)).await?;
        let (mut told, mut right) = (0, Ok(()));
        while right.is_ok()
            && let Some(row) = rows.next().await?
        {
            right = self.take(row)?;
            told += 1;
            if told == TOLD_EVERY {
                run.advance(told);
                told = 0;
            }
        }
        run.advance(told);
        Ok(if right.is_ok() && self.next <= last { Err(missing(self.next, last)) } else { right })
    }

    /// Takes the next fact.
    fn take(&mut self, mut row: Fields<'_>) -> Result<Result<(), Bad>, LogError> {
        let (position, recorded_at) = (row.number()?, row.number()?);
        let mut columns = [&[][..]; 9];
        for column in &mut columns {
            let Some(bytes) = row.bytes()? else {
                let reason = "the fact has a column without a value".to_owned();
                return Ok(Err(Bad::at(position, position, Kind::Hash, reason)));
            };
            *column = bytes;
        }
        let stream = StreamKey { organization: id(columns[0])?, id: id(columns[2])? };
        let version = i64::from_be_bytes(columns[3].try_into().map_err(|_| unreadable())?);
        let digest = digest(columns, &mut self.bytes);
        Ok(self.follow(position, recorded_at, &digest, (stream, version)))
    }

    fn follow(
        &mut self,
        position: i64,
        recorded_at: i64,
        digest: &Sum,
        (stream, version): (StreamKey, i64),
    ) -> Result<(), Bad> {
        if position < self.next {
            let reason = "a fact stands where none belongs: positions begin at 1".to_owned();
            return Err(Bad::at(position, position, Kind::Stray, reason));
        }
        if position > self.next {
            return Err(missing(self.next, position - 1));
        }
        let Some((batch, mut hash)) = self.open.take().or_else(|| self.begin_batch()) else {
            let reason = "the fact belongs to no batch".to_owned();
            return Err(Bad::at(position, position, Kind::Batches, reason));
        };
        if recorded_at != batch.recorded_at {
            let (fact, of_batch) = (time(recorded_at), time(batch.recorded_at));
            let reason =
                format!("the fact at {position} has the time {fact}, its batch {of_batch}");
            return Err(Bad::at(batch.first, batch.last, Kind::Time, reason));
        }
        hash.add(digest);
        // The batch's hash may say more: it is looked at first.
        if let Err(bad) = self.streams.take(stream, version, position) {
            self.version.get_or_insert(bad);
        }
        self.next = position.saturating_add(1);
        if position < batch.last {
            self.open = Some((batch, hash));
            return Ok(());
        }
        self.previous = Some(batch.hash);
        if hash.end() != batch.hash {
            let reason = "the hash of the batch is not what its facts make behind the batch before";
            return Err(Bad::at(batch.first, batch.last, Kind::Hash, reason.to_owned()));
        }
        self.version.take().map_or(Ok(()), Err)
    }

    /// The next batch, and its hash without facts.
    fn begin_batch(&mut self) -> Option<(Batch, BatchHash)> {
        let batch = self.batches.next()?;
        let at = batch.recorded_at.wrapping_add(EPOCH_US);
        let hash = BatchHash::begin(self.previous.as_ref(), batch.first, at);
        Some((batch, hash))
    }
}

fn missing(first: i64, last: i64) -> Bad {
    let facts = if first == last { "the fact is" } else { "the facts are" };
    let reason = format!("{facts} missing, though the log goes on");
    Bad::at(first, last, Kind::Missing, reason)
}

fn id(column: &[u8]) -> Result<Uuid, LogError> {
    Uuid::from_slice(column).map_err(|_| unreadable())
}
