//! `database reader add`, `list`, `remove`: who reads with SQL, and which organizations. What a
//! reader may do is not decided here.

use std::path::PathBuf;
use std::pin::pin;

use clap::{Args, Subcommand};
use events::log::{Log, LogId, Selection, connect};
use events::words::OrganizationId;
use futures_util::StreamExt;
use postgres_protocol::password::scram_sha_256;
use projections::sinks::readers::{self, Login, ReadersError, SqlReader};
use serde_json::json;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config as PgConfig};
use uuid::Uuid;

use crate::auth::fresh_secret;
use crate::config::Config;
use crate::verbs::parts::Database;
use crate::verbs::{Failure, print};

/// How long PostgreSQL lets a name be.
const NAME_BYTES_MAX: usize = 63;
/// Names of the group's, of Millrace's own, and of what is no role.
const NO_NAMES: [&str; 6] =
    ["millrace", "millrace_bi", "public", "none", "current_user", "session_user"];

/// What is done about readers.
#[derive(Debug, Subcommand)]
pub(in crate::verbs) enum ReaderVerb {
    /// Let somebody read organizations with SQL.
    ///
    /// Makes a login of PostgreSQL's, a member of the role `millrace_bi`. It reads the views of the
    /// schema `read` and `log.facts`, of these organizations alone, and writes nothing.
    /// A reader who is there already gets these organizations besides those it has. Prints how to
    /// connect. Runs beside a `serve` or alone.
    ///
    /// The database's user has to be allowed to create roles. The embedded PostgreSQL is reached
    /// by its socket alone, in a directory of the user that it runs as, and whoever reaches it is
    /// trusted to be who he says: there, readers are no protection from that user. For people who
    /// must not see more, run Millrace on a PostgreSQL server that asks for passwords.
    Add(AddReader),
    /// Who reads with SQL, and which organizations.
    List {
        /// Tell it as JSON: an array with an object a reader.
        #[arg(long)]
        json: bool,
    },
    /// End what somebody reads, at once.
    ///
    /// Its sessions in this database are ended. The login is dropped, unless it is needed in
    /// another database of the server.
    Remove {
        /// The login.
        #[arg(value_name = "NAME", value_parser = login)]
        name: String,
    },
}

/// Who shall read what.
#[derive(Debug, Args)]
pub(in crate::verbs) struct AddReader {
    /// The login: lower-case letters, digits and underscores, a letter first.
    #[arg(value_name = "NAME", value_parser = login)]
    name: String,
    /// An organization that it sees; may be said several times.
    #[arg(long = "organization", value_name = "SLUG", required = true)]
    organizations: Vec<String>,
    /// The login's password is the first line of this file. Otherwise a new login gets one that is
    /// printed, this once; but none on the embedded PostgreSQL, which asks for none.
    #[arg(long, value_name = "FILE", conflicts_with = "password_env")]
    password_file: Option<PathBuf>,
    /// The login's password is in this environment variable.
    #[arg(long, value_name = "VARIABLE")]
    password_env: Option<String>,
}

/// A name that needs no quotes, nowhere.
fn login(name: &str) -> Result<String, String> {
    let fits = name.len() <= NAME_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !fits {
        let right = "take lower-case letters, digits and underscores, a letter first";
        return Err(format!("{right}, at most {NAME_BYTES_MAX}: such as `anna` or `sales_report`"));
    }
    match name.starts_with("pg_") || NO_NAMES.contains(&name) {
        true => Err("this name means something else to PostgreSQL or Millrace".to_owned()),
        false => Ok(name.to_owned()),
    }
}

impl From<ReadersError> for Failure {
    fn from(error: ReadersError) -> Self {
        match error {
            ReadersError::Taken(_) | ReadersError::Unknown(_) => Self::usage(&error),
            error => Self::work(&error),
        }
    }
}

pub(in crate::verbs) async fn run(
    data: PathBuf,
    config: Config,
    what: ReaderVerb,
) -> Result<(), Failure> {
    config.check()?;
    let database = Database::open(&data, &config).await?;
    let done = run_in(&database, &config, what).await;
    let closed = database.close().await;
    print(&done?)?;
    closed
}

async fn run_in(database: &Database, config: &Config, what: ReaderVerb) -> Result<String, Failure> {
    database.migrate().await?;
    let client = connect(database.config()).await;
    let mut client = client.map_err(|error| Failure::work(&error))?;
    match what {
        ReaderVerb::Add(asked) => add(database, config, &mut client, asked).await,
        ReaderVerb::List { json } => Ok(told(&readers::all(&client).await?, json)),
        ReaderVerb::Remove { name } => Ok(match readers::remove(&mut client, &name).await? {
            Login::Kept => format!(
                "{name} sees nothing here any more; the login stays, for another database of the \
                 server has it too"
            ),
            _ => format!("{name} is removed"),
        }),
    }
}

