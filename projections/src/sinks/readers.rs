//! Who reads with SQL, and which organizations: logins of PostgreSQL's. What they are granted, and
//! what keeps the rows of others from them, is `open_to_readers` of `migrations/V7__bi.sql`.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient, Row, Transaction};
use uuid::Uuid;

use super::builds;
use super::sql::SinkError;

/// Somebody who reads with SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlReader {
    /// The login.
    pub name: String,
    /// The organizations whose rows it sees, with their slugs, as far as the read models know them.
    pub organizations: Vec<(Uuid, Option<String>)>,
}

/// What was done about a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// It is new.
    Made,
    /// It was there, and stays: here it had been added before, or another database has it too.
    Kept,
    /// It is gone.
    Dropped,
}

/// Why readers are not as somebody wants them.
#[derive(Debug, thiserror::Error)]
pub enum ReadersError {
    /// The group of all readers is not there, and may not be made.
    #[error(
        "the role `millrace_bi` is not there, and the database's user may not create roles: let \
         an administrator of the server run `alter role USER createrole`"
    )]
    NoGroup,
    /// The user may not make, change or drop the login.
    #[error(
        "PostgreSQL refuses: {0}. The database's user has to be one that creates roles (`alter \
         role USER createrole`) and gives the role `millrace_bi` to others (`grant millrace_bi to \
         USER with admin option`)"
    )]
    NotAllowed(String),
    /// The login is somebody else's.
    #[error("the role `{0}` is there, and is not a reader's: choose another name")]
    Taken(String),
    /// Nobody reads under this name.
    #[error(
        "nobody called `{0}` reads this database; `millrace database reader list` says who does"
    )]
    Unknown(String),
    /// The database cannot be reached, or refuses.
    #[error(transparent)]
    Database(#[from] SinkError),
}

impl From<tokio_postgres::Error> for ReadersError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refused) if *refused.code() == SqlState::INSUFFICIENT_PRIVILEGE => {
                Self::NotAllowed(refused.message().to_owned())
            }
            _ => Self::Database(error.into()),
        }
    }
}

/// Guards and grants what readers see, wherever that lacks; whether there may be readers.
pub(super) async fn open(transaction: &Transaction<'_>) -> Result<bool, SinkError> {
    let open = "select projections.open_to_readers()";
    Ok(transaction.query_one(open, &[]).await?.get(0))
}

/// Lets readers name what is in a schema, quoted; what they see of it is the tables' matter.
pub(super) async fn open_schema(
    transaction: &Transaction<'_>,
    schema: &str,
) -> Result<(), SinkError> {
    if open(transaction).await? {
        let usage = format!("grant usage on schema {schema} to millrace_bi");
        transaction.batch_execute(&usage).await?;
    }
    Ok(())
}

/// Lets a login see these organizations too, and makes the login if there is none. The password is
/// what PostgreSQL stores; none: a new login has none, an old one keeps its own.
///
/// # Errors
/// [`ReadersError`]: nothing was changed.
pub async fn add(
    client: &mut Client,
    name: &str,
    organizations: &[Uuid],
    password: Option<&str>,
) -> Result<Login, ReadersError> {
    let transaction = builds::locked(client).await?;
    if !open(&transaction).await? {
        return Err(ReadersError::NoGroup);
    }
    forget_dropped(&transaction).await?;
    // A member of the group who may do more is not a reader: what it may do is somebody's business.
    let found = "select m.member is not null and r.rolcanlogin and not r.rolsuper \
            and not r.rolbypassrls and not r.rolcreaterole and not r.rolcreatedb \
            and not r.rolreplication \
        from pg_roles as r left join pg_auth_members as m \
            on m.member = r.oid and m.roleid = 'millrace_bi'::regrole \
        where r.rolname = $1";
    let found = transaction.query(found, &[&name]).await?;
    let is_reader = |row: &Row| row.get(0);
    let login = match found.first() {
        Some(_) if !found.iter().any(is_reader) => {
            return Err(ReadersError::Taken(name.to_owned()));
        }
        Some(_) => Login::Kept,
        None => Login::Made,
    };
    if login == Login::Made {
        run(&transaction, "create role %1$I login in role millrace_bi", name, "").await?;
    }
    if let Some(password) = password {
        run(&transaction, "alter role %1$I password %2$L", name, password).await?;
    }
    // Also says, for all databases of the server, that this one needs the login.
    run(&transaction, CONNECT, name, &database(&transaction).await?).await?;
    let insert = "insert into projections.readers (reader, organization_id) \
        select r.oid, o from pg_roles as r, unnest($2::uuid[]) as o where r.rolname = $1 \
        on conflict do nothing";
    transaction.execute(insert, &[&name, &organizations]).await?;
    transaction.commit().await?;
    Ok(login)
}

