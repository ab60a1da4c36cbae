//! Gives the script's commands to the executor: stage after stage, the steps of a stage side by
//! side, and as often as it takes while the executor is busy.

use std::time::{Duration, Instant};

use commands::{Command, CommandError, Context, Executor, Outcome, Request};
use events::log::LogError;
use events::words::Actor;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;

use super::script::{Stage, Step, Wanted};
use super::{DemoError, id_of, organization};

/// Steps that are given side by side.
const STEPS_MAX: usize = 128;
/// How long a step waits for an executor that is busy, or for its database.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(60);
/// The pause before a step is given again.
const PAUSE: Duration = Duration::from_millis(50);

/// Gives every step. One that was given before changes nothing.
pub(super) async fn play(
    executor: &Executor,
    stages: Vec<Stage>,
    progress: &ProgressBar,
) -> Result<(), DemoError> {
    progress.set_length(stages.iter().map(|stage| stage.len() as u64).sum());
    for stage in stages {
        let steps = stream::iter(stage).map(|step| async move {
            let given = step.give(executor).await;
            progress.inc(1);
            given
        });
        steps.buffer_unordered(STEPS_MAX).try_for_each(|_| async { Ok(()) }).await?;
    }
    Ok(())
}

impl Step {
    async fn give(self, executor: &Executor) -> Result<Outcome, DemoError> {
        let Self { key, at, wanted } = self;
        let context = Context {
            organization: organization(),
            actor: Actor::Administrator,
            now: at,
            id: id_of(&key),
        };
        match wanted {
            Wanted::Create(command) => give(executor, key, context, command).await,
            Wanted::Publish(command) => give(executor, key, context, command).await,
            Wanted::Discontinue(command) => give(executor, key, context, command).await,
            Wanted::Open(command) => give(executor, key, context, command).await,
            Wanted::Hold(command) => give(executor, key, context, command).await,
            Wanted::Receive(command) => give(executor, key, context, command).await,
            Wanted::Place(command) => give(executor, key, context, command).await,
            Wanted::Cancel(command) => give(executor, key, context, command).await,
            Wanted::Post(command) => give(executor, key, context, command).await,
        }
    }
}

/// Gives a command under its key until it is known what became of it.
pub(super) async fn give<C: Command + Clone>(
    executor: &Executor,
    key: String,
    context: Context,
    command: C,
) -> Result<Outcome, DemoError> {
    let started = Instant::now();
    loop {
        let request = Request {
            command: command.clone(),
            context,
            key: Some(key.clone()),
            expected_version: None,
            correlation: context.id,
        };
        match executor.execute(request).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) if passes(&error) && started.elapsed() < BUSY_WAIT_MAX => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(DemoError::Step { key, error }),
        }
    }
}

/// Whether it may succeed if it is given again.
fn passes(error: &CommandError) -> bool {
    matches!(
        error,
        CommandError::Busy
            | CommandError::Unanswered
            | CommandError::Log(LogError::Busy { .. } | LogError::Unavailable(_))
    )
}
