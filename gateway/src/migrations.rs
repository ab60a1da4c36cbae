//! Brings a database to the shape that this program needs. The statements stand in `migrations/`.

use tokio_postgres::Client;

/// PostgreSQL versions below this one are refused.
const SERVER_VERSION_MIN: i32 = 150_000;

mod embedded {
    refinery::embed_migrations!("../migrations");
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// Its server is too old.
    #[error("the database runs PostgreSQL {found}; Millrace needs 15 or newer: upgrade the server")]
    ServerTooOld {
        /// Its version.
        found: String,
    },
    /// A newer program has migrated it.
    #[error(
        "the database is at migration {found}, this millrace knows {known}: \
         a newer millrace has been here; use that one"
    )]
    ProgramTooOld {
        /// The database's last migration.
        found: i32,
        /// This program's last migration.
        known: i32,
    },
    /// A migration could not be applied.
    #[error("migrating the database: {0}")]
    Migration(#[from] refinery::Error),
    /// The database cannot be reached or refuses.
    #[error("asking the database: {0}")]
    Database(#[from] tokio_postgres::Error),
}

/// Applies what lacks; several processes may do so at once.
///
/// # Errors
/// [`MigrationError`]: nothing was changed, but for whole migrations.
pub async fn run(client: &mut Client) -> Result<usize, MigrationError> {
    const LOCK: i64 = 0x6d69_6c6c_6d69_6772;
    let version: String = client.query_one("show server_version_num", &[]).await?.get(0);
    check_server(&version)?;
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).await?;
    let outcome = migrate(client).await;
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await?;
    outcome
}

async fn migrate(client: &mut Client) -> Result<usize, MigrationError> {
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(refinery::Migration::version).max();
    let history = "select to_regclass('refinery_schema_history') is not null";
    if client.query_one(history, &[]).await?.get(0) {
        let applied = runner.get_last_applied_migration_async(client).await?;
        let (found, known) = (applied.map_or(0, |last| last.version()), known.unwrap_or(0));
        if found > known {
            return Err(MigrationError::ProgramTooOld { found, known });
        }
    }
    Ok(runner.run_async(client).await?.applied_migrations().len())
}

/// Refuses a server that is too old, by its `server_version_num`.
fn check_server(version: &str) -> Result<(), MigrationError> {
    match version.parse::<i32>() {
        Ok(number) if number >= SERVER_VERSION_MIN => Ok(()),
        Ok(number) => {
            let found = format!("{}.{}", number / 10_000, number % 10_000);
            Err(MigrationError::ServerTooOld { found })
        }
        Err(_) => Err(MigrationError::ServerTooOld { found: version.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_before_15_is_refused_with_its_version() {
        assert!(check_server("150018").is_ok());
        let refused = check_server("140011").unwrap_err().to_string();
        assert!(refused.contains("PostgreSQL 14.11"), "{refused}");
    }
}
