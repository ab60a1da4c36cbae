//! Rows by binary COPY: cheaper than arrays from some thousands of rows on.

use futures_util::pin_mut;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::statements::written;
use crate::table::Table;

/// Writes rows by a COPY statement.
pub(super) async fn copy<T: Table>(
    client: &Client,
    statement: &str,
    rows: &[&T],
) -> Result<(), Error> {
    let types: Vec<Type> = written::<T>().map(|(_, name)| sql_type(name)).collect();
    let sink = client.copy_in(statement).await?;
    let writer = BinaryCopyInWriter::new(sink, &types);
    pin_mut!(writer);
    for row in rows {
        writer.as_mut().write(&row.values()).await?;
    }
    writer.finish().await.map(drop)
}

/// The type that PostgreSQL calls so.
fn sql_type(name: &str) -> Type {
    match name {
        "uuid" => Type::UUID,
        "boolean" => Type::BOOL,
        "smallint" => Type::INT2,
        "integer" => Type::INT4,
        "bigint" => Type::INT8,
        "numeric" => Type::NUMERIC,
        "date" => Type::DATE,
        "timestamptz" => Type::TIMESTAMPTZ,
        "jsonb" => Type::JSONB,
        "tsvector" => Type::TS_VECTOR,
        _ => Type::TEXT,
    }
}
