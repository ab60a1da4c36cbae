//! Facts that a build could not take in, as they are noted in the database. When they are tried
//! again is decided in the log.

use std::collections::HashSet;

use events::words::Position;
use tokio_postgres::{Client, Error, Statement};
use uuid::Uuid;

use super::sql::{Poison, SinkError};

/// The longest text that is kept of an error, in characters.
const ERROR_CHARS_MAX: usize = 2_000;

/// Whether so many more may be parked.
///
/// # Errors
/// [`SinkError::TooManyParked`].
pub(super) fn may_park(max: usize, parked: usize, more: &[Poison]) -> Result<(), SinkError> {
    match more.last() {
        Some(last) if parked + more.len() > max => {
            let last = format!("{} at {}: {}", last.fact_type, last.position, last.error);
            Err(SinkError::TooManyParked { max, last })
        }
        _ => Ok(()),
    }
}

/// Notes and forgets parked facts, within the transaction of the rows.
pub(super) struct Parking {
    park: Statement,
    known: Statement,
    forget_streams: Statement,
    forget_facts: Statement,
}

impl Parking {
    pub(super) async fn prepare(client: &Client) -> Result<Self, SinkError> {
        let park = "insert into projections.parked \
            (build, organization_id, stream_id, position, event_id, type, error) \
            select $1, k.* from \
            unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::uuid[], $6::text[], $7::text[]) as k \
            on conflict (build, organization_id, stream_id, position) \
            do update set error = excluded.error, parked_at = clock_timestamp()";
        let forget_streams = "delete from projections.parked as p \
            using unnest($2::uuid[], $3::uuid[]) as k(organization_id, stream_id) \
            where p.build = $1 and p.organization_id = k.organization_id \
            and p.stream_id = k.stream_id";
        let forget_facts =
            "delete from projections.parked where build = $1 and event_id = any($2::uuid[])";
        let known = "select event_id from projections.parked \
            where build = $1 and event_id = any($2::uuid[])";
        Ok(Self {
            park: client.prepare(park).await?,
            known: client.prepare(known).await?,
            forget_streams: client.prepare(forget_streams).await?,
            forget_facts: client.prepare(forget_facts).await?,
        })
    }

    /// Notes facts.
    pub(super) async fn park(
        &self,
        client: &Client,
        build: &i64,
        facts: &[Poison],
    ) -> Result<(), Error> {
        if facts.is_empty() {
            return Ok(());
        }
        let column = |of: fn(&Poison) -> Uuid| facts.iter().map(of).collect::<Vec<_>>();
        let organizations = column(|fact| fact.organization);
        let (streams, ids) = (column(|fact| fact.stream_id), column(|fact| fact.event_id));
        let positions: Vec<i64> = facts.iter().map(|fact| fact.position.0).collect();
        let types: Vec<&str> = facts.iter().map(|fact| fact.fact_type.as_str()).collect();
        let errors: Vec<String> = facts.iter().map(|fact| shown(&fact.error)).collect();
        for fact in facts {
            let Poison { organization, stream_id, position, error, .. } = fact;
            tracing::error!(build, %organization, %stream_id, %position, error, "a fact is parked");
        }
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
            [build, &organizations, &streams, &positions, &ids, &types, &errors];
        client.execute(&self.park, &params).await.map(drop)
    }

    /// Those of these facts that are parked.
    pub(super) async fn known(
        &self,
        client: &Client,
        build: &i64,
        ids: &[Uuid],
    ) -> Result<Vec<Uuid>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = client.query(&self.known, &[build, &ids]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Forgets whatever is parked of these streams.
    pub(super) async fn forget_streams(
        &self,
        client: &Client,
        build: &i64,
        keys: &[(Uuid, Uuid)],
    ) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        let (organizations, streams): (Vec<Uuid>, Vec<Uuid>) = keys.iter().copied().unzip();
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [build, &organizations, &streams];
        client.execute(&self.forget_streams, &params).await.map(drop)
    }

    /// Forgets these facts.
    pub(super) async fn forget_facts(
        &self,
        client: &Client,
        build: &i64,
        ids: &[Uuid],
    ) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        client.execute(&self.forget_facts, &[build, &ids]).await.map(drop)
    }
}

