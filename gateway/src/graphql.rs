//! The GraphQL schema: merges the features' parts, which are in `graphql/`, and says what all of
//! them share.

mod as_of;
mod caller;
mod codes;
mod contacts;
mod credit_notes;
mod customers;
mod derived_ids;
mod descriptions;
mod executed;
mod field_times;
mod history;
mod input;
mod limits;
mod lists;
pub mod loaders;
mod mutation;
mod nodes;
mod nulls;
mod operations;
mod orders;
mod organizations;
mod parked;
mod products;
pub mod pushed;
mod registered;
mod sales;
mod scalars;
mod search;
mod status;
mod stock;
mod warehouses;

use std::sync::Arc;

use async_graphql::{MergedObject, MergedSubscription, Schema};

pub use caller::Caller;
pub use executed::Executed;

use crate::app::App;

/// Everything that can be read.
#[derive(MergedObject, Default)]
pub struct Query(
    lists::ListQueries,
    nodes::NodeQueries,
    search::SearchQueries,
    organizations::OrganizationQueries,
    customers::CustomerQueries,
    contacts::ContactQueries,
    products::ProductQueries,
    warehouses::WarehouseQueries,
    stock::StockQueries,
    orders::OrderQueries,
    credit_notes::CreditNoteQueries,
    sales::SalesQueries,
    parked::ParkedQueries,
);

/// Everything that can be done: a mutation for each command.
#[derive(MergedObject, Default)]
pub struct Mutation(
    organizations::OrganizationMutations,
    customers::CustomerMutations,
    customers::CreditMutations,
    contacts::ContactMutations,
    products::ProductMutations,
    warehouses::WarehouseMutations,
    stock::StockMutations,
    orders::OrderMutations,
    credit_notes::CreditNoteMutations,
    parked::ParkedMutations,
);

/// Everything that can be watched.
#[derive(MergedSubscription, Default)]
pub struct Subscription(lists::ListSubscriptions, operations::OperationSubscriptions);

/// The schema, with its limits.
pub type ApiSchema = Schema<Query, Mutation, Subscription>;

/// Builds the schema over a running gateway.
#[must_use]
pub fn schema(app: Arc<App>) -> ApiSchema {
    let settings = &app.config.graphql;
    let (depth, complexity) = (settings.depth_max, settings.complexity_max);
    let mut builder = builder()
        .limit_depth(depth)
        .limit_complexity(complexity)
        .limit_recursive_depth(limits::NESTING_MAX)
        .extension(codes::Codes { depth, complexity })
        .extension(limits::Limits(app.config.clone()))
        .extension(nulls::Nulls);
    if !settings.introspection {
        builder = builder.disable_introspection();
    }
    if settings.field_times {
        builder = builder.extension(field_times::FieldTimes);
    }
    builder.data(app).finish()
}

/// The schema in GraphQL's own language.
#[must_use]
pub fn sdl() -> String {
    let options = async_graphql::SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by();
    builder().finish().sdl_with_options(options)
}

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .register_input_type::<descriptions::Descriptions>()
}
