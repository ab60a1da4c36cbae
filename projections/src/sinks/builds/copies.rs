//! Copies: tables that a program folds afresh for itself, to compare or to look back.

use tokio_postgres::Client;

use super::super::readers;
use super::super::sql::{Projection, SinkError};
use super::super::view::View;
use super::{Build, State, forget, insert, locked};

/// Creates tables that whoever asks fills by himself, with so many parts.
///
/// # Errors
/// If the database cannot be reached or refuses.
pub async fn copy(
    client: &mut Client,
    projection: &dyn Projection,
    parts: i32,
) -> Result<Build, SinkError> {
    let transaction = locked(client).await?;
    let schema = format!("{}_copy", projection.name());
    let build = insert(&transaction, projection, (State::Copy, parts), &schema).await?;
    transaction.commit().await?;
    Ok(build)
}

/// Drops copies.
///
/// # Errors
/// If the database cannot be reached or refuses.
pub async fn drop_copies(client: &mut Client, copies: &[Build]) -> Result<(), SinkError> {
    let transaction = client.transaction().await?;
    for copy in copies.iter().filter(|build| build.state == State::Copy) {
        let schema = &copy.schema;
        transaction.batch_execute(&format!("drop schema if exists {schema} cascade")).await?;
        forget(&transaction, copy.id).await?;
    }
    Ok(transaction.commit().await?)
}

/// Puts the tables of copies into one schema of this name, which must not exist yet; nobody sees
/// half of it.
///
/// # Errors
/// If the database cannot be reached, or there is such a schema.
pub async fn publish_copies(
    client: &mut Client,
    copies: &[(Build, Vec<View>)],
    schema: &str,
    comment: &str,
) -> Result<(), SinkError> {
    let transaction = locked(client).await?;
    let quoted = "select quote_ident($1), quote_literal($2)";
    let row = transaction.query_one(quoted, &[&schema, &comment]).await?;
    let (schema, comment): (String, String) = (row.get(0), row.get(1));
    let create = format!("create schema {schema}; comment on schema {schema} is {comment}");
    transaction.batch_execute(&create).await?;
    readers::open_schema(&transaction, &schema).await?;
    for (copy, views) in copies {
        let from = &copy.schema;
        for view in views {
            let (table, to) = (view.table, &schema);
            if !view.found_by.is_empty() {
                // Nobody searches there.
                let columns: Vec<_> =
                    view.found_by.iter().map(|(name, _)| format!("drop column {name}")).collect();
                let drop = format!(
                    "drop table {from}.{table}_words; drop trigger note_words on {from}.{table}; \
                     drop trigger change_words on {from}.{table}; alter table {from}.{table} {}",
                    columns.join(", ")
                );
                transaction.batch_execute(&drop).await?;
            }
            let movement = format!("alter table {from}.{table} set schema {to}");
            transaction.batch_execute(&movement).await?;
        }
        transaction.batch_execute(&format!("drop schema {from}")).await?;
        forget(&transaction, copy.id).await?;
    }
    Ok(transaction.commit().await?)
}

/// Whether there is a schema of this name.
///
/// # Errors
/// If the database cannot be reached.
pub async fn is_schema(client: &Client, schema: &str) -> Result<bool, SinkError> {
    let query = "select exists (select 1 from pg_namespace where nspname = $1)";
    Ok(client.query_one(query, &[&schema]).await?.get(0))
}

/// How many facts these copies could not take in.
///
/// # Errors
/// If the database cannot be reached.
pub async fn parked_in(client: &Client, copies: &[Build]) -> Result<i64, SinkError> {
    let builds: Vec<i64> = copies.iter().map(|copy| copy.id).collect();
    let query = "select count(*) from projections.parked where build = any($1)";
    Ok(client.query_one(query, &[&builds]).await?.get(0))
}
