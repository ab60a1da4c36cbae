//! Claims about who may call what.
