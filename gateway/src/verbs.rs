//! The verbs of the program: what each is asked, and how it ends. What each does stands in its
//! file.

mod backup;
mod check;
mod config;
mod database;
mod export;
mod import;
mod keys;
mod log;
mod migrate;
pub mod parts;
mod projections;
mod rebuild;
mod replay;
mod serve;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{ConfigError, Loaded};
use crate::telemetry;

/// Millrace: an event-sourced backend for business-to-business commerce and CRM.
#[derive(Debug, Parser)]
#[command(name = "millrace", version, disable_help_subcommand = true)]
struct Arguments {
    /// The directory of the embedded PostgreSQL and of the administrator's token.
    #[arg(long, global = true, default_value = "./data", value_name = "DIR")]
    data: PathBuf,
    /// The configuration file; `millrace.toml` in the working directory by default, if there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the gateway and the workers.
    ///
    /// Prints one line `ready http://…` on stdout when it accepts work. SIGTERM or Ctrl-C: stops
    /// accepting, finishes what runs, closes subscriptions, exits 0.
    Serve {
        /// Where to listen, such as 127.0.0.1:8080; port 0 takes a free one.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<String>,
        /// Fill an empty log with a wholesaler's half year first, and say what to try with it.
        #[arg(long)]
        demo: bool,
        /// Carry no read models on: other processes do, see `work`.
        #[arg(long, conflicts_with = "demo")]
        no_workers: bool,
    },
    /// Run workers only: they carry the read models on, any number of processes side by side.
    ///
    /// Prints one line when it has begun. The work is shared among all workers that run, `serve`
    /// included. What a killed one had moves to others within five seconds. SIGTERM or Ctrl-C: lets
    /// its parts go at once, exits 0.
    Work,
    /// Make read models anew from the log, beside the running ones.
    ///
    /// Everybody reads and writes on; the new tables take the old ones' place when they hold as
    /// much. Done by the workers that run, or by this program if there are none. Killed, it goes on
    /// with the next worker.
    Rebuild(rebuild::Rebuild),
    /// Make all read models as they stood at a time, in a schema of its own.
    ///
    /// Everything that was recorded by then, for a report or a BI tool. The schema is complete when
    /// it appears; drop it when it is not needed any more. Who is erased is erased there too.
    Replay(replay::Replay),
    /// About the read models: how far they are, and facts that they could not take in.
    Projections {
        #[command(subcommand)]
        what: projections::ProjectionsVerb,
    },
    /// Export to files that other tools read.
    Export {
        #[command(subcommand)]
        what: ExportVerb,
    },
    /// Import what another program wrote.
    Import {
        #[command(subcommand)]
        what: ImportVerb,
    },
    /// Verify what is stored.
    ///
    /// Looks at every fact and every batch, up to where the log ends when it begins: positions
    /// without gaps, the versions of every stream, times, the hash chain. Names the first position
    /// at which something is wrong. Then folds every read model afresh, and names the first row
    /// that differs. Changes nothing. Runs beside a `serve` or alone; exits 1 if
    /// something is wrong, or could not be read.
    Check(check::CheckStored),
    /// About the event log.
    Log {
        #[command(subcommand)]
        what: LogVerb,
    },
    /// Back up the embedded database, verify a backup, restore it.
    Backup {
        #[command(subcommand)]
        what: backup::BackupVerb,
    },
    /// Bring the database to the shape that this program needs, and exit.
    Migrate,
    /// Show settings.
    Config {
        #[command(subcommand)]
        what: ConfigVerb,
    },
    /// About the keys that persons' data is encrypted with.
    Keys {
        #[command(subcommand)]
        what: KeysVerb,
    },
    /// About the database.
    Database {
        #[command(subcommand)]
        what: DatabaseVerb,
    },
}

#[derive(Debug, Subcommand)]
enum ImportVerb {
    /// A history of orders and credit notes, from a CSV file.
    ///
    /// Every document goes through the same commands as anybody's. What is there already is not
    /// written again, so an import that was cut off is simply run again. Rows that are not taken
    /// stand in a report, with their line, document, field and reason. Runs beside a `serve` or
    /// alone.
    Orders(import::ImportOrders),
}

#[derive(Debug, Subcommand)]
enum LogVerb {
    /// The last position and the hash of everything up to it.
    ///
    /// Write them down elsewhere: `millrace check --log --head HASH` then finds what the log alone
    /// cannot tell, that it was cut off or rewritten as a whole. Exits 1 if the log is empty.
    Head(log::LogHead),
}

