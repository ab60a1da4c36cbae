//! The appender: one task that gathers appends while a batch is being written, and writes them as
//! the next. A batch is planned on what this process knows and sent in one go, the next one even
//! before the last has come back; where the plan fails, it is decided again under the tail lock.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, FutureExt, MaybeDone, maybe_done};
use futures_util::poll;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_postgres::Config;
use tracing::{Instrument, Span};

use super::append::{Answers, Job, Locked, positions};
use super::batch::{Connection, Failure, Reached};
use super::connection::Session;
use super::judge::Tickets;
use super::known::{Known, Plan};
use super::{Answer, Append, LogError, LogId, LogLimits, RawFact, StreamKey, wake};
use crate::words::Position;

/// Who waits for the answers of how many appends, in order.
type Waiting = Vec<(usize, oneshot::Sender<Answers>)>;

/// Batches that may be under way at once: while PostgreSQL writes one, the next lies in wait.
const FLIGHTS_MAX: usize = 2;
/// After a plan that failed, so many batches are written under the lock; doubled each time.
const SHY_MIN: u32 = 8;
const SHY_MAX: u32 = 256;
/// A database may be this much slower than is usual.
const SILENCES_MAX: u32 = 16;

/// Runs until the last handle is dropped and everything queued is answered.
pub(super) async fn run(
    config: Config,
    id: LogId,
    limits: Arc<LogLimits>,
    head: Arc<watch::Sender<Position>>,
    mut queue: mpsc::UnboundedReceiver<Job>,
    waiting: Arc<AtomicUsize>,
) {
    let mut appender = Appender::new(config, id, limits, head);
    let mut next = Batch::default();
    loop {
        while !next.is_full(&appender.limits)
            && let Ok(job) = queue.try_recv()
        {
            next.push(job);
        }
        if next.appends.is_empty()
            && let Some(locked) = next.locked.take()
        {
            appender.land().await;
            appender.write_locked(locked).await;
            continue;
        }
        if appender.has_room_for(&next) {
            waiting.fetch_sub(next.appends.len(), Ordering::Relaxed);
            let locked = next.locked.take();
            appender.send(std::mem::take(&mut next)).await;
            next.locked = locked;
            continue;
        }
        let full = next.is_full(&appender.limits);
        tokio::select! {
            () = appender.landed() => appender.settle().await,
            job = queue.recv(), if !full => match job {
                Some(job) => next.push(job),
                None if appender.flights.is_empty() => return,
                None => appender.land().await,
            },
        }
    }
}

/// Appends that go together.
#[derive(Default)]
struct Batch {
    appends: Vec<Append>,
    waiting: Waiting,
    facts: usize,
    bytes: usize,
    /// What comes behind them, alone.
    locked: Option<Locked>,
}

impl Batch {
    fn push(&mut self, job: Job) {
        let (appends, answer) = match job {
            Job::Batch { appends, answer } => (appends, answer),
            Job::Locked(locked) => {
                self.locked = Some(locked);
                return;
            }
        };
        let facts = appends.iter().flat_map(|append| &append.facts);
        for fact in facts {
            self.facts += 1;
            self.bytes += fact.data.len() + fact.meta.len();
        }
        self.waiting.push((appends.len(), answer));
        self.appends.extend(appends);
    }

    fn is_full(&self, limits: &LogLimits) -> bool {
        self.locked.is_some()
            || self.facts >= limits.batch_facts_max
            || self.bytes >= limits.batch_bytes_max
    }
}

/// A batch that was sent as planned and has not come back yet.
struct Flight {
    waiting: Waiting,
    appends: usize,
    span: Span,
    landing: Pin<Box<MaybeDone<BoxFuture<'static, Landed>>>>,
}

struct Landed {
    appends: Vec<Append>,
    plan: Plan,
    result: Result<DateTime<Utc>, Failure>,
}

struct Appender {
    config: Config,
    id: LogId,
    limits: Arc<LogLimits>,
    head: Arc<watch::Sender<Position>>,
    connection: Option<Arc<Connection>>,
    /// Of the last connection: whatever became of that, this may still hold the tail lock.
    session: Option<Session>,
    known: Known,
    tickets: Tickets,
    flights: VecDeque<Flight>,
    /// So many batches are not planned.
    shy: u32,
    /// So many after the next failure.
    shy_next: u32,
}

