//! What runs unasked: read models are carried on here.

mod feed;
mod finishing;
pub mod folding;
pub mod membership;
pub mod projector;
