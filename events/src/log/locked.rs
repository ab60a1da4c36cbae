//! Appends that are decided under the tail lock: look, decide and write under one hold of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::Instrument;

use super::append::{Locked, fitting};
use super::appender::Appender;
use super::batch::Connection;
use super::failure::Failure;
use super::gathering::Sent;
use super::{LogError, RawFact, StreamKey};

impl Appender {
    /// Decides and writes under one hold of the tail lock.
    pub(super) async fn write_locked(&mut self, locked: Locked) {
        let deadline = self.deadline(locked.queued_at);
        let (connection, facts) = match self.hold(&locked.streams, deadline).await {
            Ok(held) => held,
            Err(error) => return drop(locked.answer.send(Err(error))),
        };
        let (appends, refusals) = fitting(&self.limits, (locked.decide)(facts));
        let sent = Sent::now(appends.len(), false);
        let written =
            connection.write_in(true, &appends, false, &mut self.known, &mut self.tickets).await;
        metrics::counter!("millrace_log_locked_total").increment(1);
        let answers = match written {
            Ok(answers) => {
                self.connection = Some(connection);
                answers.into_iter().map(Ok).collect()
            }
            Err(failure) => {
                drop(connection);
                self.known.forget();
                let resolving = failure.is_unknown();
                let span = sent.span.clone();
                self.outcome(&appends, resolving, deadline).instrument(span).await
            }
        };
        let (answer, mut answered) = oneshot::channel();
        self.answer(&appends, answers, vec![(appends.len(), answer)], &sent);
        let answers = answered.try_recv().map(|answers| refusals.among(answers));
        drop(locked.answer.send(answers.map_err(|_| LogError::Closed)));
    }

    /// Takes the tail lock, and looks what these streams hold.
    async fn hold(
        &mut self,
        streams: &[(StreamKey, i64)],
        deadline: Instant,
    ) -> Result<(Arc<Connection>, Vec<RawFact>), LogError> {
        let mut patience = self.limits.silence_max;
        loop {
            let failure = match self.lock(streams, patience).await {
                Ok(held) => return Ok(held),
                Err(failure) => failure,
            };
            if failure.is_refusal() {
                return Err(LogError::Database(failure.fault.to_string()));
            }
            if Instant::now() >= deadline {
                return Err(LogError::Unavailable(failure.fault.to_string()));
            }
            patience = self.longer(patience, &failure);
            metrics::counter!("millrace_log_retries_total").increment(1);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn lock(
        &mut self,
        streams: &[(StreamKey, i64)],
        patience: Duration,
    ) -> Result<(Arc<Connection>, Vec<RawFact>), Failure> {
        let connection = self.connect(patience).await?;
        let facts = connection.lock(streams).await?;
        Ok((connection, facts))
    }
}
