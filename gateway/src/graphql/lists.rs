//! Every list, what its records add up to, and what happens to them: a line each. What can be
//! filtered, sorted and added up is declared beside the queries; how it is said in GraphQL, in
//! `lists/`.

mod changes;
mod fields;
mod filters;
mod groups;
mod sorts;

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Description, ID, Object, OutputType, Subscription};
use events::access::Access;
use events::words::Position;
use futures_util::Stream;
use queries::Seen;
use queries::aggregates::Aggregation;
use queries::contacts::ContactRow;
use queries::credit::CreditRow;
use queries::credit_notes::CreditNoteRow;
use queries::customers::CustomerRow;
use queries::fields::{List, Listed};
use queries::filter::Filter;
use queries::live::Update;
use queries::orders::OrderRow;
use queries::page::{PageArgs, Selection};
use queries::products::ProductRow;
use queries::sort::Sort;
use queries::stock::StockRow;
use queries::warehouses::WarehouseRow;

use self::changes::{ChangeKind, changes};
pub(super) use self::filters::FilterOf;
use self::groups::{GroupBy, GroupOf, PeriodOf, asked};
use self::sorts::SortOf;
use super::caller::{of, reading};
use super::contacts::Contact;
use super::credit_notes::CreditNote;
use super::customers::{Credit, Customer};
use super::orders::Order;
use super::products::Product;
use super::pushed::pushed;
use super::stock::StockItem;
use super::warehouses::Warehouse;
use crate::error::ApiError;
use crate::position;

/// Records that are listed in GraphQL.
pub(super) trait Shown: Listed {
    /// What a record is called: `Order`.
    const RECORD: &'static str;
    /// What they are called: `Orders`.
    const RECORDS: &'static str;
}

/// A page of records, and how many there are in all.
pub(super) type ListOf<T> = Connection<String, T, Total>;

