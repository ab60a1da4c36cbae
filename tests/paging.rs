//! Claims about lists.