impl Appender {
    fn new(
        config: Config,
        id: LogId,
        limits: Arc<LogLimits>,
        head: Arc<watch::Sender<Position>>,
    ) -> Self {
        Self {
            known: Known::new(limits.known_streams_max),
            config,
            id,
            limits,
            head,
            connection: None,
            session: None,
            tickets: Tickets::default(),
            flights: VecDeque::new(),
            shy: 0,
            shy_next: SHY_MIN,
        }
    }

    /// Whether the batch may go: at once if none is under way; behind another only if it is as
    /// large, for many small ones cost more than they save.
    fn has_room_for(&self, batch: &Batch) -> bool {
        let large =
            |last: &Flight| self.flights.len() < FLIGHTS_MAX && batch.appends.len() >= last.appends;
        !batch.appends.is_empty() && self.flights.back().is_none_or(large)
    }

    /// Sends a batch as planned or, where there is no plan, writes it under the tail lock.
    async fn send(&mut self, batch: Batch) {
        // What is sent over a connection that is no more would be of unknown outcome.
        self.connection.take_if(|connection| connection.is_closed());
        let plan = match self.shy {
            0 => self.connection.clone().and_then(|connection| {
                Some((connection, self.known.plan(&batch.appends, &mut self.tickets)?))
            }),
            _ => None,
        };
        let Some((connection, plan)) = plan else {
            self.land().await;
            self.shy = self.shy.saturating_sub(1);
            return self.write(&batch.appends, batch.waiting, false).await;
        };
        let Batch { appends, waiting, .. } = batch;
        let count = appends.len();
        let landing = async move {
            let result = connection.carry_out(&appends, &plan).await;
            Landed { appends, plan, result }
        };
        let span = span(count, true);
        let mut landing = Box::pin(maybe_done(landing.instrument(span.clone()).boxed()));
        // Polled once it is sent: behind the one before it, ahead of the one after it.
        let _ = poll!(&mut landing);
        self.flights.push_back(Flight { waiting, appends: count, landing, span });
    }

    /// Waits until nothing is under way.
    async fn land(&mut self) {
        while !self.flights.is_empty() {
            self.landed().await;
            self.settle().await;
        }
    }

    /// Waits until the first flight has come back; for ever, if there is none.
    async fn landed(&mut self) {
        match self.flights.front_mut() {
            Some(flight) => (&mut flight.landing).await,
            None => std::future::pending().await,
        }
    }

    /// Answers for the flight that came back first.
    async fn settle(&mut self) {
        let mut failed = Vec::new();
        while let Some(mut flight) = self.flights.pop_front() {
            (&mut flight.landing).await;
            let Some(landed) = flight.landing.as_mut().take_output() else { continue };
            match landed.result {
                Ok(at) => {
                    self.shy_next = SHY_MIN;
                    let answers: Answers = landed.plan.verdict.answers_at(at).map(Ok).collect();
                    self.answer(&landed.appends, answers, flight.waiting, &flight.span);
                }
                Err(failure) => failed.push((landed.appends, flight.waiting, failure)),
            }
            if failed.is_empty() {
                return;
            }
        }
        // Whatever was planned behind it has failed with it: it rests on another tail.
        self.known.forget();
        let lost = failed.iter().flat_map(|(appends, ..)| appends);
        lost.for_each(|append| self.tickets.take_back(append));
        (self.shy, self.shy_next) = (self.shy_next, (self.shy_next * 2).min(SHY_MAX));
        for (appends, waiting, failure) in failed {
            metrics::counter!("millrace_log_plans_failed").increment(1);
            tracing::debug!(error = %failure.fault, "a batch did not go as planned");
            if !failure.spares_connection() {
                self.connection = None;
            }
            self.write(&appends, waiting, failure.is_unknown()).await;
        }
    }

    /// Writes a batch under the tail lock and answers. With `resolving`, a commit of it was sent
    /// before and its answer never came.
    async fn write(&mut self, appends: &[Append], waiting: Waiting, resolving: bool) {
        let span = span(appends.len(), false);
        let answers = self.outcome(appends, resolving).instrument(span.clone()).await;
        self.answer(appends, answers, waiting, &span);
    }

