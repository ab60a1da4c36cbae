//! Every claim about the whole, in one test program.

mod access;
mod architecture;
mod contracts;
mod crashes;
mod executor;
mod folds;
mod inputs;
mod log;
mod orders;
mod paging;
mod postgres;
mod programs;
mod readme;
mod subscriptions;
mod tidy;
