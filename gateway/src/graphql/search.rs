//! Search in GraphQL: over everything, and over a feature. What fits, and how well, queries say.

use std::marker::PhantomData;

use async_graphql::connection::{
    Connection, ConnectionNameType, Edge, EdgeNameType, EnableNodesField,
};
use async_graphql::{Context, Enum, Object, OutputType, SimpleObject};
use queries::Seen;
use queries::contacts::ContactRow;
use queries::credit_notes::CreditNoteRow;
use queries::customers::CustomerRow;
use queries::filter::Filter;
use queries::orders::OrderRow;
use queries::page::PageArgs;
use queries::products::ProductRow;
use queries::search::{self, Findable, Found, Hits, SearchArgs};
use queries::warehouses::WarehouseRow;

use super::caller::reading;
use super::contacts::Contact;
use super::credit_notes::CreditNote;
use super::customers::Customer;
use super::lists::{FilterOf, filtered};
use super::nodes::Node;
use super::orders::Order;
use super::products::Product;
use super::warehouses::Warehouse;
use crate::error::ApiError;

/// What can be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum SearchFeature {
    /// Products, by SKU, names and descriptions in all languages.
    Products,
    /// Customers, by number and name.
    Customers,
    /// Contacts, by name, e-mail address, phone number and role.
    Contacts,
    /// Warehouses, by code and name.
    Warehouses,
    /// Orders, by number, customer's name and reference.
    Orders,
    /// Credit notes, by number, customer's name, reference and reason.
    CreditNotes,
}

impl SearchFeature {
    fn name(self) -> String {
        let name = match self {
            Self::Products => "products",
            Self::Customers => "customers",
            Self::Contacts => "contacts",
            Self::Warehouses => "warehouses",
            Self::Orders => "orders",
            Self::CreditNotes => "credit_notes",
        };
        name.to_owned()
    }
}

/// A part of a text.
#[derive(SimpleObject)]
pub struct HighlightPart {
    /// It, as it stands there. It is no markup, whatever it looks like.
    text: String,
    /// Whether it fits the query.
    marked: bool,
}

/// A text of a hit in which something fits.
#[derive(SimpleObject)]
pub struct Highlight {
    /// The field that it is shown in, such as `name`.
    field: &'static str,
    /// The text in parts, in order; of a long one those around the first that fits.
    parts: Vec<HighlightPart>,
}

/// How many hits have a value.
#[derive(SimpleObject)]
pub struct FacetValue {
    /// The value; null: those that have none.
    value: Option<String>,
    /// How many.
    count: usize,
}

/// How many hits have which value of a field.
#[derive(SimpleObject)]
pub struct Facet {
    /// The field.
    name: String,
    /// Its values, the most frequent first.
    values: Vec<FacetValue>,
}

/// What a page of hits says of all of them.
#[derive(SimpleObject)]
pub struct SearchFields {
    /// How many hits there are. Pages end with the first 1,000, unless set otherwise.
    total: usize,
    /// Whether there may be more than `total` and the facets count, for not all were looked at.
    more: bool,
    /// How many hits have which value: of each of the `facets` that were asked for.
    facets: Vec<Facet>,
}

/// What is said of a hit.
#[derive(SimpleObject)]
pub struct HitFields {
    /// How well it fits: 1 is a code that was typed whole, from 0.9 are codes that begin so, from
    /// 0.5 are those that have the words as they were typed, below are those with typos.
    score: f64,
    /// The texts in which something fits.
    highlights: Vec<Highlight>,
}

/// Pages of hits have names of their own beside pages of lists.
pub struct SearchName;

impl ConnectionNameType for SearchName {
    fn type_name<T: OutputType>() -> String {
        format!("{}SearchConnection", T::type_name())
    }
}

impl EdgeNameType for SearchName {
    fn type_name<T: OutputType>() -> String {
        format!("{}SearchEdge", T::type_name())
    }
}

/// A page of hits.
type HitConnection<T> =
    Connection<String, T, SearchFields, HitFields, SearchName, SearchName, EnableNodesField>;

fn connection<R, T: OutputType>(hits: Hits<R>, show: impl Fn(R) -> T) -> HitConnection<T> {
    let facet = |facet: search::Facet| {
        // States of life and features are enumerations here.
        let is_word = ["status", "feature"].contains(&facet.name.as_str());
        let told = |value: Option<String>| match is_word {
            true => value.map(|value| value.to_ascii_uppercase()),
            false => value,
        };
        Facet {
            name: facet.name,
            values: facet
                .values
                .into_iter()
                .map(|search::FacetValue { value, count }| FacetValue { value: told(value), count })
                .collect(),
        }
    };
    let facets = hits.facets.into_iter().map(facet).collect();
    let fields = SearchFields { total: hits.total, more: hits.is_cut, facets };
    let mut connection =
        Connection::with_additional_fields(hits.has_previous, hits.has_next, fields);
    connection.edges.extend(hits.items.into_iter().map(|hit| {
        let highlights = hit.highlights.into_iter().map(highlight).collect();
        let fields = HitFields { score: hit.score, highlights };
        Edge::with_additional_fields(hit.cursor, show(hit.record), fields)
    }));
    connection
}

fn highlight(highlight: search::Highlight) -> Highlight {
    let part = |search::Part { text, marked }| HighlightPart { text, marked };
    Highlight { field: highlight.field, parts: highlight.parts.into_iter().map(part).collect() }
}

impl From<Found> for Node {
    fn from(found: Found) -> Self {
        match found {
            Found::Product(row) => Self::Product(Product(row)),
            Found::Customer(row) => Self::Customer(Customer(row)),
            Found::Contact(row) => Self::Contact(Contact(row)),
            Found::Warehouse(row) => Self::Warehouse(Warehouse(row)),
            Found::Order(row) => Self::Order(Order(row)),
            Found::CreditNote(row) => Self::CreditNote(CreditNote(row)),
        }
    }
}

