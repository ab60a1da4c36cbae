//! Every claim about the whole, in one test program.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod access;
mod architecture;
mod as_of;
mod backup;
mod busy;
mod contacts;
mod contracts;
mod crashes;
mod credit_notes;
mod demo;
mod executor;
mod export;
mod folds;
mod fuzzing;
mod graphql;
mod histories;
mod history;
mod import;
mod inputs;
mod log;
mod metrics;
mod newer;
mod orders;
mod paging;
mod postgres;
mod programs;
mod projections;
mod projector;
mod readers;
mod readme;
mod sales;
mod subscriptions;
mod tidy;
mod warehouses;
mod workers;
