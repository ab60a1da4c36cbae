//! By which fields records are listed, filtered and sorted: declared once a feature. What a filter
//! says of them is `filter.rs`' business, in which order they come `sort.rs`'.

use projections::fold::Fold;
use projections::table::RecordTable;

use crate::sort::Direction;

/// Records that are listed.
pub trait Listed: RecordTable {
    /// The projection whose rows they are.
    type Record: Fold<Row = Self>;
    /// By what.
    const LIST: &'static List;
}

/// How the records of a feature are listed.
#[derive(Debug)]
pub struct List {
    /// Whose permission to read it takes.
    pub feature: &'static str,
    /// The read model.
    pub table: &'static str,
    /// What can be filtered and sorted by; the record's id is the first.
    pub fields: &'static [Field],
    /// In which order the records come if nobody says; the id decides among equals.
    pub sorted: &'static [(&'static str, Direction)],
    /// What can be added up: columns with numbers.
    pub sums: &'static [Field],
    /// What may tell groups apart, besides days, weeks and months.
    pub groups: &'static [Field],
}

impl List {
    /// The field of the record's id.
    #[must_use]
    pub fn id(&self) -> &'static Field {
        &self.fields[0]
    }

    /// The field with this column.
    #[must_use]
    pub fn field(&self, column: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.column == column)
    }

    /// The field that says of what the sums are: in which currency, or in which unit. Sums of
    /// several would mean nothing.
    #[must_use]
    pub fn measure(&self) -> Option<&'static Field> {
        self.groups.iter().find(|field| matches!(field.column, "currency" | "unit"))
    }
}

/// What stands in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An id.
    Id,
    /// A text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// True or false.
    Truth,
    /// A whole number.
    Whole,
    /// A number with decimals.
    Number,
    /// A day.
    Day,
    /// A moment.
    Time,
}

/// A field that can be filtered and sorted by.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// The column.
    pub column: &'static str,
    /// What stands in it.
    pub kind: Kind,
    /// What it means.
    pub about: &'static str,
    /// Whether it may hold nothing.
    pub nullable: bool,
    /// Whether the letters A to Z and a to z are the same in it.
    pub folded: bool,
    /// Whether it has no index: it changes too often for one, and is looked for row by row.
    pub scanned: bool,
}

/// A field that always holds something, and has an index.
#[must_use]
pub const fn field(column: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { column, kind, about, nullable: false, folded: false, scanned: false }
}

impl Field {
    /// It may hold nothing.
    #[must_use]
    pub const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// Capitals of ASCII do not matter in it.
    #[must_use]
    pub const fn folded(self) -> Self {
        Self { folded: true, ..self }
    }

    /// It has no index.
    #[must_use]
    pub const fn scanned(self) -> Self {
        Self { scanned: true, ..self }
    }
}

/// The boundary of every list.
pub(crate) static ORGANIZATION: Field = field("organization_id", Kind::Id, "The tenant.");