#[derive(Debug, Subcommand)]
enum ExportVerb {
    /// The facts of the log, as they are stored: to replay it in your own tools.
    ///
    /// Runs beside a `serve` or alone, and writes what is there when it begins. Run again, it adds
    /// what is new; killed, it goes on. What is encrypted stays so.
    Facts(export::ExportFacts),
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// The settings in force, each with its origin; secrets masked.
    Show,
    /// Say whether the settings are right; exits 2 if not.
    Check,
    /// Every setting with its default, as a documented millrace.toml.
    Default,
}

#[derive(Debug, Subcommand)]
enum KeysVerb {
    /// Wrap every person's key by a new master key.
    ///
    /// With a file of master keys, a new one is put in front first; with keys in the settings, the
    /// first of them is taken. Runs beside a `serve` or alone; nobody notices.
    Rotate,
}

#[derive(Debug, Subcommand)]
enum DatabaseVerb {
    /// The address of the database in use, for `psql "$(millrace database url)"`.
    ///
    /// Whoever signs in there may do anything, for all organizations; for people and BI tools that
    /// only read there is `millrace database reader add`.
    Url,
    /// Who reads with SQL, and which organizations: for BI tools and analysts.
    Reader {
        #[command(subcommand)]
        what: database::readers::ReaderVerb,
    },
}

/// Why a verb failed: with which exit code, and what to tell.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Wrong usage or configuration.
    fn usage(error: &dyn std::fmt::Display) -> Self {
        Self { code: 2, message: error.to_string() }
    }

    /// It could not be done.
    fn work(error: &dyn std::fmt::Display) -> Self {
        Self { code: 1, message: error.to_string() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(&error)
    }
}

/// Runs the verb that the program's arguments name.
#[must_use]
#[expect(clippy::print_stderr, reason = "the last word of the program")]
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("millrace: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let (data, file) = (arguments.data, arguments.config);
    let load = |flags: &[(&str, &str)]| crate::config::load(file.as_deref(), flags);
    match arguments.verb {
        Verb::Serve { listen, demo, no_workers } => {
            let flags: Vec<_> = listen.iter().map(|l| ("server.listen", l.as_str())).collect();
            let loaded = logged(load(&flags)?)?;
            let demo = demo.then(|| serve::demo::guide(&data, file.as_deref())).transpose()?;
            wait(serve::run(data, loaded.config, demo, !no_workers))
        }
        Verb::Work => wait(work::run(data, logged(load(&[])?)?.config)),
        Verb::Rebuild(rebuild) => wait(rebuild::run(data, logged(load(&[])?)?.config, rebuild)),
        Verb::Replay(replay) => wait(replay::run(data, logged(load(&[])?)?.config, replay)),
        Verb::Projections { what } => {
            wait(projections::run(data, logged(load(&[])?)?.config, what))
        }
        Verb::Export { what: ExportVerb::Facts(facts) } => {
            wait(export::run(data, logged(load(&[])?)?.config, facts))
        }
        Verb::Import { what: ImportVerb::Orders(orders) } => {
            wait(import::run(data, logged(load(&[])?)?.config, orders))
        }
        Verb::Check(stored) => wait(check::run(data, logged(load(&[])?)?.config, stored)),
        Verb::Log { what: LogVerb::Head(head) } => {
            wait(log::head(data, logged(load(&[])?)?.config, head))
        }
        Verb::Backup { what } => wait(backup::run(data, logged(load(&[])?)?.config, what)),
        Verb::Migrate => wait(migrate::run(data, logged(load(&[])?)?.config)),
        Verb::Keys { what: KeysVerb::Rotate } => {
            wait(keys::rotate(data, logged(load(&[])?)?.config))
        }
        Verb::Config { what: ConfigVerb::Default } => config::default(),
        Verb::Config { what: ConfigVerb::Show } => config::show(&load(&[])?),
        Verb::Config { what: ConfigVerb::Check } => config::check(&load(&[])?),
        Verb::Database { what: DatabaseVerb::Url } => database::url(&data, &load(&[])?.config),
        Verb::Database { what: DatabaseVerb::Reader { what } } => {
            wait(database::readers::run(data, logged(load(&[])?)?.config, what))
        }
    }
}

fn logged(loaded: Loaded) -> Result<Loaded, Failure> {
    telemetry::start_logging(&loaded.config.logging).map_err(|error| Failure::usage(&error))?;
    Ok(loaded)
}

fn wait(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::work(&error))?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

/// Results go to stdout; whoever closed it does not want them.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::work(&error)),
        _ => Ok(()),
    }
}
