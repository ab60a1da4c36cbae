//! What the SQL sinks need to know of a table: its columns, and how a row becomes values and
//! values a row. Declared once a table, by [`table!`](crate::table!).

mod cell;
mod sums;

use serde_json::Value as Json;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::At;
pub use cell::{Cell, ColumnType};
pub use sums::{NamedType, SumTable, Sums, joined};

/// The values of one column of several rows.
pub type Column = Box<dyn ToSql + Sync + Send>;

/// The value of one column of one row.
pub type Value<'a> = &'a (dyn ToSql + Sync);

/// A table of a read model.
pub trait Table: Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// Its name; empty for [`NoChild`].
    const NAME: &'static str;
    /// The columns of its primary key, the organization first.
    const KEY: &'static [&'static str];
    /// Its columns with their PostgreSQL types.
    const COLUMNS: &'static [NamedType];
    /// The columns that rows are found by ([`search`](crate::search)): written behind the others,
    /// and not read with them.
    const FOUND_BY: &'static [NamedType] = &[];

    /// The values of rows, a column that is written an array.
    fn columns(rows: &[&Self]) -> Vec<Column>;

    /// The values of a row, the columns that are written in order.
    fn values(&self) -> Vec<Value<'_>>;

    /// A row as it is stored, its columns in order.
    ///
    /// # Errors
    /// If the stored row does not have these columns.
    fn read(row: &Row) -> Result<Self, tokio_postgres::Error>;
}

/// A table whose rows belong to records: the record's id is the second column of its key.
pub trait RecordTable: Table {
    /// The organization and the record's id of a row.
    fn key(&self) -> (Uuid, Uuid);

    /// What stands in a column; none, if it has no such column.
    fn cell(&self, column: &str) -> Option<Cell<'_>>;

    /// Notes the last fact in the row.
    fn stamp(&mut self, at: &At);

    /// The columns in which two rows differ; where there is no row, its columns hold nothing.
    fn compared(before: Option<&Self>, after: Option<&Self>) -> Vec<Compared>;
}

/// What a column held and holds, as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The column.
    pub column: &'static str,
    /// What it held.
    pub before: Json,
    /// What it holds.
    pub after: Json,
}

/// There are no child rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoChild {}

impl Table for NoChild {
    const NAME: &'static str = "";
    const KEY: &'static [&'static str] = &[];
    const COLUMNS: &'static [NamedType] = &[];

    fn columns(_: &[&Self]) -> Vec<Column> {
        Vec::new()
    }

    fn values(&self) -> Vec<Value<'_>> {
        match *self {}
    }

    fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        // There is no such row; asking for a column that no row has says so.
        loop {
            let _: i32 = row.try_get(usize::MAX)?;
        }
    }
}

impl RecordTable for NoChild {
    fn key(&self) -> (Uuid, Uuid) {
        match *self {}
    }

    fn cell(&self, _: &str) -> Option<Cell<'_>> {
        match *self {}
    }

    fn stamp(&mut self, _: &At) {
        match *self {}
    }

    fn compared(_: Option<&Self>, _: Option<&Self>) -> Vec<Compared> {
        Vec::new()
    }
}

