//! `import orders`: the parts that an import needs, and what it tells in the end.

mod upkeep;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;

use super::parts::{Database, Parts};
use super::serve::stop_signal;
use super::{Failure, print};
use crate::app::{fresh_id, system_clock};
use crate::config::Config;
use crate::import::commander::Commander;
use crate::import::layout::Layout;
use crate::import::mapping::Mapping;
use crate::import::names::NameClerk;
use crate::import::organization::{self, NOBODY};
use crate::import::patience::Patience;
use crate::import::reading::Source;
use crate::import::report::{self, Draft};
use crate::import::summary::Summary;
use crate::import::survey::Survey;
use crate::import::task::Task;
use crate::import::{ImportError, ImportLimits, execution};
use crate::progress::Progress;
use upkeep::Upkeep;

/// What `import orders` is asked.
#[derive(Debug, Args)]
pub(super) struct ImportOrders {
    /// The file: CSV, as it is or packed with gzip or xz.
    file: PathBuf,
    /// How the file is to be read: TOML, such as examples/online-retail.toml.
    #[arg(long, value_name = "FILE")]
    mapping: PathBuf,
    /// The organization to import into; by default the mapping's, or the only one there is.
    #[arg(long, value_name = "SLUG")]
    organization: Option<String>,
    /// Only look at the file: write nothing but the report. Needs no database.
    #[arg(long)]
    validate_only: bool,
    /// Where to report the rows that are not taken; <file name>.report.csv by default.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Tell what it came to as one JSON object.
    #[arg(long)]
    json: bool,
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Usage(message) => Self::usage(&message),
            ImportError::Work(message) => Self::work(&message),
        }
    }
}

pub(super) async fn run(
    data: PathBuf,
    config: Config,
    arguments: ImportOrders,
) -> Result<(), Failure> {
    config.check()?;
    let began = Instant::now();
    let progress = Progress::start("importing");
    let imported = import(&data, &config, &arguments, progress.clone()).await;
    progress.end();
    let summary = Summary { took: began.elapsed(), ..imported? };
    match arguments.json {
        true => print(&summary.json().to_string()),
        false => print(&summary.to_string()),
    }
}

/// Looks at the whole file before anything is started or written.
async fn import(
    data: &Path,
    config: &Config,
    arguments: &ImportOrders,
    progress: Progress,
) -> Result<Summary, Failure> {
    let limits = ImportLimits::from(&config.import);
    let mapping = Mapping::read(&arguments.mapping).map_err(ImportError::from)?;
    let source = Source::open(&arguments.file, limits.row_bytes_max);
    let source = source.map_err(|error| Failure::usage(&error))?;
    let layout = Layout::find(&source, &mapping).map_err(ImportError::from)?;
    let now = system_clock()();
    let task = Arc::new(Task { source, mapping, layout, now, limits, progress });
    let surveyed = task.clone();
    let survey = Arc::new(blocking(move || Survey::of(&surveyed)).await?);
    let name = arguments.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let report = arguments.report.clone();
    let report = report.unwrap_or_else(|| PathBuf::from(format!("{name}.report.csv")));
    let draft = Draft::create(&report)?;
    let summary = if arguments.validate_only {
        let (reported, seen) = (task.clone(), survey.clone());
        let write = move || report::write(&reported, &seen, &Default::default(), draft);
        let counted = blocking(write).await?;
        Summary::of_survey(&survey, &counted, &task.mapping)
    } else {
        let database = Database::open(data, config).await?;
        let imported = into(&database, config, arguments, (task, survey), draft).await;
        let closed = database.close().await;
        let imported = imported?;
        closed?;
        imported
    };
    Ok(Summary { file: name, report, ..summary })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImportError> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Failure::work(&error))??)
}

/// Imports a file that was looked at.
async fn into(
    database: &Database,
    config: &Config,
    arguments: &ImportOrders,
    (task, survey): (Arc<Task>, Arc<Survey>),
    draft: Draft,
) -> Result<Summary, Failure> {
    let stop = stop_signal()?;
    database.migrate().await?;
    let masters = database.masters().clone().source();
    let parts = Parts::without_projector(database.config(), masters, config).await?;
    let patience = Arc::new(Patience::new(task.limits.retry_wait_max, stop));
    let upkeep = Upkeep::begin(&parts, database.config(), config, patience.clone()).await?;
    let commander = Commander {
        executor: parts.executor.clone(),
        organization: NOBODY,
        clock: system_clock(),
        correlation: fresh_id(),
        patience,
    };
    let slug = arguments.organization.as_deref();
    let imported = write(&parts, &upkeep, commander, slug, (task, survey), draft).await;
    upkeep.end().await;
    parts.stop().await;
    imported
}

async fn write(
    parts: &Parts,
    upkeep: &Upkeep,
    commander: Commander,
    slug: Option<&str>,
    (task, survey): (Arc<Task>, Arc<Survey>),
    draft: Draft,
) -> Result<Summary, Failure> {
    let (mapping, reader) = (&task.mapping, &parts.reader);
    let caught_up = async || upkeep.caught_up(None).await;
    let chosen = organization::choose(slug, mapping, reader, &commander, caught_up).await?;
    let commander = Commander { organization: chosen.id, ..commander };
    let (clerk_task, clerk_survey) = (&*task, &*survey);
    let clerk = NameClerk { task: clerk_task, survey: clerk_survey, reader, commander: &commander };
    let names = clerk.names(caught_up).await?;
    let executed = execution::execute(&task, &survey, &names, &commander).await?;
    let (reported, seen, refused) = (task.clone(), survey.clone(), executed.refused.clone());
    let counted = blocking(move || report::write(&reported, &seen, &refused, draft)).await?;
    let summary = Summary::of_import(&survey, &names, executed, &counted, mapping)?;
    upkeep.caught_up(Some(&task.progress)).await?;
    let facts = summary.facts + u64::from(chosen.facts);
    Ok(Summary { organization: chosen.slug, facts, ..summary })
}
