//! Which features are searched, a line each.

use projections::search::Searched;

use crate::Seen;

/// Where the words of a feature's rows lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// In an index over the rows.
    Index,
    /// In an index over the rows, those of long texts apart from those of names, and in one over
    /// a few of the rows.
    IndexApart,
    /// In rows of their own, which go with the record: it may belong to a person.
    Rows,
}

/// Rows that are searched.
pub trait Findable: Searched {
    /// Whose permission to read it takes.
    const FEATURE: &'static str;
    /// What has to have come so far as a caller says, where what was found is shown.
    const READS: &'static [&'static str];
    /// The facets: how the world names them, and their columns.
    const FACETS: &'static [(&'static str, &'static str)];
    /// Where their words lie.
    const KEPT: Kept;
}

macro_rules! features {
    ($(
        $found:ident($row:ident) in $feature:ident, $kept:ident,
        by [$($facet:literal = $column:literal),+ $(,)?];
    )+) => {
        /// What a search over several features found.
        #[derive(Debug, Clone)]
        pub enum Found {
            $(
                #[doc = "Of that feature."]
                $found(Seen<crate::$feature::$row>),
            )+
        }

        $(
            impl Findable for crate::$feature::$row {
                const FEATURE: &'static str = stringify!($feature);
                const READS: &'static [&'static str] = crate::$feature::READS;
                const FACETS: &'static [(&'static str, &'static str)] = &[$(($facet, $column)),+];
                const KEPT: Kept = Kept::$kept;
            }

            impl From<Seen<crate::$feature::$row>> for Found {
                fn from(row: Seen<crate::$feature::$row>) -> Self {
                    Self::$found(row)
                }
            }
        )+

        /// The features that are searched.
        pub const FEATURES: &[&str] = &[$(stringify!($feature)),+];

        /// Does something with the rows of each feature.
        macro_rules! each_feature {
            ($do:ident) => {
                [$( $do!(crate::$feature::$row) ),+]
            };
        }
        pub(super) use each_feature;
    };
}

features! {
    Product(ProductRow) in products, IndexApart,
        by ["status" = "status", "unit" = "unit", "listPriceCurrency" = "list_price_currency"];
    Customer(CustomerRow) in customers, Index,
        by ["status" = "status", "currency" = "currency"];
    Contact(ContactRow) in contacts, Rows,
        by ["status" = "status", "customerId" = "customer_id", "role" = "role"];
    Warehouse(WarehouseRow) in warehouses, Index,
        by ["status" = "status"];
    Order(OrderRow) in orders, Index,
        by ["status" = "status", "currency" = "currency", "customerId" = "customer_id"];
    CreditNote(CreditNoteRow) in credit_notes, IndexApart,
        by ["status" = "status", "currency" = "currency", "customerId" = "customer_id"];
}
