//! Write adapters: how read models are stored. Not what they hold: that is the folds' business.

pub mod sql;
mod statements;
