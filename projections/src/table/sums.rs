//! The columns of a rollup that add up. Declared once for every table that has them, by
//! [`sums!`](crate::sums!).

use tokio_postgres::Row;
use uuid::Uuid;

use super::{Column, Table, Value};

/// A column and its PostgreSQL type.
pub type NamedType = (&'static str, &'static str);

/// Columns that add up; all zero by default.
pub trait Sums: Default + Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// The columns with their PostgreSQL types.
    const COLUMNS: &'static [NamedType];

    /// Adds another one's, column by column.
    fn add(&mut self, other: &Self);

    /// The values of several, a column an array.
    fn columns(sums: &[&Self]) -> Vec<Column>;

    /// The values, in order.
    fn values(&self) -> Vec<Value<'_>>;

    /// Those of a stored row, `next` telling in which column to look.
    ///
    /// # Errors
    /// If the stored row does not have these columns.
    fn read(row: &Row, next: &mut dyn FnMut() -> usize) -> Result<Self, tokio_postgres::Error>;
}

/// A table whose rows are sums: rows with the same key are added.
pub trait SumTable: Table {
    /// What its rows are told apart by within an organization.
    type Key: Ord + Send;
    /// What is added up.
    type Sums: Sums;

    /// A row.
    fn of(organization_id: Uuid, key: Self::Key, sums: Self::Sums, position: i64) -> Self;
}

/// Lists of columns behind each other; `N` is how many they are together.
#[must_use]
pub const fn joined<const N: usize>(lists: &[&[NamedType]]) -> [NamedType; N] {
    let mut all = [("", ""); N];
    let (mut list, mut end) = (0, 0);
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].len() {
            all[end] = lists[list][at];
            (at, end) = (at + 1, end + 1);
        }
        list += 1;
    }
    all
}

/// Declares columns that add up, and their [`Sums`].
#[macro_export]
macro_rules! sums {
    (
        $(#[$doc:meta])*
        $name:ident { $( $(#[$field_doc:meta])* $field:ident: $type:ty, )+ }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name {
            $( $(#[$field_doc])* pub $field: $type, )+
        }

        impl $crate::table::Sums for $name {
            const COLUMNS: &'static [$crate::table::NamedType] = &[
                $( (stringify!($field), <$type as $crate::table::ColumnType>::NAME), )+
            ];

            fn add(&mut self, other: &Self) {
                $( self.$field += other.$field; )+
            }

            fn columns(sums: &[&Self]) -> Vec<$crate::table::Column> {
                vec![ $(
                    Box::new(sums.iter().map(|sums| sums.$field).collect::<Vec<$type>>()),
                )+ ]
            }

            fn values(&self) -> Vec<$crate::table::Value<'_>> {
                vec![ $( &self.$field, )+ ]
            }

            fn read(
                row: &tokio_postgres::Row,
                next: &mut dyn FnMut() -> usize,
            ) -> Result<Self, tokio_postgres::Error> {
                Ok(Self { $( $field: row.try_get(next())?, )+ })
            }
        }
    };
}