async fn add(
    database: &Database,
    config: &Config,
    client: &mut Client,
    asked: AddReader,
) -> Result<String, Failure> {
    let said = password(&asked)?;
    let organizations = organizations(database, config, &asked.organizations).await?;
    let AddReader { name, organizations: slugs, .. } = asked;
    let asks_passwords = database.embedded().is_none();
    let is_there = readers::all(client).await?.iter().any(|reader| reader.name == name);
    let made = (said.is_none() && asks_passwords && !is_there).then(|| fresh_secret("mrr_"));
    // PostgreSQL and its log get to see what cannot be turned back into the password.
    let kept = said.as_ref().or(made.as_ref()).map(|clear| scram_sha_256(clear.as_bytes()));
    let login = readers::add(client, &name, &organizations, kept.as_deref()).await?;
    let mut lines = vec![
        format!("{name} reads {} with SQL: the views of `read`, and `log.facts`", slugs.join(", ")),
        format!("psql \"{}\"", address_for(database.config(), &name)),
    ];
    match (made, login) {
        (Some(clear), Login::Made) => {
            lines.push(format!("password, shown this once: {clear}"));
        }
        (Some(clear), _) => lines.push(format!("new password, shown this once: {clear}")),
        (None, _) if !asks_passwords => lines.push(
            "The embedded PostgreSQL is reached by its socket, by the user that it runs as, and \
             asks for no password"
                .to_owned(),
        ),
        _ => {}
    }
    Ok(lines.join("\n"))
}

/// The password that somebody chose.
fn password(asked: &AddReader) -> Result<Option<String>, Failure> {
    let (from, clear) = if let Some(path) = &asked.password_file {
        let read = std::fs::read_to_string(path);
        let read = read.map_err(|error| Failure::usage(&format!("{}: {error}", path.display())))?;
        (path.display().to_string(), read.lines().next().unwrap_or_default().to_owned())
    } else if let Some(name) = &asked.password_env {
        let read = std::env::var(name);
        let read =
            read.map_err(|error| Failure::usage(&format!("the variable {name}: {error}")))?;
        (format!("the variable {name}"), read)
    } else {
        return Ok(None);
    };
    match clear.is_empty() || clear.contains('\0') {
        true => Err(Failure::usage(&format!("{from} has no password in it"))),
        false => Ok(Some(clear)),
    }
}

/// The organizations with these slugs: each has to be one that the log speaks of.
async fn organizations(
    database: &Database,
    config: &Config,
    slugs: &[String],
) -> Result<Vec<Uuid>, Failure> {
    let log = Log::open(database.config(), LogId::default(), (&config.log).into()).await;
    let log = log.map_err(|error| Failure::work(&error))?;
    let mut found = Vec::with_capacity(slugs.len());
    for slug in slugs {
        let organization = OrganizationId::of_slug(slug).0;
        let selection = Selection { organization: Some(organization), ..Selection::default() };
        let first = pin!(log.read(selection, 1)).next().await;
        match first {
            Some(read) => read.map_err(|error| Failure::work(&error))?,
            None => {
                let message = format!("no organization has the slug `{slug}`");
                return Err(Failure::usage(&message));
            }
        };
        found.push(organization);
    }
    Ok(found)
}

fn told(readers: &[SqlReader], as_json: bool) -> String {
    if as_json {
        let organization = |(id, slug): &(Uuid, Option<String>)| json!({ "id": id, "slug": slug });
        let readers = readers.iter().map(|reader| {
            let organizations: Vec<_> = reader.organizations.iter().map(organization).collect();
            json!({ "name": reader.name, "organizations": organizations })
        });
        return serde_json::Value::from_iter(readers).to_string();
    }
    if readers.is_empty() {
        return "nobody reads with SQL; `millrace database reader add` lets somebody".to_owned();
    }
    let line = |reader: &SqlReader| {
        let name_of =
            |(id, slug): &(Uuid, Option<String>)| slug.clone().unwrap_or_else(|| id.to_string());
        let organizations: Vec<_> = reader.organizations.iter().map(name_of).collect();
        format!("{}: {}", reader.name, organizations.join(", "))
    };
    readers.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Where a login connects, in the words of libpq: what BI tools ask for one by one.
fn address_for(config: &PgConfig, name: &str) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(host) => host.clone(),
        Host::Unix(directory) => directory.to_string_lossy().into_owned(),
    });
    let hosts = hosts.collect::<Vec<_>>().join(",");
    let ports: Vec<String> = config.get_ports().iter().map(ToString::to_string).collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    let all = [
        ("host", hosts.as_str()),
        ("port", &ports.join(",")),
        ("dbname", database),
        ("user", name),
    ];
    let said = all.into_iter().filter(|(_, value)| !value.is_empty());
    said.map(|(word, value)| format!("{word}={}", quoted(value))).collect::<Vec<_>>().join(" ")
}

fn quoted(value: &str) -> String {
    if value.contains([' ', '\'', '\\']) {
        return format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"));
    }
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_has_a_name_that_needs_no_quotes() {
        for name in ["anna", "sales_report_2", &"a".repeat(63)] {
            assert_eq!(login(name).as_deref(), Ok(name));
        }
        let wrong = ["", "Anna", "1st", "_a", "a b", "a\"b", "a;b", "ä", "pg_a", "millrace_bi"];
        for name in wrong.into_iter().chain([&*"a".repeat(64)]) {
            assert!(login(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_address_is_what_libpq_reads_without_the_owners_password() {
        let config: PgConfig = "host=/a/b\\ c,db.example port=5432,5433 user=me password=secret \
            dbname=shop"
            .parse()
            .unwrap();
        let address = address_for(&config, "anna");
        assert_eq!(address, "host='/a/b c,db.example' port=5432,5433 dbname=shop user=anna");
        let read: PgConfig = address.parse().unwrap();
        assert_eq!(read.get_user(), Some("anna"));
        assert_eq!(read.get_hosts(), config.get_hosts());
    }
}
