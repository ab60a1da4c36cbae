//! Claims about importing: what a file says is there afterwards, to the last line; what was not
//! taken is told, row by row; and nothing is there twice, whatever dies in between.

mod beside;
mod books;
mod dying;
mod mappings;
mod others;
mod place;
pub(crate) mod real;
mod untidy;
