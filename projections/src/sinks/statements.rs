//! The statements of a table, made of its declared columns alone.

use crate::table::{NamedType, RecordTable, SumTable, Table};

/// A list of items made of columns, separated by commas.
fn list<T: Table>(item: impl Fn(usize, &str, &str) -> String) -> String {
    let items = written::<T>().enumerate();
    items.map(|(n, (name, sql_type))| item(n + 1, name, sql_type)).collect::<Vec<_>>().join(", ")
}

/// The columns that are written.
pub(super) fn written<T: Table>() -> impl Iterator<Item = &'static NamedType> {
    T::COLUMNS.iter().chain(T::FOUND_BY)
}

/// Reads the rows of records: $1 organizations, $2 ids.
pub(super) fn select<T: RecordTable>(schema: &str) -> String {
    let columns: Vec<_> = T::COLUMNS.iter().map(|(name, _)| format!("t.{name}")).collect();
    let (table, key) = (T::NAME, T::KEY);
    format!(
        "select {columns} from unnest($1::uuid[], $2::uuid[]) as k(organization_id, id) \
         join {schema}.{table} as t on t.organization_id = k.organization_id and t.{id} = k.id \
         order by {order}",
        columns = columns.join(", "),
        id = key[1],
        order = key.iter().map(|column| format!("t.{column}")).collect::<Vec<_>>().join(", "),
    )
}

/// Writes rows whose keys no row has: an array for each column. Cheaper than to ask for conflicts
/// that cannot be: PostgreSQL looks every key up twice then.
pub(super) fn insert<T: Table>(schema: &str) -> String {
    let columns = list::<T>(|_, name, _| name.to_owned());
    let (table, arrays) = (T::NAME, arrays::<T>());
    format!("insert into {schema}.{table} ({columns}) select * from unnest({arrays})")
}

/// Writes rows whose keys no row has, in PostgreSQL's binary format.
pub(super) fn copy<T: Table>(schema: &str) -> String {
    let columns = list::<T>(|_, name, _| name.to_owned());
    format!("copy {schema}.{} ({columns}) from stdin binary", T::NAME)
}

/// Writes rows in place of those with the same key: an array for each column.
pub(super) fn update<T: Table>(schema: &str) -> String {
    let columns = list::<T>(|_, name, _| name.to_owned());
    let (table, arrays) = (T::NAME, arrays::<T>());
    let updates = updates::<T>(|column| format!("k.{column}"));
    let key: Vec<_> = T::KEY.iter().map(|column| format!("t.{column} = k.{column}")).collect();
    let key = key.join(" and ");
    format!(
        "update {schema}.{table} as t set {updates} \
         from unnest({arrays}) as k({columns}) where {key}"
    )
}

/// Adds rows to those with the same key: an array for each column.
pub(super) fn add<T: SumTable>(schema: &str) -> String {
    let updates = updates::<T>(|column| match column {
        "position" => "greatest(t.position, excluded.position)".to_owned(),
        _ => format!("t.{column} + excluded.{column}"),
    });
    let columns = list::<T>(|_, name, _| name.to_owned());
    let (table, key, arrays) = (T::NAME, T::KEY.join(", "), arrays::<T>());
    format!(
        "insert into {schema}.{table} as t ({columns}) select * from unnest({arrays}) \
         on conflict ({key}) do update set {updates}"
    )
}

/// The parameters $1 and so on, an array for each column.
fn arrays<T: Table>() -> String {
    list::<T>(|n, _, sql_type| format!("${n}::{sql_type}[]"))
}

/// What becomes of each column that is not of the key.
fn updates<T: Table>(value: impl Fn(&str) -> String) -> String {
    let values = written::<T>().filter(|(name, _)| !T::KEY.contains(name));
    let updates: Vec<_> = values.map(|(name, _)| format!("{name} = {}", value(name))).collect();
    updates.join(", ")
}

/// Removes the rows of records: $1 organizations, $2 ids.
pub(super) fn delete<T: RecordTable>(schema: &str) -> String {
    let (table, id) = (T::NAME, T::KEY[1]);
    format!(
        "delete from {schema}.{table} as t \
         using unnest($1::uuid[], $2::uuid[]) as k(organization_id, id) \
         where t.organization_id = k.organization_id and t.{id} = k.id"
    )
}

/// A view of a table: its columns named, their types pinned; those that it shows already where they
/// are.
pub(super) fn view(
    (place, table): (&str, &str),
    columns: &[NamedType],
    schema: &str,
    shown: &[String],
) -> String {
    let at = |name: &str| shown.iter().position(|shown| shown == name).unwrap_or(shown.len());
    let mut columns = columns.to_vec();
    columns.sort_by_key(|(name, _)| at(name));
    let columns = columns.iter().map(|(name, sql_type)| format!("{name}::{sql_type} as {name}"));
    let columns = columns.collect::<Vec<_>>().join(", ");
    format!(
        "create or replace view {place}.{table} with (security_invoker = true) as \
         select {columns} from {schema}.{table}"
    )
}