    /// Decides and writes under one hold of the tail lock.
    async fn write_locked(&mut self, locked: Locked) {
        let deadline = Instant::now() + self.limits.unavailable_wait_max;
        let (connection, facts) = loop {
            match self.lock(&locked.streams).await {
                Ok(held) => break held,
                Err(failure) if failure.is_refusal() || Instant::now() >= deadline => {
                    let error = LogError::Unavailable(failure.fault.to_string());
                    return drop(locked.answer.send(Err(error)));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        let appends = (locked.decide)(facts);
        let written =
            connection.write_in(true, &appends, false, &mut self.known, &mut self.tickets).await;
        let span = span(appends.len(), false);
        let answers = match written {
            Ok(answers) => {
                self.connection = Some(connection);
                answers.into_iter().map(Ok).collect()
            }
            Err(failure) => {
                self.known.forget();
                self.outcome(&appends, failure.is_unknown()).instrument(span.clone()).await
            }
        };
        let (answer, mut answered) = oneshot::channel();
        self.answer(&appends, answers, vec![(appends.len(), answer)], &span);
        drop(locked.answer.send(answered.try_recv().map_err(|_| LogError::Closed)));
    }

    /// The tail lock, and what these streams hold.
    async fn lock(
        &mut self,
        streams: &[(StreamKey, i64)],
    ) -> Result<(Arc<Connection>, Vec<RawFact>), Failure> {
        let connection = self.connect(self.limits.silence_max).await?;
        let facts = connection.lock(streams).await?;
        Ok((connection, facts))
    }

    fn answer(&self, appends: &[Append], answers: Answers, waiting: Waiting, span: &Span) {
        if let Some((first, last)) = positions(appends, &answers) {
            span.record("first", first).record("last", last);
            // Durable: whoever follows may read it.
            wake::advance(&self.head, Position(last));
        }
        let mut answers = answers.into_iter();
        for (count, waiting) in waiting {
            // Whoever gave up waiting does not want the answer.
            drop(waiting.send(answers.by_ref().take(count).collect()));
        }
    }

    /// Once a commit may have happened this does not answer before it knows, however long the
    /// database is away.
    async fn outcome(&mut self, appends: &[Append], mut resolving: bool) -> Answers {
        let deadline = Instant::now() + self.limits.unavailable_wait_max;
        let (mut pause, mut patience) = (Duration::from_millis(20), self.limits.silence_max);
        loop {
            let failure = match self.attempt(appends, resolving, patience).await {
                Ok(answers) => return answers.into_iter().map(Ok).collect(),
                Err(failure) => failure,
            };
            self.connection = None;
            self.known.forget();
            appends.iter().for_each(|append| self.tickets.take_back(append));
            // Refused while writing: what is not in the log by then is not going to be.
            if failure.is_refusal() && (!resolving || failure.reached == Reached::Commit) {
                return self.one_by_one(appends, &failure, resolving).await;
            }
            let slower = if failure.is_silence() { 2 } else { 1 };
            patience = (patience * slower).min(self.limits.silence_max * SILENCES_MAX);
            resolving |= failure.is_unknown();
            tracing::warn!(error = %failure.fault, resolving, "a batch could not be written yet");
            metrics::counter!("millrace_log_batch_retries").increment(1);
            if !resolving && Instant::now() >= deadline {
                let error = LogError::Unavailable(failure.fault.to_string());
                return vec![Err(error); appends.len()];
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// PostgreSQL refused a statement: find the append that it is about, and spare its neighbours.
    async fn one_by_one(
        &mut self,
        appends: &[Append],
        failure: &Failure,
        resolving: bool,
    ) -> Answers {
        tracing::error!(error = ?failure.fault, "PostgreSQL refused a batch");
        if appends.len() == 1 {
            return vec![Err(LogError::Database(failure.fault.to_string()))];
        }
        let mut answers = Vec::with_capacity(appends.len());
        for append in appends {
            let alone = std::slice::from_ref(append);
            answers.extend(Box::pin(self.outcome(alone, resolving)).await);
        }
        answers
    }

    /// The connection, taken: who is done with it and has not met a failure puts it back.
    async fn connect(&mut self, patience: Duration) -> Result<Arc<Connection>, Failure> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let opened = Connection::open(&self.config, self.id, patience, self.session).await?;
        self.session = Some(opened.session);
        Ok(Arc::new(opened))
    }

    async fn attempt(
        &mut self,
        appends: &[Append],
        resolving: bool,
        patience: Duration,
    ) -> Result<Vec<Answer>, Failure> {
        let connection = self.connect(patience).await?;
        let answers =
            connection.write(appends, resolving, &mut self.known, &mut self.tickets).await?;
        self.connection = Some(connection);
        Ok(answers)
    }
}

/// The span of a batch: from being sent to being answered.
fn span(appends: usize, planned: bool) -> Span {
    let empty = tracing::field::Empty;
    tracing::debug_span!("batch", appends, planned, first = empty, last = empty)
}
