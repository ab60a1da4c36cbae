//! A build takes the place of the live one, and what is retired goes.

use std::time::{Duration, Instant};

use events::words::Position;
use tokio_postgres::Client;

use super::super::leases::{self, ROWS_CHANNEL};
use super::super::sql::{Projection, SinkError};
use super::{Build, forget, lock, reached, show};

/// Lets a build take the place of the live one, if it holds at least as much: readers see no step
/// back, and wait a moment at most. Whether it was done; if not, somebody reads or writes, and it
/// can be tried again soon.
///
/// # Errors
/// If the database cannot be reached or refuses.
pub async fn switch(
    client: &mut Client,
    looker: &Client,
    projection: &dyn Projection,
    build: &Build,
    wait_max: Duration,
) -> Result<bool, SinkError> {
    match switch_now(client, looker, projection, build, wait_max).await {
        Err(error) if error.is_locked_out() => Ok(false),
        done => done,
    }
}

async fn switch_now(
    client: &mut Client,
    looker: &Client,
    projection: &dyn Projection,
    build: &Build,
    wait_max: Duration,
) -> Result<bool, SinkError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute("set local lock_timeout = '20ms'").await?;
    lock(&transaction).await?;
    let still = "select 1 from projections.builds where build = $1 and state = 'building'";
    if transaction.query_opt(still, &[&build.id]).await?.is_none() {
        return Ok(true);
    }
    // The live one stands still until the new one has what it has.
    let held = "select p.position from projections.parts as p \
        join projections.builds as b using (build) \
        where b.name = $1 and b.state = 'live' order by p.part for update of p";
    let held = transaction.query(held, &[&build.name]).await?;
    let held = held.iter().map(|row| row.get(0)).max().unwrap_or(0);
    let began = Instant::now();
    while reached(looker, build.id).await?.0 < Position(held) {
        if began.elapsed() > wait_max {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    show(&transaction, projection, build).await?;
    let retire = "update projections.builds set state = 'retired', retired_at = clock_timestamp() \
        where name = $1 and state = 'live'";
    transaction.execute(retire, &[&build.name]).await?;
    // Whoever wrote it writes it no more, and tells nobody how far it is: that is not what is read.
    let lose = "update projections.parts as p set epoch = p.epoch + 1 \
        from projections.builds as b where b.build = p.build \
        and b.name = $1 and b.state = 'retired'";
    transaction.execute(lose, &[&build.name]).await?;
    let live = "update projections.builds set state = 'live', live_at = clock_timestamp() \
        where build = $1";
    transaction.execute(live, &[&build.id]).await?;
    // Whoever keeps rows in mind keeps them no longer.
    leases::notify(transaction.client(), ROWS_CHANNEL).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Drops the builds that were retired so long ago, unless somebody still reads them; how many.
///
/// # Errors
/// If the database cannot be reached or refuses.
pub async fn drop_retired(client: &mut Client, grace: Duration) -> Result<usize, SinkError> {
    // Copies of programs that were killed go after a day.
    let query = "select build, schema from projections.builds where state = 'retired' \
        and retired_at < clock_timestamp() - $1::double precision * interval '1 second' \
        or state = 'copy' and created_at < clock_timestamp() - interval '1 day'";
    let mut dropped = 0;
    for row in client.query(query, &[&grace.as_secs_f64()]).await? {
        let (build, schema): (i64, String) = (row.get(0), row.get(1));
        match drop_now(client, build, &schema).await {
            Err(error) if error.is_locked_out() => {}
            done => {
                done?;
                tracing::info!(schema, "a retired build is dropped");
                dropped += 1;
            }
        }
    }
    Ok(dropped)
}

async fn drop_now(client: &mut Client, build: i64, schema: &str) -> Result<(), SinkError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute("set local lock_timeout = '20ms'").await?;
    lock(&transaction).await?;
    transaction.batch_execute(&format!("drop schema if exists {schema} cascade")).await?;
    forget(&transaction, build).await?;
    Ok(transaction.commit().await?)
}
