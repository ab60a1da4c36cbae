//! Write adapters: how read models are stored. Not what they hold: that is the folds' business.

mod checkpoint;
pub mod records;
pub mod rollups;
pub mod sql;
mod statements;
