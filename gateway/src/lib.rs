//! How the world speaks to Millrace: HTTP, GraphQL, WebSocket, configuration, the program itself.
//! Nothing is decided here, and nothing is computed that a query or a command could.

pub mod app;
pub mod auth;
pub mod backup;
pub mod config;
pub mod demo;
pub mod durable;
pub mod error;
pub mod export;
pub mod graphql;
pub mod health;
pub mod import;
pub mod live;
pub mod master_keys;
pub mod migrations;
pub mod pages;
pub mod postgres;
pub mod progress;
pub mod router;
pub mod telemetry;
pub mod verbs;

pub use queries::position;

/// glibc's allocator took a third of the program's time under load: its threads wait for each
/// other's memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
