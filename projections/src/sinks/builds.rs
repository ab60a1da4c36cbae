//! Builds: the tables of a projection, made once each. One is live, and shown under `read`; beside
//! it another may be made, from the first fact, and take its place. Who fills them is the workers'
//! business.

mod copies;
mod switching;

use events::words::Position;
use tokio_postgres::{Client, Row, Transaction};

use super::readers;
use super::sql::{Params, Projection, SinkError};
use crate::parts::PARTS;
pub use copies::{copy, drop_copies, is_schema, parked_in, publish_copies};
pub use switching::{drop_retired, switch};

/// Whoever creates, switches or drops a build holds this.
const LOCK: i64 = 0x6d69_6c6c_7072_6f6a;

/// The tables of a projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Which.
    pub id: i64,
    /// The projection.
    pub name: String,
    /// The version of its fold and tables.
    pub version: i32,
    /// The schema that holds them.
    pub schema: String,
    /// How it stands.
    pub state: State,
    /// The parts of its work.
    pub parts: i32,
    /// Whether its indexes are there.
    pub indexed: bool,
}

/// How a build stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is being filled, and nobody reads it.
    Building,
    /// Everybody reads it.
    Live,
    /// Another one took its place; it goes soon.
    Retired,
    /// Somebody folds afresh, to compare or to look back; nobody else carries it on.
    Copy,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Live => "live",
            Self::Retired => "retired",
            Self::Copy => "copy",
        }
    }
}

impl Build {
    /// The columns that [`Self::read`] takes.
    pub(super) const COLUMNS: &'static str =
        "b.build, b.name, b.version, b.schema, b.state, b.parts, b.indexed";

    pub(super) fn read(row: &Row) -> Self {
        let states = [State::Building, State::Live, State::Copy];
        let state = states.into_iter().find(|state| state.word() == row.get::<_, &str>(4));
        let state = state.unwrap_or(State::Retired);
        Self {
            id: row.get(0),
            name: row.get(1),
            version: row.get(2),
            schema: row.get(3),
            state,
            parts: row.get(5),
            indexed: row.get(6),
        }
    }

    /// Whether it is one of this projection, as this program folds it.
    #[must_use]
    pub fn is_of(&self, projection: &dyn Projection) -> bool {
        self.name == projection.name() && self.version == projection.version()
    }
}

/// Every build that is live or being filled.
///
/// # Errors
/// If the database cannot be reached.
pub async fn all(client: &Client) -> Result<Vec<Build>, SinkError> {
    let query = format!(
        "select {} from projections.builds as b where b.state in ('live', 'building') \
         order by b.build",
        Build::COLUMNS
    );
    Ok(client.query(&query, &[]).await?.iter().map(Build::read).collect())
}

