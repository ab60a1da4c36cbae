//! Any record by its id alone (Relay's object identification). What a record shows, its feature
//! says.

use async_graphql::{Context, ID, Interface, Object};
use events::access::Access;
use futures_util::future::try_join_all;
use uuid::Uuid;

use super::caller::{Caller, id, of};
use super::contacts::Contact;
use super::credit_notes::CreditNote;
use super::customers::{Credit, Customer};
use super::loaders::{
    ContactOf, CreditById, CreditNoteOf, CustomerOf, FeatureOf, Loaders, OrderOf, OrganizationOf,
    ProductOf, StockItemOf, WarehouseOf,
};
use super::orders::Order;
use super::organizations::Organization;
use super::products::Product;
use super::stock::StockItem;
use super::warehouses::Warehouse;
use crate::app::App;
use crate::error::{ApiError, Code};

/// Declares which records are nodes, a line each: the feature of a record's facts, its type, how it
/// is loaded, and what has to have come so far as the caller says.
macro_rules! nodes {
    ($( $feature:literal: $node:ident = $key:ident, $reads:path; )+) => {
        /// A record that has an id.
        #[derive(Interface)]
        #[graphql(field(
            name = "id",
            ty = "ID",
            desc = "Its id. No other record of the organization has the same one, of whatever type."
        ))]
        pub enum Node {
            $(
                #[doc = "Of that feature."]
                $node($node),
            )+
        }

        async fn record(
            ctx: &Context<'_>,
            (app, caller): (&App, &Caller),
            access: Access,
            feature: &str,
            id: Uuid,
        ) -> async_graphql::Result<Option<Node>> {
            let loaders = ctx.data::<Loaders>()?;
            match feature {
                $( $feature => {
                    let readable = app.reader.at_least($reads, caller.at_least).await;
                    readable.map_err(ApiError::from)?;
                    Ok(loaders.load_one($key(access, id)).await?.map($node).map(Node::$node))
                } )+
                // What is decided on, and never shown.
                _ => Ok(None),
            }
        }
    };
}

nodes! {
    "organizations": Organization = OrganizationOf, queries::organizations::READS;
    "customers": Customer = CustomerOf, queries::customers::READS;
    "credit": Credit = CreditById, queries::credit::READS;
    "contacts": Contact = ContactOf, queries::contacts::READS;
    "products": Product = ProductOf, queries::products::READS;
    "warehouses": Warehouse = WarehouseOf, queries::warehouses::READS;
    "stock": StockItem = StockItemOf, queries::stock::READS;
    "orders": Order = OrderOf, queries::orders::READS;
    "credit_notes": CreditNote = CreditNoteOf, queries::credit_notes::READS;
}

/// The records with these ids, in their order. The log knows of what feature each is.
async fn records(ctx: &Context<'_>, ids: &[Uuid]) -> async_graphql::Result<Vec<Option<Node>>> {
    let (app, caller) = of(ctx)?;
    let access = caller.access(app).await?;
    let loaders = ctx.data::<Loaders>()?;
    let found = ids.iter().map(|&id| async move {
        match loaders.load_one(FeatureOf(access, id)).await? {
            Some(feature) => record(ctx, (app, caller), access, &feature, id).await,
            None => Ok(None),
        }
    });
    try_join_all(found).await
}

/// Reading any records.
#[derive(Default)]
pub struct NodeQueries;

#[Object]
impl NodeQueries {
    /// Any record by its id; null if the organization has none with it. What a write did is seen
    /// with its position in the header `Millrace-Position`.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "id", desc = "The `id` of the record, of whatever type.")] given: ID,
    ) -> async_graphql::Result<Option<Node>> {
        Ok(records(ctx, &[id("id", &given)?]).await?.pop().flatten())
    }

    /// Any records by their ids, in the order of the ids; null for an id that the organization has
    /// no record with. What a write did is seen with its position in the header
    /// `Millrace-Position`.
    #[graphql(complexity = "ids.len() * child_complexity")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most as many as a page has: 100, unless set otherwise.")] ids: Vec<ID>,
    ) -> async_graphql::Result<Vec<Option<Node>>> {
        let (app, _) = of(ctx)?;
        let max = app.reader.limits().page_max;
        if ids.len() > max {
            let message = format!("{} ids; at most {max} are looked up at once", ids.len());
            return Err(ApiError::new(Code::InvalidInput, message).at("ids").into());
        }
        let ids: Vec<Uuid> = ids.iter().map(|given| id("ids", given)).collect::<Result<_, _>>()?;
        records(ctx, &ids).await
    }
}