/// Declares the lists, a line each: the field, the field of what they add up to, the field of what
/// happens to them and its type, the rows and what they are called, the type that shows a row, and
/// what has to have come so far as the caller says.
macro_rules! lists {
    ($(
        $(#[$doc:meta])*
        $list:ident, $(#[$sums_doc:meta])* $sums:ident, $(#[$changed_doc:meta])* $changed:ident
        by $change:ident of $record:ident: $row:ty as $records:literal of $node:ident, $reads:path;
    )+) => {
        $(
            impl Shown for $row {
                const RECORD: &'static str = stringify!($node);
                const RECORDS: &'static str = $records;
            }
        )+

        /// Lists of records.
        #[derive(Default)]
        pub struct ListQueries;

        #[Object]
        impl ListQueries {
            $(
                $(#[$doc])*
                #[expect(clippy::too_many_arguments, reason = "a Relay connection has these")]
                #[graphql(
                    complexity = "(first.or(last).unwrap_or(20).clamp(1, 1_000) as usize) \
                        * child_complexity"
                )]
                async fn $list(
                    &self,
                    ctx: &Context<'_>,
                    filter: Option<FilterOf<$row>>,
                    sort: Option<Vec<SortOf<$row>>>,
                    first: Option<i32>,
                    after: Option<String>,
                    last: Option<i32>,
                    before: Option<String>,
                    at_least: Option<String>,
                ) -> async_graphql::Result<ListOf<$node>> {
                    let page = PageArgs { first, after, last, before };
                    let selection = selection(filter, sort)?;
                    let (app, access) = reading(ctx, $reads, at_least).await?;
                    let read = app.reader.watermarks().reached_by($reads);
                    let page = app.reader.page::<$row>(&access, &selection, &page).await;
                    let page = page.map_err(ApiError::from)?;
                    let filter = selection.filter;
                    let total = Total { access, list: <$row>::LIST, filter, read };
                    let mut connection =
                        ListOf::with_additional_fields(page.has_previous, page.has_next, total);
                    connection.edges.extend(edges(page.items, $node));
                    Ok(connection)
                }

                $(#[$sums_doc])*
                #[graphql(complexity = "20 * child_complexity")]
                async fn $sums(
                    &self,
                    ctx: &Context<'_>,
                    filter: Option<FilterOf<$row>>,
                    every: Option<PeriodOf<$row>>,
                    group_by: Option<Vec<GroupBy<$row>>>,
                    at_least: Option<String>,
                ) -> async_graphql::Result<Vec<GroupOf<$row>>> {
                    let asked: Aggregation = asked(filter, every, group_by)?;
                    let (app, access) = reading(ctx, $reads, at_least).await?;
                    let groups = app.reader.aggregate(&access, <$row>::LIST, &asked).await;
                    let groups = groups.map_err(ApiError::from)?;
                    Ok(groups.into_iter().map(GroupOf::new).collect())
                }
            )+
        }

        /// What happens to lists.
        #[derive(Default)]
        pub struct ListSubscriptions;

        #[Subscription]
        impl ListSubscriptions {
            $(
                $(#[$changed_doc])*
                /// A list that is read and then subscribed to with its `position` as `after` lacks
                /// nothing. With an `id`, it is that record alone.
                async fn $changed(
                    &self,
                    ctx: &Context<'_>,
                    #[graphql(desc = "Which records; without it, all of them.")]
                    filter: Option<FilterOf<$row>>,
                    #[graphql(name = "id", desc = "Which record, if it is about one.")]
                    record: Option<ID>,
                    #[graphql(desc = "A `cursor` of such a subscription, or a `position`: what \
                        has changed behind it comes first. Too much, and it is `RELOAD` alone.")]
                    after: Option<String>,
                ) -> async_graphql::Result<impl Stream<Item = Arc<$change>> + use<>> {
                    let open = changes::<$row, $change>(ctx, $reads, (filter, record), after);
                    pushed::<$change>(ctx, open).await
                }
            )+
        }

        $(
            /// What happened to a record, as far as a list is concerned.
            #[derive(Description)]
            pub struct $change(Update<$row>);

            impl From<Update<$row>> for $change {
                fn from(update: Update<$row>) -> Self {
                    Self(update)
                }
            }

            #[Object(use_type_description)]
            impl $change {
                /// What became of it, as far as the list is concerned.
                async fn kind(&self) -> ChangeKind {
                    self.0.kind.into()
                }

                /// Which record; null with `RELOAD`.
                async fn record_id(&self) -> Option<ID> {
                    self.0.id.map(ID::from)
                }

                /// The record as it is now; null if it is not in the list, and with `RELOAD`.
                async fn $record(&self) -> Option<$node> {
                    self.0.record.clone().map($node)
                }

                /// Whoever knows this knows everything up to here: hand it back as `after` to go on
                /// behind it, or as `atLeast` to read no less.
                async fn cursor(&self) -> String {
                    position::encode(self.0.position)
                }
            }
        )+
    };
}

lists! {
    /// Customers, by name unless sorted otherwise.
    customers,
    /// How many customers there are.
    customers_aggregate,
    /// The customers that enter a list, change in it or leave it: from now on, or
    /// behind a cursor.
    customers_changed by CustomerChange of customer:
    CustomerRow as "Customers" of Customer, queries::customers::READS;
    /// The credit of customers, by customer unless sorted otherwise.
    credits,
    /// What the credit of customers adds up to.
    credits_aggregate,
    /// The credits that enter a list, change in it or leave it: from now on, or
    /// behind a cursor.
    credits_changed by CreditChange of credit:
    CreditRow as "Credits" of Credit, queries::credit::READS;
    /// Contacts, the latest first unless sorted otherwise.
    contacts,
    /// How many contacts there are.
    contacts_aggregate,
    /// The contacts that enter a list, change in it or leave it: from now on, or
    /// behind a cursor.
    contacts_changed by ContactChange of contact:
    ContactRow as "Contacts" of Contact, queries::contacts::READS;
    /// Products, by SKU unless sorted otherwise.
    products,
    /// How many products there are.
    products_aggregate,
    /// The products that enter a list, change in it or leave it: from now on, or
    /// behind a cursor.
    products_changed by ProductChange of product:
    ProductRow as "Products" of Product, queries::products::READS;
    /// Warehouses that were opened, the latest first unless sorted otherwise.
    warehouses,
    /// How many warehouses there are.
    warehouses_aggregate,
    /// The warehouses that enter a list, change in it or leave it: from now on, or
    /// behind a cursor.
    warehouses_changed by WarehouseChange of warehouse:
    WarehouseRow as "Warehouses" of Warehouse, queries::warehouses::READS;
    /// Stock items, by product unless sorted otherwise.
    stock_items,
    /// What stock items add up to.
    stock_items_aggregate,
    /// The stock items that enter a list, change in it or leave it: from now on, or
    /// behind a cursor.
    stock_items_changed by StockItemChange of stock_item:
    StockRow as "StockItems" of StockItem, queries::stock::READS;
    /// Orders, the latest first unless sorted otherwise.
    orders,
    /// What orders add up to.
    orders_aggregate,
    /// The orders that enter a list, change in it or leave it: from now on, or
    /// behind a cursor.
    orders_changed by OrderChange of order:
    OrderRow as "Orders" of Order, queries::orders::READS;
    /// Credit notes, the latest first unless sorted otherwise.
    credit_notes,
    /// What credit notes add up to.
    credit_notes_aggregate,
    /// The credit notes that enter a list, change in it or leave it: from now on, or
    /// behind a cursor.
    credit_notes_changed by CreditNoteChange of credit_note:
    CreditNoteRow as "CreditNotes" of CreditNote, queries::credit_notes::READS;
}

fn selection<T: Shown>(
    filter: Option<FilterOf<T>>,
    sort: Option<Vec<SortOf<T>>>,
) -> Result<Selection, ApiError> {
    let sort: Vec<_> = sort.into_iter().flatten().map(|sort| sort.field).collect();
    let sort = Sort::by(T::LIST, &sort).map_err(ApiError::from)?;
    Ok(Selection { filter: filtered(filter)?, sort })
}

/// The filter that was given; everything, if none was.
pub(super) fn filtered<T: Shown>(given: Option<FilterOf<T>>) -> Result<Filter, ApiError> {
    given.map_or_else(|| Ok(Filter::all()), |given| given.filter)
}

fn edges<R: Listed, T: OutputType>(
    items: Vec<(String, Seen<R>)>,
    show: fn(Seen<R>) -> T,
) -> impl Iterator<Item = Edge<String, T, async_graphql::connection::EmptyFields>> {
    items.into_iter().map(move |(cursor, record)| Edge::new(cursor, show(record)))
}

/// How many records there are in all.
pub struct Total {
    access: Access,
    list: &'static List,
    filter: Filter,
    read: Position,
}

#[Object]
impl Total {
    /// How many records there are in all pages. They are counted only if this is asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> async_graphql::Result<i64> {
        let (app, _) = of(ctx)?;
        let count = app.reader.count(&self.access, self.list, &self.filter).await;
        Ok(count.map_err(ApiError::from)?)
    }

    /// The list holds everything up to here: as `after` of the subscription to it, nothing lacks.
    async fn position(&self) -> String {
        position::encode(self.read)
    }
}
