//! Claims about the GraphQL layer itself: what it says of itself, its limits, records by id alone,
//! what it costs in SQL. What queries and mutations mean is claimed feature by feature.

mod descriptions;
mod examples;
mod limits;
mod nodes;
mod paths;
mod statements;