/// Declares a row and its [`Table`]. Every row begins with `organization_id`. Those of a `record`
/// and of its `child` go on with the record's id; a `record` also carries `version`, `position` and
/// `changed_at`, which the runner stamps. Those of a `rollup` have the columns of their key, of
/// their [`sums!`](crate::sums!), and the `position` of the last fact in them. A record that is
/// `found by words` is [`Searched`](crate::search::Searched).
#[macro_export]
macro_rules! table {
    (
        $(#[$doc:meta])*
        record $name:ident in $table:literal by $id:ident $(found by $words:ident)? {
            $( $(#[$field_doc:meta])* $field:ident: $type:ty, )+
        }
    ) => {
        $crate::table! {
            @table $(#[$doc])* $name $table $id [$id] [$($words)?] {
                $( $(#[$field_doc])* $field: $type, )+
                /// The version of the record's stream.
                version: i64,
                /// The position of the last fact in the row.
                position: i64,
                /// When the last fact was recorded.
                changed_at: chrono::DateTime<chrono::Utc>,
            }
            stamp(row, at) {
                row.version = at.version;
                row.position = at.position.0;
                row.changed_at = at.recorded_at;
            }
        }
    };
    (
        $(#[$doc:meta])*
        child $name:ident in $table:literal by $id:ident, $line:ident {
            $( $(#[$field_doc:meta])* $field:ident: $type:ty, )+
        }
    ) => {
        $crate::table! {
            @table $(#[$doc])* $name $table $id [$id, $line] [] {
                $( $(#[$field_doc])* $field: $type, )+
            }
            stamp(row, at) { let _ = (row, at); }
        }
    };
    (
        $(#[$doc:meta])*
        rollup $name:ident in $table:literal by {
            $( $(#[$field_doc:meta])* $field:ident: $type:ty, )+
        } sums $sums:ty
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            /// The tenant.
            pub organization_id: uuid::Uuid,
            $( $(#[$field_doc])* pub $field: $type, )+
            /// What it comes to.
            pub sums: $sums,
            /// The position of the last fact in the row.
            pub position: i64,
        }

        impl $crate::table::Table for $name {
            const NAME: &'static str = $table;
            const KEY: &'static [&'static str] =
                &["organization_id", $( stringify!($field), )+];
            const COLUMNS: &'static [$crate::table::NamedType] = {
                const KEY: &[$crate::table::NamedType] = &[
                    ("organization_id", "uuid"),
                    $( (stringify!($field), <$type as $crate::table::ColumnType>::NAME), )+
                ];
                const SUMS: &[$crate::table::NamedType] = <$sums as $crate::table::Sums>::COLUMNS;
                const ALL: [$crate::table::NamedType; KEY.len() + SUMS.len() + 1] =
                    $crate::table::joined(&[KEY, SUMS, &[("position", "bigint")]]);
                &ALL
            };

            fn columns(rows: &[&Self]) -> Vec<$crate::table::Column> {
                let sums: Vec<&$sums> = rows.iter().map(|row| &row.sums).collect();
                let mut columns: Vec<$crate::table::Column> = vec![
                    Box::new(rows.iter().map(|row| row.organization_id).collect::<Vec<_>>()),
                    $( Box::new(
                        rows.iter().map(|row| row.$field.clone()).collect::<Vec<$type>>(),
                    ), )+
                ];
                columns.extend(<$sums as $crate::table::Sums>::columns(&sums));
                columns.push(Box::new(rows.iter().map(|row| row.position).collect::<Vec<_>>()));
                columns
            }

            fn values(&self) -> Vec<$crate::table::Value<'_>> {
                let mut values: Vec<$crate::table::Value<'_>> =
                    vec![&self.organization_id, $( &self.$field, )+];
                values.extend($crate::table::Sums::values(&self.sums));
                values.push(&self.position);
                values
            }

            fn read(row: &tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
                let mut column = 0..;
                let mut next = || column.next().unwrap_or_default();
                Ok(Self {
                    organization_id: row.try_get(next())?,
                    $( $field: row.try_get(next())?, )+
                    sums: $crate::table::Sums::read(row, &mut next)?,
                    position: row.try_get(next())?,
                })
            }
        }

        impl $crate::table::SumTable for $name {
            type Key = ( $( $type, )+ );
            type Sums = $sums;

            fn of(
                organization_id: uuid::Uuid,
                ( $( $field, )+ ): Self::Key,
                sums: $sums,
                position: i64,
            ) -> Self {
                Self { organization_id, $( $field, )+ sums, position }
            }
        }
    };
    (
        @table $(#[$doc:meta])* $name:ident $table:literal $id:ident [$($key:ident),+]
        [$($words:ident)?] {
            $( $(#[$field_doc:meta])* $field:ident: $type:ty, )+
        }
        stamp($row:ident, $at:ident) $stamp:block
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            /// The tenant.
            pub organization_id: uuid::Uuid,
            $( $(#[$field_doc])* pub $field: $type, )+
        }

        impl $crate::table::Table for $name {
            const NAME: &'static str = $table;
            const KEY: &'static [&'static str] =
                &["organization_id", $( stringify!($key), )+];
            const COLUMNS: &'static [$crate::table::NamedType] = &[
                ("organization_id", "uuid"),
                $( (stringify!($field), <$type as $crate::table::ColumnType>::NAME), )+
            ];

            $( const FOUND_BY: &'static [$crate::table::NamedType] =
                $crate::search::$words::COLUMNS; )?

            fn columns(rows: &[&Self]) -> Vec<$crate::table::Column> {
                let columns: Vec<$crate::table::Column> = vec![
                    Box::new(rows.iter().map(|row| row.organization_id).collect::<Vec<_>>()),
                    $( Box::new(
                        rows.iter().map(|row| row.$field.clone()).collect::<Vec<$type>>(),
                    ), )+
                ];
                $( let columns = $crate::search::$words::with_columns(columns, rows); )?
                columns
            }

            fn values(&self) -> Vec<$crate::table::Value<'_>> {
                let values: Vec<$crate::table::Value<'_>> =
                    vec![&self.organization_id, $( &self.$field, )+];
                $( let values = $crate::search::$words::with_values(values, self); )?
                values
            }

            fn read(row: &tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
                let mut column = 0..;
                let mut next = || column.next().unwrap_or_default();
                Ok(Self {
                    organization_id: row.try_get(next())?,
                    $( $field: row.try_get(next())?, )+
                })
            }
        }

        // What it is found by is made where it is written, lest every row carries it.
        $( impl tokio_postgres::types::ToSql for $name {
            fn to_sql(
                &self,
                sql_type: &tokio_postgres::types::Type,
                out: &mut tokio_postgres::types::private::BytesMut,
            ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
                $crate::search::$words::FoundBy::of(self).to_sql(sql_type, out)
            }

            fn accepts(sql_type: &tokio_postgres::types::Type) -> bool {
                <$crate::search::$words::FoundBy as tokio_postgres::types::ToSql>::accepts(sql_type)
            }

            tokio_postgres::types::to_sql_checked!();
        } )?

        impl $crate::table::RecordTable for $name {
            fn key(&self) -> (uuid::Uuid, uuid::Uuid) {
                (self.organization_id, self.$id)
            }

            fn cell(&self, column: &str) -> Option<$crate::table::Cell<'_>> {
                match column {
                    "organization_id" => Some($crate::table::Cell::Id(self.organization_id)),
                    $( stringify!($field) => {
                        Some($crate::table::ColumnType::cell(&self.$field))
                    } )+
                    _ => None,
                }
            }

            fn stamp(&mut self, $at: &$crate::At) {
                let $row = self;
                $stamp
            }

            fn compared(
                before: Option<&Self>,
                after: Option<&Self>,
            ) -> Vec<$crate::table::Compared> {
                let mut compared = Vec::new();
                $({
                    let [before, after] = [before, after].map(|row| row.map(|row| &row.$field));
                    if before != after {
                        let told = |value: Option<&$type>| value.map_or(
                            serde_json::Value::Null,
                            $crate::table::ColumnType::told,
                        );
                        compared.push($crate::table::Compared {
                            column: stringify!($field),
                            before: told(before),
                            after: told(after),
                        });
                    }
                })+
                compared
            }
        }
    };
}