/// Creates what this program's projections lack. Where the log is empty, or a projection new, it is
/// live at once; else a build of this program's version is begun, to be filled in the background.
/// Several processes may start at once: one creates, the others find it done.
///
/// # Errors
/// If the database cannot be reached or refuses.
pub async fn prepare(
    client: &mut Client,
    projections: &[Box<dyn Projection>],
    log_is_empty: bool,
) -> Result<(), SinkError> {
    let transaction = locked(client).await?;
    for projection in projections {
        let projection = projection.as_ref();
        let of = |state: State| {
            let builds = known(&transaction, projection.name());
            async move { Ok::<_, SinkError>(builds.await?.into_iter().find(|b| b.state == state)) }
        };
        let (live, building) = (of(State::Live).await?, of(State::Building).await?);
        let newest = [&live, &building].into_iter().flatten().map(|build| build.version).max();
        if newest.is_some_and(|newest| newest >= projection.version()) {
            continue;
        }
        match newest {
            None if log_is_empty => drop(create(&transaction, projection, State::Live).await?),
            _ => drop(create(&transaction, projection, State::Building).await?),
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// Begins a build of a projection beside the live one; or the one that is being filled, if it is of
/// this program's version.
///
/// # Errors
/// If the database cannot be reached or refuses.
pub async fn begin(client: &mut Client, projection: &dyn Projection) -> Result<Build, SinkError> {
    let transaction = locked(client).await?;
    let known = known(&transaction, projection.name()).await?;
    let filled = |build: &Build| build.state == State::Building && build.is_of(projection);
    let build = match known.into_iter().find(filled) {
        Some(build) => build,
        None => create(&transaction, projection, State::Building).await?,
    };
    transaction.commit().await?;
    Ok(build)
}

pub(super) async fn locked(client: &mut Client) -> Result<Transaction<'_>, SinkError> {
    let transaction = client.transaction().await?;
    transaction.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    Ok(transaction)
}

async fn known(transaction: &Transaction<'_>, name: &str) -> Result<Vec<Build>, SinkError> {
    let query = format!(
        "select {} from projections.builds as b \
         where b.name = $1 and b.state in ('live', 'building')",
        Build::COLUMNS
    );
    Ok(transaction.query(&query, &[&name]).await?.iter().map(Build::read).collect())
}

/// Creates a build; one that was being filled makes way for it.
async fn create(
    transaction: &Transaction<'_>,
    projection: &dyn Projection,
    state: State,
) -> Result<Build, SinkError> {
    let retire = "update projections.builds set state = 'retired', retired_at = now() \
        where name = $1 and state = 'building'";
    transaction.execute(retire, &[&projection.name()]).await?;
    let schema = format!("{}_v{}", projection.name(), projection.version());
    let build = insert(transaction, projection, (state, PARTS), &schema).await?;
    if state == State::Live {
        show(transaction, projection, &build).await?;
    }
    Ok(build)
}

/// Creates tables, and notes them, in a schema of this name, or of one like it that is free.
async fn insert(
    transaction: &Transaction<'_>,
    projection: &dyn Projection,
    (state, parts): (State, i32),
    schema: &str,
) -> Result<Build, SinkError> {
    let live = state == State::Live;
    let insert = format!(
        "insert into projections.builds as b \
             (name, version, schema, state, parts, indexed, live_at) \
         select $1, $2, case when taken then $3 || '_b' || nextval('projections.schemas') else $3 \
         end, $4, $5, $6, case when $6 then now() end \
         from (select to_regnamespace($3) is not null as taken) as schema returning {}",
        Build::COLUMNS
    );
    let (name, version, word) = (projection.name(), projection.version(), state.word());
    let params: Params<'_> = vec![&name, &version, &schema, &word, &parts, &live];
    let build = Build::read(&transaction.query_one(&insert, &params).await?);
    let numbered = "insert into projections.parts (build, part, position) \
        select $1, part, 0 from generate_series(0, $2::integer - 1) as part";
    transaction.execute(numbered, &[&build.id, &parts]).await?;
    fill_schema(transaction, projection, &build.schema, live).await?;
    Ok(build)
}

/// Creates a projection's tables in a schema of their own.
async fn fill_schema(
    transaction: &Transaction<'_>,
    projection: &dyn Projection,
    schema: &str,
    indexed: bool,
) -> Result<(), SinkError> {
    let (tables, indexes) = split(projection.tables());
    let indexes = if indexed { indexes } else { String::new() };
    let statements = format!(
        "create schema {schema}; set local search_path = {schema}; {tables} {indexes} \
         set local search_path to default;"
    );
    transaction.batch_execute(&statements).await?;
    readers::open(transaction).await.map(drop)
}

/// How statements about indexes begin.
const INDEX_STATEMENTS: [&str; 3] = ["create index", "create unique index", "alter index"];

/// The statements that create a projection's tables; and those of its indexes beside the keys,
/// which are cheaper to make when the rows are there.
fn split(statements: &str) -> (String, String) {
    let (mut tables, mut indexes) = (String::new(), String::new());
    let mut in_index = false;
    for line in statements.lines() {
        in_index |= INDEX_STATEMENTS.iter().any(|statement| line.starts_with(statement));
        let to = if in_index { &mut indexes } else { &mut tables };
        to.push_str(line);
        to.push('\n');
        in_index &= !line.trim_end().ends_with(';');
    }
    (tables, indexes)
}

async fn show(
    transaction: &Transaction<'_>,
    projection: &dyn Projection,
    build: &Build,
) -> Result<(), SinkError> {
    for view in projection.views() {
        view.show(transaction, &build.schema).await?;
    }
    readers::open(transaction).await.map(drop)
}

/// Makes the indexes of a build that has its rows.
///
/// # Errors
/// If the database cannot be reached or refuses.
pub async fn index(
    client: &mut Client,
    projection: &dyn Projection,
    build: &Build,
) -> Result<(), SinkError> {
    let transaction = client.transaction().await?;
    // Nobody else makes them meanwhile, nor drops the build.
    let lock = "select indexed from projections.builds where build = $1 for update";
    let found = transaction.query_opt(lock, &[&build.id]).await?;
    if found.is_none_or(|row| row.get(0)) {
        return Ok(());
    }
    let schema = &build.schema;
    let indexes = split(projection.tables()).1;
    let statements =
        format!("set local search_path = {schema}; {indexes} set local search_path to default;");
    transaction.batch_execute(&statements).await?;
    for view in projection.views() {
        transaction.batch_execute(&format!("analyze {schema}.{}", view.table)).await?;
    }
    let done = "update projections.builds set indexed = true where build = $1";
    transaction.execute(done, &[&build.id]).await?;
    transaction.commit().await?;
    Ok(())
}

/// How far the parts of a build have come: the lowest, and the highest.
///
/// # Errors
/// If the database cannot be reached.
pub async fn reached(client: &Client, build: i64) -> Result<(Position, Position), SinkError> {
    let query = "select coalesce(min(position), 0), coalesce(max(position), 0) \
        from projections.parts where build = $1";
    let row = client.query_one(query, &[&build]).await?;
    Ok((Position(row.get(0)), Position(row.get(1))))
}

async fn forget(transaction: &Transaction<'_>, build: i64) -> Result<(), SinkError> {
    let forget = "delete from projections.builds where build = $1 and state in ('retired', 'copy')";
    transaction.execute(forget, &[&build]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_told_from_tables_and_comments() {
        for projection in crate::all() {
            let (tables, indexes) = split(projection.tables());
            let all = projection.tables().matches("create index").count()
                + projection.tables().matches("create unique index").count();
            assert_eq!(indexes.matches("create").count(), all, "{}", projection.name());
            assert!(!tables.contains(" index"), "{}", projection.name());
            let whole = |text: &str| text.lines().filter(|line| !line.is_empty()).count();
            assert_eq!(whole(&tables) + whole(&indexes), whole(projection.tables()));
        }
    }
}
