//! Claims about rows.