/// PostgreSQL has no text with the character NUL.
fn shown(error: &str) -> String {
    error.chars().filter(|char| *char != '\0').take(ERROR_CHARS_MAX).collect()
}

/// The parked facts of a build, at most so many: organization, stream, fact.
///
/// # Errors
/// If the database cannot be reached.
pub async fn of_build(
    client: &Client,
    build: i64,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid, Uuid)>, Error> {
    let query = "select organization_id, stream_id, event_id from projections.parked \
        where build = $1 order by position limit $2";
    let rows = client.query(query, &[&build, &limit]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// How many facts are parked of a build.
///
/// # Errors
/// If the database cannot be reached.
pub async fn count(client: &Client, build: i64) -> Result<usize, SinkError> {
    let query = "select count(*) from projections.parked where build = $1";
    let count: i64 = client.query_one(query, &[&build]).await?.get(0);
    Ok(usize::try_from(count).unwrap_or_default())
}

/// The streams of a build that stopped at a parked fact.
pub(super) async fn stopped(
    client: &Client,
    build: i64,
) -> Result<HashSet<(Uuid, Uuid)>, SinkError> {
    let query = "select organization_id, stream_id from projections.parked where build = $1";
    let rows = client.query(query, &[&build]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// A fact that a read model could not take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The read model.
    pub projection: String,
    /// The version of its fold.
    pub version: i32,
    /// Whether that is what everybody reads; else it is being built.
    pub is_live: bool,
    /// The fact, and why.
    pub poison: Poison,
    /// When.
    pub parked_at: chrono::DateTime<chrono::Utc>,
}

/// The facts that some read model could not take in, in order of position: so many after one, and
/// those that share the last one's; of one organization or of all.
///
/// # Errors
/// If the database cannot be reached.
pub async fn parked(
    client: &Client,
    organization: Option<Uuid>,
    after: Position,
    limit: i64,
) -> Result<Vec<Parked>, Error> {
    let query = "select b.name, b.version, b.state = 'live', p.organization_id, p.stream_id, \
        p.position, p.event_id, p.type, p.error, p.parked_at \
        from projections.parked as p join projections.builds as b using (build) \
        where b.state in ('live', 'building') and p.position > $2 \
        and ($1::uuid is null or p.organization_id = $1) \
        order by p.position fetch first $3 rows with ties";
    let rows = client.query(query, &[&organization, &after.0, &limit]).await?;
    let parked = |row: &tokio_postgres::Row| Parked {
        projection: row.get(0),
        version: row.get(1),
        is_live: row.get(2),
        poison: Poison {
            organization: row.get(3),
            stream_id: row.get(4),
            position: Position(row.get(5)),
            event_id: row.get(6),
            fact_type: row.get(7),
            error: row.get(8),
        },
        parked_at: row.get(9),
    };
    Ok(rows.iter().map(parked).collect())
}

/// Which of these records of an organization stopped, of the live build of a read model.
///
/// # Errors
/// If the database cannot be reached.
pub async fn stale(
    client: &Client,
    projection: &str,
    organization: Uuid,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    let query = "select distinct p.stream_id from projections.parked as p \
        join projections.builds as b using (build) where b.state = 'live' and b.name = $1 \
        and p.organization_id = $2 and p.stream_id = any($3)";
    let rows = client.query(query, &[&projection, &organization, &ids]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Whether the live build of a read model lacks a fact of an organization.
///
/// # Errors
/// If the database cannot be reached.
pub async fn is_incomplete(
    client: &Client,
    projection: &str,
    organization: Uuid,
) -> Result<bool, Error> {
    let query = "select exists (select 1 from projections.parked as p \
        join projections.builds as b using (build) where b.state = 'live' and b.name = $1 \
        and p.organization_id = $2)";
    Ok(client.query_one(query, &[&projection, &organization]).await?.get(0))
}

/// How many facts are parked, by read model that is live.
///
/// # Errors
/// If the database cannot be reached.
pub async fn counts(client: &Client) -> Result<Vec<(String, i64)>, Error> {
    let query = "select b.name, count(p.position) from projections.builds as b \
        left join projections.parked as p using (build) where b.state = 'live' group by b.name";
    let rows = client.query(query, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
