//! The appender: one task that gathers appends while a batch is being written, and writes them as
//! the next. A batch is planned on what this process knows and sent in one go, the next one even
//! before the last has come back; where the plan fails, it is decided again under the tail lock.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, FutureExt, MaybeDone, maybe_done};
use futures_util::poll;
use tokio::sync::watch;
use tokio_postgres::Config;
use tracing::Instrument;

use super::append::{Answers, Jobs, positions};
use super::batch::Connection;
use super::connection::Session;
use super::failure::{Failure, Reached};
use super::gathering::{Batch, Sent, Waiting};
use super::judge::Tickets;
use super::known::{Known, Plan};
use super::{Answer, Append, LogError, LogId, LogLimits, wake};
use crate::words::Position;

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
    mut queue: Jobs,
) {
    let mut appender = Appender::new(config, id, limits, head);
    let mut next = Batch::default();
    loop {
        while !next.is_full(&appender.limits)
            && let Some(job) = queue.try_recv()
        {
            next.push(job);
        }
        if next.appends.is_empty()
            && let Some(locked) = next.locked.take()
        {
            queue.taken(locked.load, locked.queued_at.elapsed());
            appender.land().await;
            appender.write_locked(locked).await;
            continue;
        }
        if appender.has_room_for(&next) {
            queue.taken(next.load, next.waited());
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

/// A batch that was sent as planned and has not come back yet.
struct Flight {
    waiting: Waiting,
    appends: usize,
    /// Until when a database that is away is waited for.
    deadline: Instant,
    sent: Sent,
    landing: Pin<Box<MaybeDone<BoxFuture<'static, Landed>>>>,
}

struct Landed {
    appends: Vec<Append>,
    plan: Plan,
    result: Result<DateTime<Utc>, Failure>,
}

/// The one who writes, and what it has in hand.
pub(super) struct Appender {
    config: Config,
    id: LogId,
    pub(super) limits: Arc<LogLimits>,
    head: Arc<watch::Sender<Position>>,
    pub(super) connection: Option<Arc<Connection>>,
    /// Of the last connection: whatever became of that, this may still hold the tail lock.
    session: Option<Session>,
    pub(super) known: Known,
    pub(super) tickets: Tickets,
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
        let tickets = Tickets::new(limits.queue_appends_max);
        Self {
            known: Known::new(limits.known_streams_max),
            config,
            id,
            limits,
            head,
            connection: None,
            session: None,
            tickets,
            flights: VecDeque::new(),
            shy: 0,
            shy_next: SHY_MIN,
        }
    }

    /// Whether the batch may go: at once if none is under way; behind another only if it is as
    /// large, for many small ones cost more than they save.
    fn has_room_for(&self, batch: &Batch) -> bool {
        let room = self.flights.len() < self.limits.batches_in_flight_max;
        let large = |last: &Flight| room && batch.appends.len() >= last.appends;
        !batch.appends.is_empty() && self.flights.back().is_none_or(large)
    }

    /// Until when an append that was queued then waits for a database that is away.
    pub(super) fn deadline(&self, queued_at: Instant) -> Instant {
        let far = Duration::from_secs(u32::MAX.into());
        queued_at + self.limits.unavailable_wait_max.min(far)
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
        let deadline = self.deadline(batch.since.unwrap_or_else(Instant::now));
        let Some((connection, plan)) = plan else {
            self.land().await;
            self.shy = self.shy.saturating_sub(1);
            return self.write(&batch.appends, batch.waiting, false, deadline).await;
        };
        let Batch { appends, waiting, .. } = batch;
        let count = appends.len();
        let landing = async move {
            let result = connection.carry_out(&appends, &plan).await;
            Landed { appends, plan, result }
        };
        metrics::counter!("millrace_log_plans_total").increment(1);
        let sent = Sent::now(count, true);
        let landing = landing.instrument(sent.span.clone());
        let mut landing = Box::pin(maybe_done(landing.boxed()));
        // Polled once it is sent: behind the one before it, ahead of the one after it.
        let _ = poll!(&mut landing);
        self.flights.push_back(Flight { waiting, appends: count, deadline, sent, landing });
        self.count_flights();
    }

    fn count_flights(&self) {
        metrics::gauge!("millrace_log_batches_in_flight").set(self.flights.len() as f64);
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
            self.count_flights();
            (&mut flight.landing).await;
            let Some(landed) = flight.landing.as_mut().take_output() else { continue };
            match landed.result {
                Ok(at) => {
                    self.shy_next = SHY_MIN;
                    let answers: Answers = landed.plan.verdict.answers_at(at).map(Ok).collect();
                    self.answer(&landed.appends, answers, flight.waiting, &flight.sent);
                }
                Err(failure) => failed.push((landed.appends, flight, failure)),
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
        if failed.iter().any(|(.., failure)| !failure.spares_connection()) {
            self.connection = None;
        }
        for (appends, flight, failure) in failed {
            metrics::counter!("millrace_log_plans_failed_total").increment(1);
            tracing::debug!(error = %failure.fault, "a batch did not go as planned");
            let resolving = failure.is_unknown();
            self.write(&appends, flight.waiting, resolving, flight.deadline).await;
        }
    }

    /// Writes a batch under the tail lock and answers. With `resolving`, a commit of it was sent
    /// before and its answer never came.
    async fn write(
        &mut self,
        appends: &[Append],
        waiting: Waiting,
        resolving: bool,
        deadline: Instant,
    ) {
        metrics::counter!("millrace_log_locked_total").increment(1);
        let sent = Sent::now(appends.len(), false);
        let span = sent.span.clone();
        let answers = self.outcome(appends, resolving, deadline).instrument(span).await;
        self.answer(appends, answers, waiting, &sent);
    }

    pub(super) fn answer(
        &self,
        appends: &[Append],
        answers: Answers,
        waiting: Waiting,
        batch: &Sent,
    ) {
        batch.count(&answers);
        metrics::gauge!("millrace_log_known_streams").set(self.known.streams() as f64);
        if let Some((first, last)) = positions(appends, &answers) {
            batch.span.record("first", first).record("last", last);
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
    pub(super) async fn outcome(
        &mut self,
        appends: &[Append],
        mut resolving: bool,
        deadline: Instant,
    ) -> Answers {
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
                return self.one_by_one(appends, &failure, resolving, deadline).await;
            }
            patience = self.longer(patience, &failure);
            resolving |= failure.is_unknown();
            tracing::warn!(error = %failure.fault, resolving, "a batch could not be written yet");
            metrics::counter!("millrace_log_retries_total").increment(1);
            if !resolving && Instant::now() >= deadline {
                let error = LogError::Unavailable(failure.fault.to_string());
                return vec![Err(error); appends.len()];
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// How long the database may say nothing the next time: longer, if that is what failed.
    pub(super) fn longer(&self, patience: Duration, failure: &Failure) -> Duration {
        let slower = if failure.is_silence() { 2 } else { 1 };
        (patience * slower).min(self.limits.silence_max * SILENCES_MAX)
    }

    /// PostgreSQL refused a statement: find the append that it is about, and spare its neighbours.
    async fn one_by_one(
        &mut self,
        appends: &[Append],
        failure: &Failure,
        resolving: bool,
        deadline: Instant,
    ) -> Answers {
        tracing::error!(error = ?failure.fault, "PostgreSQL refused a batch");
        if appends.len() == 1 {
            return vec![Err(LogError::Database(failure.fault.to_string()))];
        }
        let mut answers = Vec::with_capacity(appends.len());
        for append in appends {
            let alone = std::slice::from_ref(append);
            answers.extend(Box::pin(self.outcome(alone, resolving, deadline)).await);
        }
        answers
    }

    /// The connection, taken: who is done with it and has not met a failure puts it back.
    pub(super) async fn connect(&mut self, patience: Duration) -> Result<Arc<Connection>, Failure> {
        if let Some(connection) = self.connection.take().filter(|taken| !taken.is_closed()) {
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
