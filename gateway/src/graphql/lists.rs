//! Every list, and what its records add up to: a line each. What can be filtered, sorted and added
//! up is declared beside the queries; how it is said in GraphQL, in `lists/`.

mod fields;
mod filters;
mod groups;
mod sorts;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Object, OutputType};
use events::access::Access;
use queries::Seen;
use queries::aggregates::Aggregation;
use queries::contacts::ContactRow;
use queries::credit::CreditRow;
use queries::credit_notes::CreditNoteRow;
use queries::customers::CustomerRow;
use queries::fields::{List, Listed};
use queries::filter::Filter;
use queries::orders::OrderRow;
use queries::page::{PageArgs, Selection};
use queries::products::ProductRow;
use queries::sort::Sort;
use queries::stock::StockRow;
use queries::warehouses::WarehouseRow;

pub(super) use self::filters::FilterOf;
use self::groups::{GroupBy, GroupOf, PeriodOf, asked};
use self::sorts::SortOf;
use super::caller::{of, reading};
use super::contacts::Contact;
use super::credit_notes::CreditNote;
use super::customers::{Credit, Customer};
use super::orders::Order;
use super::products::Product;
use super::stock::StockItem;
use super::warehouses::Warehouse;
use crate::error::ApiError;

/// Records that are listed in GraphQL.
pub(super) trait Shown: Listed {
    /// What a record is called: `Order`.
    const RECORD: &'static str;
    /// What they are called: `Orders`.
    const RECORDS: &'static str;
}

/// A page of records, and how many there are in all.
pub(super) type ListOf<T> = Connection<String, T, Total>;

/// Declares the lists, a line each: the field, the field of what they add up to, the rows and what
/// they are called, the type that shows a row, and what has to have come so far as the caller says.
macro_rules! lists {
    ($(
        $(#[$doc:meta])*
        $list:ident, $(#[$sums_doc:meta])* $sums:ident: $row:ty as $records:literal of $node:ident,
        $reads:path;
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
                    let page = app.reader.page::<$row>(&access, &selection, &page).await;
                    let page = page.map_err(ApiError::from)?;
                    let total = Total { access, list: <$row>::LIST, filter: selection.filter };
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
    };
}

lists! {
    /// Customers, by name unless sorted otherwise.
    customers,
    /// How many customers there are.
    customers_aggregate: CustomerRow as "Customers" of Customer, queries::customers::READS;
    /// The credit of customers, by customer unless sorted otherwise.
    credits,
    /// What the credit of customers adds up to.
    credits_aggregate: CreditRow as "Credits" of Credit, queries::credit::READS;
    /// Contacts, the latest first unless sorted otherwise.
    contacts,
    /// How many contacts there are.
    contacts_aggregate: ContactRow as "Contacts" of Contact, queries::contacts::READS;
    /// Products, by SKU unless sorted otherwise.
    products,
    /// How many products there are.
    products_aggregate: ProductRow as "Products" of Product, queries::products::READS;
    /// Warehouses that were opened, the latest first unless sorted otherwise.
    warehouses,
    /// How many warehouses there are.
    warehouses_aggregate: WarehouseRow as "Warehouses" of Warehouse, queries::warehouses::READS;
    /// Stock items, by product unless sorted otherwise.
    stock_items,
    /// What stock items add up to.
    stock_items_aggregate: StockRow as "StockItems" of StockItem, queries::stock::READS;
    /// Orders, the latest first unless sorted otherwise.
    orders,
    /// What orders add up to.
    orders_aggregate: OrderRow as "Orders" of Order, queries::orders::READS;
    /// Credit notes, the latest first unless sorted otherwise.
    credit_notes,
    /// What credit notes add up to.
    credit_notes_aggregate: CreditNoteRow as "CreditNotes" of CreditNote,
    queries::credit_notes::READS;
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
}

#[Object]
impl Total {
    /// How many records there are in all pages. They are counted only if this is asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> async_graphql::Result<i64> {
        let (app, _) = of(ctx)?;
        let count = app.reader.count(&self.access, self.list, &self.filter).await;
        Ok(count.map_err(ApiError::from)?)
    }
}