/// What a search of a feature is asked.
struct Asked<R> {
    args: SearchArgs,
    at_least: Option<String>,
    rows: PhantomData<fn() -> R>,
}

impl<R: Findable> Asked<R> {
    async fn answer<T: OutputType>(
        self,
        ctx: &Context<'_>,
        show: fn(Seen<R>) -> T,
    ) -> async_graphql::Result<HitConnection<T>> {
        let (app, access) = reading(ctx, R::READS, self.at_least).await?;
        let hits = app.reader.search_in::<R>(&access, &self.args).await;
        Ok(connection(hits.map_err(ApiError::from)?, show))
    }
}

/// Declares the searches of features, a line each.
macro_rules! searches {
    ($(
        $(#[$doc:meta])*
        $search:ident: $row:ident shows $node:ident by $facets:ident {
            $( $(#[$facet_doc:meta])* $facet:ident = $name:literal, )+
        }
    )+) => {
        $(
            #[doc = concat!("Fields of a `", stringify!($node), "` whose values are counted.")]
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
            pub enum $facets { $( $(#[$facet_doc])* $facet, )+ }

            impl $facets {
                fn name(self) -> String {
                    match self { $( Self::$facet => $name.to_owned(), )+ }
                }
            }
        )+

        /// Searching.
        #[derive(Default)]
        pub struct SearchQueries;

        #[Object]
        impl SearchQueries {
            /// Whatever fits, of everything that you may read, best first. Every word of the query
            /// has to be there, the last one perhaps only begun; capitals and accents do not
            /// matter. Codes come first; where that finds too little, typos are tolerated.
            #[graphql(
                complexity = "(first.unwrap_or(20).clamp(1, 1_000) as usize) * child_complexity"
            )]
            async fn search(
                &self,
                ctx: &Context<'_>,
                query: String,
                #[graphql(desc = "Where to look. Null: everywhere.")]
                features: Option<Vec<SearchFeature>>,
                first: Option<i32>,
                after: Option<String>,
                at_least: Option<String>,
            ) -> async_graphql::Result<HitConnection<Node>> {
                let name = |features: Vec<SearchFeature>| -> Vec<String> {
                    features.into_iter().map(SearchFeature::name).collect()
                };
                let features = features.map(name);
                let reads = search::reads(features.as_deref());
                let (app, access) = reading(ctx, &reads, at_least).await?;
                let page = PageArgs { first, after, ..PageArgs::default() };
                // What it costs to count them is nothing.
                let facets = vec!["feature".to_owned()];
                let args = SearchArgs { query, filter: Filter::all(), facets, page };
                let hits = app.reader.search(&access, features.as_deref(), &args).await;
                Ok(connection(hits.map_err(ApiError::from)?, Node::from))
            }

            $(
                $(#[$doc])*
                #[expect(clippy::too_many_arguments, reason = "a search has these arguments")]
                #[graphql(
                    complexity = "(first.unwrap_or(20).clamp(1, 1_000) as usize) * child_complexity"
                )]
                async fn $search(
                    &self,
                    ctx: &Context<'_>,
                    query: String,
                    filter: Option<FilterOf<$row>>,
                    facets: Option<Vec<$facets>>,
                    first: Option<i32>,
                    after: Option<String>,
                    at_least: Option<String>,
                ) -> async_graphql::Result<HitConnection<$node>> {
                    let page = PageArgs { first, after, ..PageArgs::default() };
                    let facets = facets.unwrap_or_default().into_iter().map($facets::name);
                    let filter = filtered(filter)?;
                    let args = SearchArgs { query, filter, facets: facets.collect(), page };
                    Asked { args, at_least, rows: PhantomData }.answer(ctx, $node).await
                }
            )+
        }
    };
}

searches! {
    /// Products that fit, best first, as `search` says: by SKU, names and descriptions in all
    /// languages.
    search_products: ProductRow shows Product by ProductFacet {
        /// Where they stand in their lives.
        Status = "status",
        /// What they are sold in.
        Unit = "unit",
        /// The currency of the list price.
        ListPriceCurrency = "listPriceCurrency",
    }
    /// Customers that fit, best first, as `search` says: by number and name.
    search_customers: CustomerRow shows Customer by CustomerFacet {
        /// Where they stand in their lives.
        Status = "status",
        /// The currency of their orders.
        Currency = "currency",
    }
    /// Contacts that fit, best first, as `search` says: by name, e-mail address, phone number and
    /// role.
    search_contacts: ContactRow shows Contact by ContactFacet {
        /// Where they stand in their lives.
        Status = "status",
        /// At whom they are, by id.
        CustomerId = "customerId",
        /// What they do there.
        Role = "role",
    }
    /// Warehouses that fit, best first, as `search` says: by code and name.
    search_warehouses: WarehouseRow shows Warehouse by WarehouseFacet {
        /// Where they stand in their lives.
        Status = "status",
    }
    /// Orders that fit, best first, as `search` says: by number, customer's name and reference.
    search_orders: OrderRow shows Order by OrderFacet {
        /// Where they stand in their lives.
        Status = "status",
        /// The currency of the amounts.
        Currency = "currency",
        /// Whose they are, by id.
        CustomerId = "customerId",
    }
    /// Credit notes that fit, best first, as `search` says: by number, customer's name, reference
    /// and reason.
    search_credit_notes: CreditNoteRow shows CreditNote by CreditNoteFacet {
        /// Where they stand in their lives.
        Status = "status",
        /// The currency of the amounts.
        Currency = "currency",
        /// Whose they are, by id.
        CustomerId = "customerId",
    }
}
