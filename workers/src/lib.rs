//! What runs unasked: today the projector, which keeps the read models up to date.

pub mod projector;
