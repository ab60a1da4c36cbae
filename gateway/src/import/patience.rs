//! Trying again what passes by itself: pauses that grow, and an end to it.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::ImportError;

/// The first pause before a new attempt, and the longest.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// A program that was held up itself tries so often all the same.
const ATTEMPTS_MIN: u32 = 5;
/// How often it is told that something is tried again.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Tries again what passes by itself, as long as anything gets any further.
pub struct Patience {
    wait_max: Duration,
    stop: CancellationToken,
    state: Mutex<State>,
}

struct State {
    progressed: Instant,
    told: Option<Instant>,
}

impl Patience {
    /// Gives up after so long without anything getting further, or when it is to stop.
    #[must_use]
    pub fn new(wait_max: Duration, stop: CancellationToken) -> Self {
        let state = State { progressed: Instant::now(), told: None };
        Self { wait_max, stop, state: Mutex::new(state) }
    }

    /// Something got further.
    pub fn progressed(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).progressed = Instant::now();
    }

    /// Whether it is to stop.
    ///
    /// # Errors
    /// If it is.
    pub fn go_on(&self) -> Result<(), ImportError> {
        if self.stop.is_cancelled() {
            let message = "stopped before it was through; run it again, and it goes on from there";
            return Err(ImportError::Work(message.to_owned()));
        }
        Ok(())
    }

    /// Resolves when it is to stop.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// The first outcome of `attempt` that does not pass by itself.
    ///
    /// # Errors
    /// If nothing has got further for too long, or it is to stop.
    pub async fn outcome<T, E: Display>(
        &self,
        passes: impl Fn(&E) -> bool,
        attempt: impl AsyncFn() -> Result<T, E>,
    ) -> Result<Result<T, E>, ImportError> {
        let (began, mut pause, mut attempts) = (Instant::now(), PAUSE_MIN, 0);
        loop {
            attempts += 1;
            match attempt().await {
                Err(error) if passes(&error) => {
                    self.go_on()?;
                    self.bear(began, attempts, &error)?;
                }
                outcome => {
                    self.progressed();
                    return Ok(outcome);
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => self.go_on()?,
                () = tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))) => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Whether to try again after an error.
    fn bear(&self, began: Instant, attempts: u32, error: &dyn Display) -> Result<(), ImportError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody waits for what was not begun.
        let stands_still = state.progressed.max(began).elapsed();
        if stands_still > self.wait_max && attempts >= ATTEMPTS_MIN {
            return Err(ImportError::Work(format!(
                "nothing went on for {} seconds: {error}; run it again, and it goes on from there",
                stands_still.as_secs()
            )));
        }
        if state.told.is_none_or(|told| told.elapsed() > TOLD_EVERY) {
            state.told = Some(Instant::now());
            tracing::warn!(%error, "the import waits, and tries again");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn patience(wait_max: Duration) -> (Patience, CancellationToken) {
        let stop = CancellationToken::new();
        (Patience::new(wait_max, stop.clone()), stop)
    }

    #[tokio::test]
    async fn what_passes_is_tried_again_and_what_does_not_is_told() {
        let (patience, _) = patience(Duration::from_secs(60));
        let attempts = AtomicU32::new(0);
        let attempt = async || match attempts.fetch_add(1, Ordering::Relaxed) {
            0..3 => Err("passes"),
            _ => Err("does not"),
        };
        let outcome: Result<(), _> = patience.outcome(|e| *e == "passes", attempt).await.unwrap();
        assert_eq!((outcome, attempts.into_inner()), (Err("does not"), 4));
    }

    #[tokio::test]
    async fn it_ends_when_nothing_gets_any_further() {
        let (patience, _) = patience(Duration::from_millis(100));
        let attempt = async || Err::<(), _>("away");
        let told = patience.outcome(|_| true, attempt).await.unwrap_err().to_string();
        assert!(told.contains("away") && told.contains("run it again"), "{told}");
    }

    #[tokio::test]
    async fn as_long_as_others_get_further_it_goes_on() {
        let (patience, _) = patience(Duration::from_millis(300));
        let attempts = AtomicU32::new(0);
        let attempt = async || match attempts.fetch_add(1, Ordering::Relaxed) {
            0..5 => {
                patience.progressed();
                Err("away")
            }
            _ => Ok(()),
        };
        // By then much more time has gone by than it would have waited.
        assert_eq!(patience.outcome(|_| true, attempt).await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn it_ends_when_it_is_told_to() {
        let (patience, stop) = patience(Duration::from_secs(60));
        stop.cancel();
        let attempt = async || Err::<(), _>("away");
        let told = patience.outcome(|_| true, attempt).await.unwrap_err().to_string();
        assert!(told.starts_with("stopped"), "{told}");
    }
}