const CONNECT: &str = "grant connect on database %2$I to %1$I";
const DISCONNECT: &str = "revoke connect on database %2$I from %1$I";

/// Runs a statement about a login, quoted by PostgreSQL.
async fn run(
    client: &impl GenericClient,
    statement: &str,
    name: &str,
    about: &str,
) -> Result<(), tokio_postgres::Error> {
    let quoted = "select format($1, $2::text, $3::text)";
    let quoted = client.query_one(quoted, &[&statement, &name, &about]).await?;
    client.batch_execute(quoted.get(0)).await
}

async fn database(client: &impl GenericClient) -> Result<String, tokio_postgres::Error> {
    Ok(client.query_one("select current_database()::text", &[]).await?.get(0))
}

/// Logins that somebody dropped: their numbers may be given to others one day.
async fn forget_dropped(transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
    let forget = "delete from projections.readers \
        where not exists (select from pg_roles where oid = reader)";
    transaction.execute(forget, &[]).await.map(drop)
}

/// Everybody who reads this database with SQL, by name.
///
/// # Errors
/// If the database cannot be reached.
pub async fn all(client: &Client) -> Result<Vec<SqlReader>, ReadersError> {
    let shown = "select to_regclass('read.organizations') is not null";
    let slugs = match client.query_one(shown, &[]).await?.get(0) {
        true => "select slug from read.organizations as o where o.id = k.organization_id",
        false => "null::text",
    };
    let query = format!(
        "select r.rolname::text, k.organization_id, ({slugs}) from projections.readers as k \
         join pg_roles as r on r.oid = k.reader order by 1, 3, 2"
    );
    let mut readers: Vec<SqlReader> = Vec::new();
    for row in client.query(&query, &[]).await? {
        let (name, organization) = (row.get::<_, String>(0), (row.get(1), row.get(2)));
        match readers.last_mut().filter(|last| last.name == name) {
            Some(last) => last.organizations.push(organization),
            None => readers.push(SqlReader { name, organizations: vec![organization] }),
        }
    }
    Ok(readers)
}

/// Ends what a login sees here, and its sessions; and drops it, unless another database has it too.
///
/// # Errors
/// [`ReadersError`]. If the login cannot be dropped, or a session not ended, it sees nothing from
/// the next statement on all the same.
pub async fn remove(client: &mut Client, name: &str) -> Result<Login, ReadersError> {
    let transaction = builds::locked(client).await?;
    forget_dropped(&transaction).await?;
    let delete = "delete from projections.readers using pg_roles as r \
        where reader = r.oid and r.rolname = $1";
    if transaction.execute(delete, &[&name]).await? == 0 {
        return Err(ReadersError::Unknown(name.to_owned()));
    }
    run(&transaction, DISCONNECT, name, &database(&transaction).await?).await?;
    // Who is no superuser ends sessions, and drops things, only of roles that he has.
    run(&transaction, "grant %1$I to current_user", name, "").await?;
    transaction.commit().await?;
    let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
        where datname = current_database() and usename = $1";
    client.query(end, &[&name]).await?;
    // What is the login's, or granted to it, in another database; and in this one.
    let needed = "select coalesce(bool_or(elsewhere), false), \
            coalesce(bool_or(not elsewhere), false) \
        from (select case d.dbid when 0 then d.classid <> 'pg_database'::regclass \
                or d.objid <> here.oid else d.dbid <> here.oid end as elsewhere \
            from pg_shdepend as d, pg_roles as r, pg_database as here \
            where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid \
                and r.rolname = $1 and here.datname = current_database()) as needed";
    let needed = client.query_one(needed, &[&name]).await?;
    if needed.get(0) {
        run(client, "revoke %1$I from current_user", name, "").await?;
        return Ok(Login::Kept);
    }
    if needed.get(1) {
        run(client, "drop owned by %1$I", name, "").await?;
    }
    run(client, "drop role %1$I", name, "").await?;
    Ok(Login::Dropped)
}
